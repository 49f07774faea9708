/* What the resident firmware and its host say to each other over a UART. python/tvm_tiny/board/serial_frame.py and
 * serial_link.py are the other side.
 *
 * A frame is a flag (0x7E), a header, a payload, the CRC-32 of both, and a flag. Where a byte in between is a flag or
 * an escape (0x7D), an escape goes before it and its bit 5 is turned, so that a flag is always the end of a frame:
 * after garbage, both sides are in step again at the next one. Framing and CRC: RFC 1662, "PPP in HDLC-like Framing",
 * sections 4.2 and C.3. All words are little-endian.
 *
 * The host commands, the resident replies to each. The host sends a command again until its reply comes; the resident
 * takes a command that it took before for a repetition, by its sequence number, and does not carry it out twice. HELLO
 * opens a session, by a number that the host draws: replies of an earlier session are never taken for this one's, and
 * after a reset there is no session, which the next command is told. Of itself the resident only sends STARTED while
 * there is no session, and STOPPED until the host answers, both again and again.
 *
 * A run: RESET, HELLO, WRITE the image into the window, RUN. At each request of the harness (harness/mailbox.h) the
 * image calls the resident, which sends STOPPED; the host reads and writes the memory that the request names, writes
 * the mailbox's answer, and sends RESUME. While the image computes, the resident is awake for RESET, WHERE and
 * repetitions. */
#ifndef TVM_TINY_FIRMWARE_RESIDENT_PROTOCOL_H_
#define TVM_TINY_FIRMWARE_RESIDENT_PROTOCOL_H_

#include <stdint.h>

enum { PROTOCOL_VERSION = 1, MAX_PAYLOAD = 1024, HEADER_SIZE = 12, CRC_SIZE = 4 };
enum { FLAG = 0x7E, ESCAPE = 0x7D, ESCAPED_BIT = 0x20 };

/* A reply has its command's kind with REPLY set. Payloads, of the command : of the reply. */
enum frame_kind {
  KIND_HELLO = 1,      /* : struct hello */
  KIND_WRITE = 2,      /* address, bytes : */
  KIND_READ = 3,       /* address, size : bytes */
  KIND_CRC = 4,        /* address, size : CRC-32 of those bytes */
  KIND_RUN = 5,        /* address of the image's vectors : */
  KIND_RESUME = 6,     /* number of the stop : */
  KIND_RESET = 7,      /* : */
  KIND_WHERE = 8,      /* : where the image is, 0 where it does not run */
  KIND_STOPPED = 0x40, /* number of the stop, interrupts since the one before */
  KIND_STARTED = 0x41, /* two words without a meaning; of session 0 */
  KIND_REPLY = 0x80
};

enum frame_status { STATUS_DONE = 0, STATUS_NO_SESSION = 1, STATUS_WRONG_STATE = 2, STATUS_WRONG_ARGUMENT = 3 };

/* Header: kind, status (one byte each), payload's size (two bytes), sequence number, session (four bytes each). */
struct frame {
  uint8_t kind, status;
  uint16_t size;
  uint32_t sequence, session;
};

enum resident_state { STATE_IDLE = 0, STATE_RUNNING = 1, STATE_STOPPED = 2 };
enum hello_flag { HELLO_EMULATED = 1 };

struct hello {
  uint16_t version, max_payload;
  uint32_t clock; /* hertz */
  uint32_t window_origin, window_size;
  uint32_t call; /* the address that an image calls with its mailbox */
  uint32_t flags, state;
  char core[20], board[32]; /* text, filled up with zeros */
};

#endif /* TVM_TINY_FIRMWARE_RESIDENT_PROTOCOL_H_ */
