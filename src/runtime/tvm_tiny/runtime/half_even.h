/* SPDX-License-Identifier: Apache-2.0
 *
 * Integer arithmetic that is rounded once, ties to even: what ONNX's QuantizeLinear makes of the real number. */
#ifndef TVM_TINY_RUNTIME_HALF_EVEN_H_
#define TVM_TINY_RUNTIME_HALF_EVEN_H_

#include <stdint.h>

/* x / 2^n; 1 <= n <= 62, |x| <= 2^62. The result must fit into int32. */
static inline int32_t tvm_tiny_shift_right_even(int64_t x, int32_t n) {
  const int64_t below_half = (INT64_C(1) << (n - 1)) - 1;
  const int64_t odd = (x >> n) & 1;
  return (int32_t)((x + below_half + odd) >> n);
}

/* acc * multiplier * 2^(shift - 31), as tvm_tiny_requantize_single; -31 <= shift <= 30. */
static inline int32_t tvm_tiny_requantize_single_even(int32_t acc, int32_t multiplier, int32_t shift) {
  return tvm_tiny_shift_right_even((int64_t)acc * (int64_t)multiplier, 31 - shift);
}

/* (a * a_multiplier + b * b_multiplier) / 2^n: two quantised values on the scale of their sum. 1 <= n <= 62. */
static inline int32_t tvm_tiny_weighted_sum_even(int32_t a, int32_t a_multiplier, int32_t b, int32_t b_multiplier,
                                                 int32_t n) {
  const int64_t sum = (int64_t)a * (int64_t)a_multiplier + (int64_t)b * (int64_t)b_multiplier;
  return tvm_tiny_shift_right_even(sum, n);
}

/* sum / count; count > 0, |sum| + count <= INT32_MAX. */
static inline int32_t tvm_tiny_round_divide_even(int32_t sum, int32_t count) {
  const int32_t magnitude = (sum < 0) ? -sum : sum;
  const int32_t quotient = magnitude / count;
  const int32_t remainder = magnitude % count;
  const int32_t rest = count - remainder; /* remainder > rest: above a half */
  const int32_t rounded =
      ((remainder > rest) || ((remainder == rest) && ((quotient & 1) != 0))) ? (quotient + 1) : quotient;
  return (sum < 0) ? -rounded : rounded;
}

/* numerator / denominator in 64 bits; numerator >= 0, denominator > 0. The result must fit into int32. */
static inline int32_t tvm_tiny_divide_even(int64_t numerator, int64_t denominator) {
  const int64_t quotient = numerator / denominator;
  const int64_t remainder = numerator % denominator;
  const int64_t rest = denominator - remainder;
  return (int32_t)(quotient + (((remainder > rest) || ((remainder == rest) && ((quotient & 1) != 0))) ? 1 : 0));
}

#endif /* TVM_TINY_RUNTIME_HALF_EVEN_H_ */
