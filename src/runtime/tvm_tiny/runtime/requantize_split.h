/* SPDX-License-Identifier: Apache-2.0
 *
 * Requantisation without a long multiplication, for cores whose multiplier gives 32 bits (Cortex-M0 and M0+).
 *
 * A multiplier of up to 2 * drop bits is taken in two parts, high * 2^drop + low; the floor of the whole product over
 * 2^drop is then acc * high plus the floor of acc * low over 2^drop. Multiplier and offset are such that the result is
 * proven to be the reference's for every accumulator that the layer can reach. */
#ifndef TVM_TINY_RUNTIME_REQUANTIZE_SPLIT_H_
#define TVM_TINY_RUNTIME_REQUANTIZE_SPLIT_H_

#include <stdint.h>

/* Inside int8 in most cases: one comparison then. */
static inline int32_t tvm_tiny_clamp_s8(int32_t x) {
  return ((uint32_t)x + 128u <= 255u) ? x : ((x >> 31) ^ 127);
}

/* ((acc * multiplier / 2^drop) + offset) / 2^shift, both rounded down, held within int8. The parts of the multiplier
 * are the upper and the lower half of the word; nothing on the way leaves int32. */
static inline int32_t tvm_tiny_requantize_split(int32_t acc, int32_t parts, int32_t drop, int32_t offset,
                                                int32_t shift) {
  const int32_t high = parts >> 16;
  const int32_t low = parts & 0xFFFF;
  return tvm_tiny_clamp_s8((acc * high + ((acc * low) >> drop) + offset) >> shift);
}

#endif /* TVM_TINY_RUNTIME_REQUANTIZE_SPLIT_H_ */
