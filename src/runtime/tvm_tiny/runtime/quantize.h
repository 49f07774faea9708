/* SPDX-License-Identifier: Apache-2.0
 *
 * Between real numbers and quantised ones: real = scale * (quantised - zero_point). */
#ifndef TVM_TINY_RUNTIME_QUANTIZE_H_
#define TVM_TINY_RUNTIME_QUANTIZE_H_

#include <stdint.h>

#include "tvm_tiny/runtime/integer.h"
#include "tvm_tiny/runtime/round.h"

/* x / scale rounded half away from zero, plus zero_point, held within [low, high]: TFLite's AffineQuantize. The limits
 * are those of an 8 or 16 bit type, low <= zero_point <= high. NaN gives zero_point. */
static inline int32_t tvm_tiny_quantize_f32(float x, float scale, int32_t zero_point, int32_t low, int32_t high) {
  const int32_t rounded = tvm_tiny_round_f32(x / scale);
  return tvm_tiny_clamp(rounded, low - zero_point, high - zero_point) + zero_point;
}

/* As tvm_tiny_quantize_f32, but rounded half to even: ONNX's QuantizeLinear. */
static inline int32_t tvm_tiny_quantize_even_f32(float x, float scale, int32_t zero_point, int32_t low, int32_t high) {
  const int32_t rounded = tvm_tiny_round_even_f32(x / scale);
  return tvm_tiny_clamp(rounded, low - zero_point, high - zero_point) + zero_point;
}

/* scale * (quantised - zero_point), for values of 8 or 16 bits. */
static inline float tvm_tiny_dequantize(int32_t quantised, float scale, int32_t zero_point) {
  return scale * (float)(quantised - zero_point);
}

#endif /* TVM_TINY_RUNTIME_QUANTIZE_H_ */
