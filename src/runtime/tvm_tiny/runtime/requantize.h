/* SPDX-License-Identifier: Apache-2.0
 *
 * From an int32 accumulator to an output's scale: acc * multiplier * 2^(shift - 31) in integers. The multiplier is a
 * Q0.31 number in [2^30, 2^31), or 0; a positive shift goes to the left. The two functions differ in how they round,
 * and therefore, in rare cases, by one step. */
#ifndef TVM_TINY_RUNTIME_REQUANTIZE_H_
#define TVM_TINY_RUNTIME_REQUANTIZE_H_

#include <stdint.h>

#include "tvm_tiny/runtime/fixed_point.h"

/* Rounds twice, as TFLite's MultiplyByQuantizedMultiplier does: the high half of the product, halves up, and then the
 * shift to the right, halves away from zero. -31 <= shift <= 30. Bits that a shift to the left pushes out are lost, as
 * they are in TFLite. */
static inline int32_t tvm_tiny_requantize(int32_t acc, int32_t multiplier, int32_t shift) {
  const int32_t left = (shift > 0) ? shift : 0;
  const int32_t right = (shift > 0) ? 0 : -shift;
  const uint32_t shifted = (uint32_t)acc << left;
  const int32_t widened = (int32_t)shifted;
  return tvm_tiny_rounding_shift_right(tvm_tiny_doubling_high_mul(widened, multiplier), right);
}

/* Rounds once, halves up, as TFLite does when it is built with TFLITE_SINGLE_ROUNDING. -31 <= shift <= 30; the result
 * must fit into int32. */
static inline int32_t tvm_tiny_requantize_single(int32_t acc, int32_t multiplier, int32_t shift) {
  const int32_t right = 31 - shift;
  const int64_t half = INT64_C(1) << (right - 1);
  return (int32_t)(((int64_t)acc * (int64_t)multiplier + half) >> right);
}

#endif /* TVM_TINY_RUNTIME_REQUANTIZE_H_ */
