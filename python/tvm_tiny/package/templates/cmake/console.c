#include "console.h"

#include <stdio.h>
#include <stdlib.h>

void console_text(const char *text) {
  fputs(text, stdout);
}

void console_hex(uint32_t value) {
  printf("%08lx", (unsigned long)value);
}

void console_exit(int code) {
  exit(code);
}
