/* The requantisation unit: what is made of an accumulator. */
#ifndef TVM_TINY_NPU_REQUANTIZATION_H_
#define TVM_TINY_NPU_REQUANTIZATION_H_

#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "tvm_tiny/runtime/requantize.h"

struct etpu_parameters {
  int32_t bias, multiplier, nudge, shift;
};

static inline uint32_t etpu_word(const uint8_t *bytes) {
  return (uint32_t)bytes[0] | ((uint32_t)bytes[1] << 8) | ((uint32_t)bytes[2] << 16) | ((uint32_t)bytes[3] << 24);
}

static inline bool etpu_shift_possible(int32_t shift) {
  return (shift >= -31) && (shift <= 30);
}

/* The sum is one of 64 bits, so that it never leaves its type. */
static inline uint8_t etpu_clamped(int64_t value, const struct etpu_clamp *clamp) {
  const int64_t moved = value + clamp->zero_point;
  if (moved < clamp->low) {
    return (uint8_t)(clamp->low & 0xff);
  }
  if (moved > clamp->high) {
    return (uint8_t)(clamp->high & 0xff);
  }
  return (uint8_t)(moved & 0xff);
}

/* `kind` is one of enum etpu_requantization; the accumulator has its bias already. */
static inline int64_t etpu_requantized(int32_t accumulator, const struct etpu_parameters *p, uint32_t kind) {
  if (kind == (uint32_t)ETPU_DOUBLE) {
    return tvm_tiny_requantize(accumulator, p->multiplier, p->shift);
  }
  return (((int64_t)accumulator * p->multiplier) + (INT64_C(1) << (30 - p->shift)) + p->nudge) >> (31 - p->shift);
}

#endif /* TVM_TINY_NPU_REQUANTIZATION_H_ */
