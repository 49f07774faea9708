/* SPDX-License-Identifier: Apache-2.0
 *
 * From accumulators to int8, four channels at a time:
 *
 *   saturate((((acc << left) + bias - (that is negative ? unit : 0)) * multiplier / 2^31 + offset) / 2^shift)
 *
 * The first quotient is rounded down, the second to the nearest, halves up. (The shift that would round down, VQSHRN,
 * is assembled as the one that rounds by GNU's assembler 2.40.) Bias, multiplier and unit are those of the channel, and
 * so chosen that the result is the reference's for every accumulator that can occur. */
#ifndef TVM_TINY_RUNTIME_MVE_REQUANTIZE_H_
#define TVM_TINY_RUNTIME_MVE_REQUANTIZE_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/integer.h"
#include "tvm_tiny/runtime/mve.h"

/* What becomes of one accumulator where no channel has a unit. */
static inline int32_t tvm_tiny_mve_requantize(int32_t acc, int32_t bias, int32_t multiplier, int32_t left,
                                              int32_t offset, int32_t shift) {
  const uint32_t biased = ((uint32_t)acc << (uint32_t)left) + (uint32_t)bias;
  const int32_t sum = (int32_t)biased;
  const int32_t high = (int32_t)(((int64_t)sum * multiplier) >> 31) + offset;
  return tvm_tiny_clamp((high + (1 << (shift - 1))) >> shift, -128, 127);
}

/* What becomes of one accumulator where negative ones round the other way, held within [low, high] besides. */
static inline int32_t tvm_tiny_mve_requantize_signed(int32_t acc, int32_t bias, int32_t multiplier, int32_t unit,
                                                     int32_t left, int32_t offset, int32_t shift, int32_t low,
                                                     int32_t high) {
  const uint32_t biased = ((uint32_t)acc << (uint32_t)left) + (uint32_t)bias;
  const int32_t sum = (int32_t)biased;
  const int32_t corrected = (sum < 0) ? (sum - unit) : sum;
  return tvm_tiny_clamp(tvm_tiny_mve_requantize(corrected, 0, multiplier, 0, offset, shift), low, high);
}

#if TVM_TINY_MVE
/* Sums in core registers to the lanes of q; lanes beyond them hold anything. */
#define TVM_TINY_MVE_LANES_1(q, a) "vdup.32 " q ", " a "\n\t"
#define TVM_TINY_MVE_LANES_2(q, a, b) TVM_TINY_MVE_LANES_4(q, a, b, a, b)
#define TVM_TINY_MVE_LANES_3(q, a, b, c) TVM_TINY_MVE_LANES_4(q, a, b, c, c)
#define TVM_TINY_MVE_LANES_4(q, a, b, c, d) \
  "vmov " q "[2], " q "[0], " a ", " c "\n\tvmov " q "[3], " q "[1], " b ", " d "\n\t"

/* Parameters of four channels, or, under a predicate, of fewer of them: biases to q2, multipliers to q3, units to q4.
 * "at" is moved to what follows them. */
#define TVM_TINY_MVE_LOAD(at, channels)                                        \
  ".if " channels " == 4\n\tvldrw.u32 q2, [" at "], #16\n\tvldrw.u32 q3, [" at \
  "], #16\n\t.else\n\t"                                                        \
  "vpstt\n\tvldrwt.u32 q2, [" at "], #4 * " channels "\n\tvldrwt.u32 q3, [" at "], #4 * " channels "\n\t.endif\n\t"
#define TVM_TINY_MVE_LOAD_SIGNED(at, channels)                                                                       \
  TVM_TINY_MVE_LOAD(at, channels)                                                                                    \
  ".if " channels " == 4\n\tvldrw.u32 q4, [" at "], #16\n\t.else\n\tvpst\n\tvldrwt.u32 q4, [" at "], #4 * " channels \
  "\n\t.endif\n\t"

/* The same for "count" of a group of "channels" channels from "first" on, at r9, which stays. */
#define TVM_TINY_MVE_LOAD_ONE(q, count, place)                                                      \
  ".if " count " == 4\n\tvldrw.u32 " q ", [r9, #4 * (" place ")]\n\t.else\n\tvpst\n\tvldrwt.u32 " q \
  ", [r9, #4 * (" place ")]\n\t.endif\n\t"
#define TVM_TINY_MVE_LOAD_AT(count, first, channels) \
  TVM_TINY_MVE_LOAD_ONE("q2", count, first) TVM_TINY_MVE_LOAD_ONE("q3", count, first " + " channels)
#define TVM_TINY_MVE_LOAD_AT_SIGNED(count, first, channels) \
  TVM_TINY_MVE_LOAD_AT(count, first, channels) TVM_TINY_MVE_LOAD_ONE("q4", count, first " + 2 * " channels)

/* Accumulators in q become outputs there; r0 is the offset. With units, q5 and q6 are limits, and q7 is lost. */
#define TVM_TINY_MVE_ADD_BIAS(q) \
  ".if %c[left]\n\tvshl.i32 " q ", " q ", #%c[left]\n\t.endif\n\tvadd.i32 " q ", " q ", q2\n\t"
#define TVM_TINY_MVE_MULTIPLY(q) \
  "vqdmlash.s32 " q ", q3, r0\n\tvqrshrnb.s32 " q ", " q ", #%c[shift]\n\tvqmovnb.s16 " q ", " q "\n\t"
#define TVM_TINY_MVE_CORRECT(q) "vshr.s32 q7, " q ", #31\n\tvand q7, q7, q4\n\tvsub.i32 " q ", " q ", q7\n\t"
#define TVM_TINY_MVE_HOLD(q)                 \
  ".if %c[low] > -128\n\tvmax.s8 " q ", " q  \
  ", q5\n\t.endif\n\t.if %c[high] < 127\n\t" \
  "vmin.s8 " q ", " q ", q6\n\t.endif\n\t"
#define TVM_TINY_MVE_SCALE(q) TVM_TINY_MVE_ADD_BIAS(q) TVM_TINY_MVE_MULTIPLY(q)
#define TVM_TINY_MVE_SCALE_SIGNED(q) \
  TVM_TINY_MVE_ADD_BIAS(q) TVM_TINY_MVE_CORRECT(q) TVM_TINY_MVE_MULTIPLY(q) TVM_TINY_MVE_HOLD(q)

/* q0 and q1 in turn: the one is at work while the other waits for its result. */
#define TVM_TINY_MVE_ADD_BIASES                                                            \
  ".if %c[left]\n\tvshl.i32 q0, q0, #%c[left]\n\tvshl.i32 q1, q1, #%c[left]\n\t.endif\n\t" \
  "vadd.i32 q0, q0, q2\n\tvadd.i32 q1, q1, q2\n\t"
#define TVM_TINY_MVE_MULTIPLY_BOTH                                                            \
  "vqdmlash.s32 q0, q3, r0\n\tvqdmlash.s32 q1, q3, r0\n\tvqrshrnb.s32 q0, q0, #%c[shift]\n\t" \
  "vqrshrnb.s32 q1, q1, #%c[shift]\n\tvqmovnb.s16 q0, q0\n\tvqmovnb.s16 q1, q1\n\t"
#define TVM_TINY_MVE_SCALE_BOTH TVM_TINY_MVE_ADD_BIASES TVM_TINY_MVE_MULTIPLY_BOTH
#define TVM_TINY_MVE_SCALE_BOTH_SIGNED                                          \
  TVM_TINY_MVE_ADD_BIASES TVM_TINY_MVE_CORRECT("q0") TVM_TINY_MVE_CORRECT("q1") \
      TVM_TINY_MVE_MULTIPLY_BOTH TVM_TINY_MVE_HOLD("q0") TVM_TINY_MVE_HOLD("q1")
#define TVM_TINY_MVE_LIMITS                                                                             \
  ".if %c[low] > -128\n\tmov r0, #%c[low]\n\tvdup.8 q5, r0\n\t.endif\n\t.if %c[high] < 127\n\tmov r0, " \
  "#%c[high]\n\tvdup.8 q6, r0\n\t.endif\n\t"
#endif

#endif /* TVM_TINY_RUNTIME_MVE_REQUANTIZE_H_ */
