/* SPDX-License-Identifier: Apache-2.0
 *
 * Small integer arithmetic. */
#ifndef TVM_TINY_RUNTIME_INTEGER_H_
#define TVM_TINY_RUNTIME_INTEGER_H_

#include <stdint.h>

/* C99 leaves open what >> does to a negative number. The runtime wants the arithmetic shift, which rounds towards minus
 * infinity; every compiler for these cores has it. */
#if (-1 >> 1) != -1
#error "tvm_tiny needs a compiler whose >> on negative numbers is an arithmetic shift"
#endif

/* x held within [low, high]. */
static inline int32_t tvm_tiny_clamp(int32_t x, int32_t low, int32_t high) {
  const int32_t raised = (x < low) ? low : x;
  return (raised > high) ? high : raised;
}

/* sum / count rounded to nearest, halves away from zero, as TFLite's integer average pooling does.
 * count > 0; |sum| + count / 2 <= INT32_MAX. */
static inline int32_t tvm_tiny_round_divide(int32_t sum, int32_t count) {
  const int32_t half = count / 2;
  return (sum > 0) ? ((sum + half) / count) : ((sum - half) / count);
}

/* Number of zero bits above the highest one; x > 0. */
static inline int32_t tvm_tiny_leading_zeros(uint32_t x) {
#if defined(__GNUC__) && (__SIZEOF_INT__ == 4)
  return (int32_t)__builtin_clz(x);
#else
  int32_t zeros = 0;
  while ((x & 0x80000000u) == 0u) {
    x <<= 1;
    zeros++;
  }
  return zeros;
#endif
}

#endif /* TVM_TINY_RUNTIME_INTEGER_H_ */
