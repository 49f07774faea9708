/* Where the example writes, and how it ends. */
#ifndef CONSOLE_H_
#define CONSOLE_H_

#include <stdint.h>

void console_text(const char *text);
void console_hex(uint32_t value);
void console_exit(int code);

#endif /* CONSOLE_H_ */
