#include "frames.h"

#include "uart.h"

static uint8_t taken[HEADER_SIZE + MAX_PAYLOAD + CRC_SIZE];
static uint32_t length; /* of what was taken of this frame; more than `taken` holds where it is too long */
static bool after_escape;

/* By four bits at a time: a table of 16 words rather than 256. The polynomial is 0xEDB88320, reflected. */
uint32_t crc32(uint32_t crc, const uint8_t *from, uint32_t size) {
  static const uint32_t table[16] = {0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
                                     0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
                                     0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu};
  crc = ~crc;
  for (uint32_t i = 0; i < size; ++i) {
    crc = crc >> 4 ^ table[(crc ^ from[i]) & 15u];
    crc = crc >> 4 ^ table[(crc ^ (uint32_t)from[i] >> 4) & 15u];
  }
  return ~crc;
}

static bool is_whole(uint32_t size) {
  if (size < HEADER_SIZE + CRC_SIZE || size > sizeof taken)
    return false;
  if (((uint32_t)taken[2] | (uint32_t)taken[3] << 8) != size - HEADER_SIZE - CRC_SIZE)
    return false;
  return crc32(0u, taken, size - CRC_SIZE) == word_at(&taken[size - CRC_SIZE]);
}

bool frame_take(uint8_t byte, struct frame *frame, const uint8_t **payload) {
  if (byte == FLAG) {
    const uint32_t size = length;
    length = 0u;
    /* A frame that breaks off in an escape was given up by its sender. */
    const bool whole = !after_escape && is_whole(size);
    after_escape = false;
    if (!whole)
      return false;
    frame->kind = taken[0];
    frame->status = taken[1];
    frame->size = (uint16_t)(size - HEADER_SIZE - CRC_SIZE);
    frame->sequence = word_at(&taken[4]);
    frame->session = word_at(&taken[8]);
    *payload = &taken[HEADER_SIZE];
    return true;
  }
  if (byte == ESCAPE) {
    after_escape = true;
    return false;
  }
  if (length < sizeof taken)
    taken[length] = after_escape ? byte ^ ESCAPED_BIT : byte;
  if (length <= sizeof taken)
    ++length;
  after_escape = false;
  return false;
}

static void send_escaped(const uint8_t *from, uint32_t size) {
  for (uint32_t i = 0; i < size; ++i) {
    const bool reserved = from[i] == FLAG || from[i] == ESCAPE;
    if (reserved)
      uart_send(ESCAPE);
    uart_send(reserved ? from[i] ^ ESCAPED_BIT : from[i]);
  }
}

void frame_send(const struct frame *frame, const uint8_t *payload) {
  uint8_t header[HEADER_SIZE] = {frame->kind, frame->status, (uint8_t)frame->size, (uint8_t)(frame->size >> 8)};
  uint8_t check[CRC_SIZE];
  put_word(&header[4], frame->sequence);
  put_word(&header[8], frame->session);
  put_word(check, crc32(crc32(0u, header, sizeof header), payload, frame->size));
  uart_send(FLAG);
  send_escaped(header, sizeof header);
  send_escaped(payload, frame->size);
  send_escaped(check, sizeof check);
  uart_send(FLAG);
  uart_flush();
}
