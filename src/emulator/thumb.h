/* Thumb encodings, as far as counting needs them (Armv7-M Architecture Reference Manual, DDI 0403E.e, A5.1). */
#ifndef TVM_TINY_EMULATOR_THUMB_H_
#define TVM_TINY_EMULATOR_THUMB_H_

#include <stdint.h>

/* Bytes of the instruction whose first halfword is `first`: 4 where bits 15:11 are 0b11101, 0b11110 or 0b11111, else 2.
 */
static inline unsigned thumb_size(uint16_t first) {
  return (first >> 11) >= 0x1du ? 4u : 2u;
}

#endif /* TVM_TINY_EMULATOR_THUMB_H_ */
