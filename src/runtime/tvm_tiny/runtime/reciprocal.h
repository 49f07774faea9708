/* SPDX-License-Identifier: Apache-2.0
 *
 * 1 / x in fixed point, bit for bit as TFLite's softmax computes it (GetReciprocal, kernels/internal/common.h, on
 * gemmlowp's one_over_one_plus_x_for_x_in_0_1).
 *
 * x is split into 2^bits * m with m in [1, 2): tvm_tiny_reciprocal_bits gives the bits, tvm_tiny_reciprocal_q0_31 gives
 * 1 / m. */
#ifndef TVM_TINY_RUNTIME_RECIPROCAL_H_
#define TVM_TINY_RUNTIME_RECIPROCAL_H_

#include <stdint.h>

#include "tvm_tiny/runtime/fixed_point.h"
#include "tvm_tiny/runtime/integer.h"

/* How many bits the highest one of x lies above the units, for a fixed-point x with so many integer bits; x > 0. */
static inline int32_t tvm_tiny_reciprocal_bits(int32_t x, int32_t integer_bits) {
  return integer_bits - tvm_tiny_leading_zeros((uint32_t)x);
}

/* 1 / m as a Q0.31 number, where m in [1, 2) has the digits of x; x > 0.
 *
 * Newton's method on the denominator d = m / 2 in [1/2, 1), from the best linear estimate 48/17 - 32/17 d, in Q2.29. */
static inline int32_t tvm_tiny_reciprocal_q0_31(int32_t x) {
  const int32_t one = INT32_C(1) << 29;
  const uint32_t digits = (uint32_t)x << (uint32_t)tvm_tiny_leading_zeros((uint32_t)x);
  const uint32_t fraction = digits - 0x80000000u;
  const int32_t m_minus_one = (int32_t)fraction;
  const int32_t d = (int32_t)(((int64_t)m_minus_one + INT32_MAX + 1) / 2);
  int32_t estimate = 1515870810 + tvm_tiny_doubling_high_mul(d, -1010580540);
  int i;
  for (i = 0; i < 3; i++) {
    const int32_t error = one - tvm_tiny_doubling_high_mul(d, estimate);
    estimate += tvm_tiny_saturating_shift_left(tvm_tiny_doubling_high_mul(estimate, error), 2);
  }
  return tvm_tiny_saturating_shift_left(estimate, 1); /* 1 / m = (1 / d) / 2, from Q2.29 to Q0.31 */
}

#endif /* TVM_TINY_RUNTIME_RECIPROCAL_H_ */
