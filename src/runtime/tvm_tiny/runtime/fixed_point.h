/* SPDX-License-Identifier: Apache-2.0
 *
 * Fixed-point arithmetic on int32, bit for bit that of gemmlowp (fixedpoint/fixedpoint.h), on which TFLite is built. */
#ifndef TVM_TINY_RUNTIME_FIXED_POINT_H_
#define TVM_TINY_RUNTIME_FIXED_POINT_H_

#include <stdint.h>

#include "tvm_tiny/runtime/integer.h"

/* round(a * b / 2^31), halves towards plus infinity, saturated: the product of two Q0.31 numbers. gemmlowp calls it
 * SaturatingRoundingDoublingHighMul, Arm VQRDMULH. Only -1 * -1 saturates. */
static inline int32_t tvm_tiny_doubling_high_mul(int32_t a, int32_t b) {
  const int64_t product = (int64_t)a * (int64_t)b;
  if ((a == INT32_MIN) && (b == INT32_MIN)) {
    return INT32_MAX;
  }
  return (int32_t)((product + (INT64_C(1) << 30)) >> 31);
}

/* round(x / 2^n), halves away from zero; 0 <= n <= 31. gemmlowp's RoundingDivideByPOT. */
static inline int32_t tvm_tiny_rounding_shift_right(int32_t x, int32_t n) {
  const int32_t mask = (int32_t)((UINT32_C(1) << n) - 1u);
  const int32_t remainder = x & mask;
  const int32_t threshold = (mask >> 1) + ((x < 0) ? 1 : 0);
  return (x >> n) + ((remainder > threshold) ? 1 : 0);
}

/* x * 2^n, saturated; 0 < n <= 30. gemmlowp's SaturatingRoundingMultiplyByPOT. */
static inline int32_t tvm_tiny_saturating_shift_left(int32_t x, int32_t n) {
  const int64_t shifted = (int64_t)x * (INT64_C(1) << n);
  if (shifted > INT32_MAX) {
    return INT32_MAX;
  }
  if (shifted < INT32_MIN) {
    return INT32_MIN;
  }
  return (int32_t)shifted;
}

#endif /* TVM_TINY_RUNTIME_FIXED_POINT_H_ */
