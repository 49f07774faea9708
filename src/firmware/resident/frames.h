/* Frames of protocol.h out of bytes and into bytes. */
#ifndef TVM_TINY_FIRMWARE_RESIDENT_FRAMES_H_
#define TVM_TINY_FIRMWARE_RESIDENT_FRAMES_H_

#include <stdbool.h>
#include <stdint.h>

#include "protocol.h"

/* The CRC-32 of `size` bytes that follow those of which `crc` is the CRC; 0 at the beginning. */
uint32_t crc32(uint32_t crc, const uint8_t *from, uint32_t size);

/* Takes one byte; true where it is the end of a whole frame, which is then in *frame with its payload at *payload until
 * the next byte. */
bool frame_take(uint8_t byte, struct frame *frame, const uint8_t **payload);

void frame_send(const struct frame *frame, const uint8_t *payload);

/* A little-endian word at any address. */
static inline uint32_t word_at(const uint8_t *from) {
  return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

static inline void put_word(uint8_t *to, uint32_t word) {
  for (unsigned i = 0; i < 4u; ++i)
    to[i] = (uint8_t)(word >> (8u * i));
}

#endif /* TVM_TINY_FIRMWARE_RESIDENT_FRAMES_H_ */
