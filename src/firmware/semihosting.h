/* Arm's semihosting: files and console of the machine that runs the emulator or the debugger ("Semihosting for AArch32
 * and AArch64", Arm 100863). */
#ifndef TVM_TINY_FIRMWARE_SEMIHOSTING_H_
#define TVM_TINY_FIRMWARE_SEMIHOSTING_H_

#include <stdint.h>

enum semihosting_mode { SEMIHOSTING_READ_BINARY = 1, SEMIHOSTING_WRITE_BINARY = 5 };

/* A handle, or -1. */
int semihosting_open(const char *path, enum semihosting_mode mode);

/* The number of bytes that were not transferred: 0 where all were. */
uint32_t semihosting_read(int handle, void *to, uint32_t size);
uint32_t semihosting_write(int handle, const void *from, uint32_t size);

void semihosting_close(int handle);

#endif /* TVM_TINY_FIRMWARE_SEMIHOSTING_H_ */
