/* Transport for emulators and debuggers: files in the folder where they run. */
#include "harness_io.h"
#include "semihosting.h"

static int input = -1, output = -1, trace = -1;

bool io_open(void) {
  input = semihosting_open("input.bin", SEMIHOSTING_READ_BINARY);
  output = semihosting_open("output.bin", SEMIHOSTING_WRITE_BINARY);
#if defined(TVM_TINY_TRACE)
  trace = semihosting_open("trace.bin", SEMIHOSTING_WRITE_BINARY);
  return input != -1 && output != -1 && trace != -1;
#else
  return input != -1 && output != -1;
#endif
}

void io_close(void) {
  semihosting_close(input);
  semihosting_close(output);
#if defined(TVM_TINY_TRACE)
  semihosting_close(trace);
#endif
}

bool io_read_input(void *to, uint32_t size) {
  return semihosting_read(input, to, size) == 0u;
}

bool io_write_output(const void *from, uint32_t size) {
  return semihosting_write(output, from, size) == 0u;
}

bool io_write_trace(const void *from, uint32_t size) {
  return semihosting_write(trace, from, size) == 0u;
}
