/* How the harness and a debugger talk: no file, no cable, only memory and one breakpoint.
 *
 * The firmware fills in the mailbox and calls mailbox_stop(), where the debugger has a breakpoint. The debugger moves
 * the bytes straight from or to their place, writes `answer`, sets the program counter behind the breakpoint and lets
 * the core run on. Without an answer to this very request the firmware calls mailbox_stop() again: it never goes on
 * with memory that nobody filled. python/tvm_tiny/board/mailbox.py is the other side.
 *
 * Above a resident firmware (resident/protocol.h), mailbox_stop() calls that instead, and it passes the stop on over
 * its UART. */
#ifndef TVM_TINY_FIRMWARE_MAILBOX_H_
#define TVM_TINY_FIRMWARE_MAILBOX_H_

#include <stdint.h>

#define MAILBOX_MAGIC 0x424D5454u /* "TTMB" */

enum mailbox_request {
  MAILBOX_READ_INPUT = 1, /* `size` bytes of the input to `address` */
  MAILBOX_WRITE_OUTPUT = 2,
  MAILBOX_WRITE_TRACE = 3,
  MAILBOX_CONSOLE = 4, /* text of `size` bytes */
  MAILBOX_EXIT = 5     /* the run is over; `size` is its code */
};

struct mailbox {
  uint32_t magic;
  uint32_t sequence; /* 1 for the first request after a reset, then one more for each */
  uint32_t request, address, size;
  uint32_t answer; /* `sequence` where done; its complement where it cannot be done */
};

extern volatile struct mailbox tiny_mailbox;

/* A debugger stops at its first instruction, of two bytes, and goes on at the second. */
void mailbox_stop(void);

#endif /* TVM_TINY_FIRMWARE_MAILBOX_H_ */
