/* How samples reach the harness and results leave it: one implementation for each transport. */
#ifndef TVM_TINY_FIRMWARE_HARNESS_IO_H_
#define TVM_TINY_FIRMWARE_HARNESS_IO_H_

#include <stdbool.h>
#include <stdint.h>

bool io_open(void);
void io_close(void);

/* All of `size` bytes, or false. */
bool io_read_input(void *to, uint32_t size);
bool io_write_output(const void *from, uint32_t size);
bool io_write_trace(const void *from, uint32_t size);

#endif /* TVM_TINY_FIRMWARE_HARNESS_IO_H_ */
