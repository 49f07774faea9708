/* Transport for a program of the host: files in the folder where it runs, the console on standard error. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "console.h"
#include "harness_io.h"

static FILE *input, *output, *trace;

bool io_open(void) {
  input = fopen("input.bin", "rb");
  output = fopen("output.bin", "wb");
  trace = fopen("trace.bin", "wb");
  return input != NULL && output != NULL && trace != NULL;
}

void io_close(void) {
  (void)fclose(input);
  (void)fclose(output);
  (void)fclose(trace);
}

bool io_read_input(void *to, uint32_t size) {
  return fread(to, 1, size, input) == size;
}

/* At once: what was computed before a crash is there after it. */
bool io_write_output(const void *from, uint32_t size) {
  return fwrite(from, 1, size, output) == size && fflush(output) == 0;
}

bool io_write_trace(const void *from, uint32_t size) {
  return fwrite(from, 1, size, trace) == size;
}

void console_text(const char *text) {
  (void)fputs(text, stderr);
}

void console_hex(uint32_t value) {
  (void)fprintf(stderr, "%08" PRIx32, value);
}

void console_exit(int code) {
  exit(code);
}
