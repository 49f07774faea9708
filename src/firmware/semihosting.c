#include "semihosting.h"

#include "console.h"

enum operation {
  SYS_OPEN = 0x01,
  SYS_CLOSE = 0x02,
  SYS_WRITE0 = 0x04,
  SYS_WRITE = 0x05,
  SYS_READ = 0x06,
  SYS_EXIT_EXTENDED = 0x20,
};

static uint32_t call(enum operation operation, const void *arguments) {
  register uint32_t r0 __asm("r0") = (uint32_t)operation;
  register const void *r1 __asm("r1") = arguments;
  __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

static uint32_t address_of(const void *data) {
  return (uint32_t)(uintptr_t)(const char *)data;
}

static uint32_t text_length(const char *text) {
  uint32_t length = 0;
  while (text[length] != '\0') {
    ++length;
  }
  return length;
}

int semihosting_open(const char *path, enum semihosting_mode mode) {
  const uint32_t arguments[3] = {address_of(path), (uint32_t)mode, text_length(path)};
  return (int)call(SYS_OPEN, arguments);
}

uint32_t semihosting_read(int handle, void *to, uint32_t size) {
  const uint32_t arguments[3] = {(uint32_t)handle, address_of(to), size};
  return size == 0u ? 0u : call(SYS_READ, arguments);
}

uint32_t semihosting_write(int handle, const void *from, uint32_t size) {
  const uint32_t arguments[3] = {(uint32_t)handle, address_of(from), size};
  return size == 0u ? 0u : call(SYS_WRITE, arguments);
}

void semihosting_close(int handle) {
  const uint32_t arguments[1] = {(uint32_t)handle};
  (void)call(SYS_CLOSE, arguments);
}

void console_text(const char *text) {
  (void)call(SYS_WRITE0, text);
}

void console_hex(uint32_t value) {
  char digits[9];
  console_digits(digits, value);
  console_text(digits);
}

void console_exit(int code) {
  const uint32_t arguments[2] = {0x20026u, (uint32_t)code}; /* ADP_Stopped_ApplicationExit */
  (void)call(SYS_EXIT_EXTENDED, arguments);
  for (;;) {
  }
}
