/* SPDX-License-Identifier: Apache-2.0
 *
 * Minimum, maximum, magnitude and flooring division of one number. Each is a function so that its operands are computed
 * once. */
#ifndef TVM_TINY_RUNTIME_SCALAR_H_
#define TVM_TINY_RUNTIME_SCALAR_H_

#include <stdint.h>

#define TVM_TINY_DEFINE_EXTREMA(suffix, type)                \
  static inline type tvm_tiny_min_##suffix(type a, type b) { \
    return (a < b) ? a : b;                                  \
  }                                                          \
  static inline type tvm_tiny_max_##suffix(type a, type b) { \
    return (a > b) ? a : b;                                  \
  }

TVM_TINY_DEFINE_EXTREMA(i32, int32_t)
TVM_TINY_DEFINE_EXTREMA(i64, int64_t)
TVM_TINY_DEFINE_EXTREMA(u32, uint32_t)
TVM_TINY_DEFINE_EXTREMA(u64, uint64_t)
TVM_TINY_DEFINE_EXTREMA(f32, float)
TVM_TINY_DEFINE_EXTREMA(f64, double)

/* |a|; a is not the most negative number. */
static inline int32_t tvm_tiny_abs_i32(int32_t a) {
  return (a < 0) ? -a : a;
}

static inline int64_t tvm_tiny_abs_i64(int64_t a) {
  return (a < 0) ? -a : a;
}

/* a / b rounded towards minus infinity, and what remains; b is not 0. */
static inline int32_t tvm_tiny_floor_div_i32(int32_t a, int32_t b) {
  const int32_t quotient = a / b;
  return ((a % b != 0) && ((a < 0) != (b < 0))) ? (quotient - 1) : quotient;
}

static inline int32_t tvm_tiny_floor_mod_i32(int32_t a, int32_t b) {
  const int32_t remainder = a % b;
  return ((remainder != 0) && ((remainder < 0) != (b < 0))) ? (remainder + b) : remainder;
}

static inline int64_t tvm_tiny_floor_div_i64(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return ((a % b != 0) && ((a < 0) != (b < 0))) ? (quotient - 1) : quotient;
}

static inline int64_t tvm_tiny_floor_mod_i64(int64_t a, int64_t b) {
  const int64_t remainder = a % b;
  return ((remainder != 0) && ((remainder < 0) != (b < 0))) ? (remainder + b) : remainder;
}

#endif /* TVM_TINY_RUNTIME_SCALAR_H_ */
