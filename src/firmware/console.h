/* Where firmware writes messages for people and how it ends; one implementation for each transport. */
#ifndef TVM_TINY_FIRMWARE_CONSOLE_H_
#define TVM_TINY_FIRMWARE_CONSOLE_H_

#include <stdint.h>

void console_text(const char *text);

/* Eight hexadecimal digits. */
void console_hex(uint32_t value);

/* Ends the run: 0 where all is well. */
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
void console_exit(int code);

#endif /* TVM_TINY_FIRMWARE_CONSOLE_H_ */
