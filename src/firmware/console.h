/* Where firmware writes messages for people and how it ends; one implementation for each transport. */
#ifndef TVM_TINY_FIRMWARE_CONSOLE_H_
#define TVM_TINY_FIRMWARE_CONSOLE_H_

#include <stdint.h>

void console_text(const char *text);

/* Eight hexadecimal digits. */
void console_hex(uint32_t value);

/* The eight digits of `value`, and the end of the string. */
static inline void console_digits(char digits[9], uint32_t value) {
  for (unsigned i = 0; i < 8u; ++i) {
    digits[i] = "0123456789abcdef"[(value >> (28u - 4u * i)) & 15u];
  }
  digits[8] = '\0';
}

/* Ends the run: 0 where all is well. */
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
void console_exit(int code);

#endif /* TVM_TINY_FIRMWARE_CONSOLE_H_ */
