/* SPDX-License-Identifier: Apache-2.0
 *
 * From an int32 accumulator to an output's scale in floating point, for the reference kernels that do it so. */
#ifndef TVM_TINY_RUNTIME_REQUANTIZE_REAL_H_
#define TVM_TINY_RUNTIME_REQUANTIZE_REAL_H_

#include <stdint.h>

#include "tvm_tiny/runtime/round.h"

/* acc * scale in double, rounded half away from zero: LiteRT's fully-connected kernel with per-channel scales. */
static inline int32_t tvm_tiny_requantize_real(int32_t acc, double scale) {
  const double scaled = (double)acc * scale;
  return tvm_tiny_round_f64(scaled);
}

/* float(acc) * scale in float, rounded half to even: ONNX Runtime's requantisation (MlasRequantizeOutput). */
static inline int32_t tvm_tiny_requantize_even(int32_t acc, float scale) {
  const float scaled = (float)acc * scale;
  return tvm_tiny_round_even_f32(scaled);
}

#endif /* TVM_TINY_RUNTIME_REQUANTIZE_REAL_H_ */
