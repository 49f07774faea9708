/* SPDX-License-Identifier: Apache-2.0
 *
 * Requantisation without a long multiplication, for cores whose multiplier gives 32 bits (Cortex-M0 and M0+).
 *
 * The multiplier is cut into digits of "width" bits, so that an accumulator times a digit fits 32 bits; the floor of
 * the whole product is reached from the lowest digit up. Multiplier and offset are such that the result is proven to be
 * the reference's for every accumulator that the layer can reach. */
#ifndef TVM_TINY_RUNTIME_REQUANTIZE_SPLIT_H_
#define TVM_TINY_RUNTIME_REQUANTIZE_SPLIT_H_

#include <stdint.h>

/* Inside int8 in most cases: one comparison then. */
static inline int32_t tvm_tiny_clamp_s8(int32_t x) {
  /* cppcheck-suppress shiftTooManyBitsSigned ; an arithmetic shift, as integer.h demands */
  return ((uint32_t)x + 128u <= 255u) ? x : ((x >> 31) ^ 127);
}

/* (acc * multiplier / 2^width + offset) / 2^shift, each division rounded down, held within int8. */
static inline int32_t tvm_tiny_requantize_2_digits(int32_t acc, int32_t multiplier, int32_t width, int32_t offset,
                                                   int32_t shift) {
  const int32_t lower = multiplier & ((1 << width) - 1);
  const int32_t product = acc * (multiplier >> width) + ((acc * lower) >> width);
  return tvm_tiny_clamp_s8((product + offset) >> shift);
}

/* (acc * multiplier / 2^(2 * width) + offset) / 2^shift likewise. */
static inline int32_t tvm_tiny_requantize_3_digits(int32_t acc, int32_t multiplier, int32_t width, int32_t offset,
                                                   int32_t shift) {
  const int32_t mask = (1 << width) - 1;
  const int32_t lowest = (acc * (multiplier & mask)) >> width;
  const int32_t lower = (acc * ((multiplier >> width) & mask) + lowest) >> width;
  return tvm_tiny_clamp_s8((acc * (multiplier >> (2 * width)) + lower + offset) >> shift);
}

#endif /* TVM_TINY_RUNTIME_REQUANTIZE_SPLIT_H_ */
