/* Transport without files: mailbox.h. */
#include "console.h"
#include "harness_io.h"
#include "mailbox.h"

volatile struct mailbox tiny_mailbox;

static bool request(enum mailbox_request request, const void *address, uint32_t size) {
  const uint32_t sequence = tiny_mailbox.sequence + 1u;
  tiny_mailbox.magic = MAILBOX_MAGIC;
  tiny_mailbox.answer = 0u;
  tiny_mailbox.request = (uint32_t)request;
  tiny_mailbox.address = (uint32_t)(uintptr_t)address;
  tiny_mailbox.size = size;
  tiny_mailbox.sequence = sequence;
  do {
    __asm volatile("" ::: "memory"); /* all is written before, and read anew after */
    mailbox_stop();
    __asm volatile("" ::: "memory");
  } while (tiny_mailbox.answer != sequence && tiny_mailbox.answer != ~sequence);
  return tiny_mailbox.answer == sequence;
}

bool io_open(void) {
  return true;
}

void io_close(void) {}

bool io_read_input(void *to, uint32_t size) {
  return size == 0u || request(MAILBOX_READ_INPUT, to, size);
}

bool io_write_output(const void *from, uint32_t size) {
  return size == 0u || request(MAILBOX_WRITE_OUTPUT, from, size);
}

bool io_write_trace(const void *from, uint32_t size) {
  return size == 0u || request(MAILBOX_WRITE_TRACE, from, size);
}

void console_text(const char *text) {
  uint32_t length = 0;
  while (text[length] != '\0')
    ++length;
  (void)request(MAILBOX_CONSOLE, text, length);
}

void console_hex(uint32_t value) {
  char digits[9];
  console_digits(digits, value);
  console_text(digits);
}

void console_exit(int code) {
  for (;;)
    (void)request(MAILBOX_EXIT, (const void *)0, (uint32_t)code);
}
