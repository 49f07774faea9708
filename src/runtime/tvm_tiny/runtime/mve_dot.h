/* SPDX-License-Identifier: Apache-2.0
 *
 * Matrix products on MVE: VMLADAVA.S8 adds sixteen products of int8 to an accumulator in a core register.
 *
 * Weights lie in the order in which they are read: for every sixteen inputs of the depth, sixteen weights of each of
 * the channels; behind them what remains of the depth, channel after channel. Nothing is padded: the remainder is
 * loaded under a predicate, which makes zeros of the lanes that it lacks. */
#ifndef TVM_TINY_RUNTIME_MVE_DOT_H_
#define TVM_TINY_RUNTIME_MVE_DOT_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/mve.h"

/* acc[pixel * channels + channel] = sum over k of x[pixel * pitch + k] * weight k of the channel. */
static inline void tvm_tiny_mve_dot_portable(int32_t *acc, const int8_t *x, const int8_t *w, int32_t pixels,
                                             int32_t channels, int32_t pitch, int32_t depth) {
  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    for (int32_t channel = 0; channel < channels; ++channel) {
      int32_t sum = 0;
      for (int32_t k = 0; k < depth; ++k) {
        const int32_t first = k / 16 * 16;
        const int32_t width = ((depth - first) < 16) ? (depth - first) : 16;
        sum += x[pixel * pitch + k] * w[first * channels + channel * width + (k - first)];
      }
      acc[pixel * channels + channel] = sum;
    }
  }
}

#if TVM_TINY_MVE
/* Two or more pixels, two at a time, against one to four channels: a load for each pixel and channel, a VMLADAV for
 * each pair. The pixels' inputs are in q0 and q1, weights in q2 and q3; only even core registers can accumulate. r11
 * points to the second pixel, r9 counts pairs of pixels, r7 turns of the loop over the depth. */
#define TVM_TINY_MVE_INPUTS_2 "vldrb.u8 q0, [%[x]], #16\n\tvldrb.u8 q1, [r11], #16\n\t"
#define TVM_TINY_MVE_PAIR(mla, weights, first, second) \
  mla ".s8 " first ", q0, " weights "\n\t" mla ".s8 " second ", q1, " weights "\n\t"
#define TVM_TINY_MVE_WEIGHTS_2(mla, weights, first, second) \
  "vldrb.u8 " weights ", [%[w]], #16\n\t" TVM_TINY_MVE_PAIR(mla, weights, first, second)

#define TVM_TINY_MVE_STEP_2X1(mla) TVM_TINY_MVE_INPUTS_2 TVM_TINY_MVE_WEIGHTS_2(mla, "q2", "r0", "r2")
#define TVM_TINY_MVE_STEP_2X2(mla) \
  TVM_TINY_MVE_INPUTS_2 TVM_TINY_MVE_WEIGHTS_2(mla, "q2", "r0", "r4") TVM_TINY_MVE_WEIGHTS_2(mla, "q3", "r2", "r6")
#define TVM_TINY_MVE_STEP_2X3(mla)                                                                                  \
  TVM_TINY_MVE_INPUTS_2 TVM_TINY_MVE_WEIGHTS_2(mla, "q2", "r0", "r6") TVM_TINY_MVE_WEIGHTS_2(mla, "q3", "r2", "r8") \
      TVM_TINY_MVE_WEIGHTS_2(mla, "q2", "r4", "r10")
#define TVM_TINY_MVE_STEP_2X4(mla)                                                                                   \
  TVM_TINY_MVE_INPUTS_2 TVM_TINY_MVE_WEIGHTS_2(mla, "q2", "r0", "r8") TVM_TINY_MVE_WEIGHTS_2(mla, "q3", "r2", "r10") \
      TVM_TINY_MVE_WEIGHTS_2(mla, "q2", "r4", "r12") TVM_TINY_MVE_WEIGHTS_2(mla, "q3", "r6", "lr")

/* What remains of the depth, less than sixteen: the pointers stay. */
#define TVM_TINY_MVE_REST_2X1(mla)                                                                                 \
  "vpsttt\n\tvldrbt.u8 q0, [%[x]]\n\tvldrbt.u8 q1, [r11]\n\tvldrbt.u8 q2, [%[w]]\n\t" TVM_TINY_MVE_PAIR(mla, "q2", \
                                                                                                        "r0", "r2")
#define TVM_TINY_MVE_REST_2XN                                                          \
  "vpstttt\n\tvldrbt.u8 q0, [%[x]]\n\tvldrbt.u8 q1, [r11]\n\tvldrbt.u8 q2, [%[w]]\n\t" \
  "vldrbt.u8 q3, [%[w], #%c[rest]]\n\t"
#define TVM_TINY_MVE_REST_2X2(mla) \
  TVM_TINY_MVE_REST_2XN TVM_TINY_MVE_PAIR(mla, "q2", "r0", "r4") TVM_TINY_MVE_PAIR(mla, "q3", "r2", "r6")
#define TVM_TINY_MVE_REST_2X3(mla)                                                                                  \
  TVM_TINY_MVE_REST_2XN TVM_TINY_MVE_PAIR(mla, "q2", "r0", "r6")                                                    \
      TVM_TINY_MVE_PAIR(mla, "q3", "r2", "r8") "vpst\n\tvldrbt.u8 q2, [%[w], #%c[rest] * 2]\n\t" TVM_TINY_MVE_PAIR( \
          mla, "q2", "r4", "r10")
#define TVM_TINY_MVE_REST_2X4(mla) \
  TVM_TINY_MVE_REST_2XN TVM_TINY_MVE_PAIR(mla, "q2", "r0", "r8") TVM_TINY_MVE_PAIR(              \
      mla, "q3", "r2",                                                                           \
      "r10") "vpstt\n\tvldrbt.u8 q2, [%[w], #%c[rest] * 2]\n\tvldrbt.u8 q3, [%[w], #%c[rest] * " \
             "3]\n\t" TVM_TINY_MVE_PAIR(mla, "q2", "r4", "r12") TVM_TINY_MVE_PAIR(mla, "q3", "r6", "lr")

/* The whole depth: the first step sets the accumulators, "unroll" steps to one turn of the loop. */
#define TVM_TINY_MVE_DEPTH(step, rest) \
  ".if %c[vectors]\n\t" step("vmladav") ".rept %c[unroll] - 1\n\t" step("vmladava") ".endr\n\t"                   \
  ".if %c[vectors] > %c[unroll]\n\tmovw r7, #%c[vectors] / %c[unroll] - 1\n2:\n\t.rept %c[unroll]\n\t"            \
  step("vmladava") ".endr\n\tsubs r7, r7, #1\n\tbne 2b\n\t.endif\n\t"                                             \
  ".if %c[rest]\n\t" rest("vmladava") ".endif\n\t.else\n\t" rest("vmladav") ".endif\n\t"

/* A last pixel without a partner goes with the one before it, which is computed again. */
#define TVM_TINY_MVE_DOT_2XN(channels, step, rest, sums) \
  "push {r7, r9, r11}\n\tmov r11, %[x]\n\t" TVM_TINY_MVE_ADD("r11", "r9", "%c[pitch]")                           \
  ".if %c[rest]\n\tmov r9, #%c[rest]\n\tvctp.8 r9\n\t.endif\n\t"                                                  \
  "movw r9, #%c[pixels] / 2\n1:\n\t" TVM_TINY_MVE_DEPTH(step, rest) "stm %[acc]!, {" sums "}\n\t"                 \
  TVM_TINY_MVE_ADD("%[w]", "r0", "-16 * %c[vectors] * " channels)                                                 \
  TVM_TINY_MVE_ADD("%[x]", "r0", "2 * %c[pitch] - 16 * %c[vectors]")                                              \
  TVM_TINY_MVE_ADD("r11", "r0", "2 * %c[pitch] - 16 * %c[vectors]") "subs r9, r9, #1\n\tbgt 1b\n\t"               \
  ".if %c[pixels] & 1\n\tbmi 3f\n\t" TVM_TINY_MVE_ADD("%[x]", "r0", "-%c[pitch]")                                  \
  TVM_TINY_MVE_ADD("r11", "r0", "-%c[pitch]") "sub %[acc], %[acc], #4 * " channels "\n\tb 1b\n3:\n\t.endif\n\t"    \
  "pop {r7, r9, r11}"

#define TVM_TINY_MVE_DEFINE_DOT_2XN(channels, sums, ...)                                                              \
  static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_dot_2x##channels(                                            \
      int32_t *acc, const int8_t *x, const int8_t *w, int32_t pixels, int32_t pitch, int32_t depth, int32_t unroll) { \
    register int32_t *sums_at __asm__("r1") = acc;                                                                    \
    register const int8_t *inputs __asm__("r3") = x;                                                                  \
    register const int8_t *weights __asm__("r5") = w;                                                                 \
    __asm__ volatile(                                                                                                 \
        TVM_TINY_MVE_DOT_2XN(#channels, TVM_TINY_MVE_STEP_2X##channels, TVM_TINY_MVE_REST_2X##channels, sums)         \
        : [acc] "+r"(sums_at), [x] "+r"(inputs), [w] "+r"(weights)                                                    \
        : [pixels] "i"(pixels), [pitch] "i"(pitch), [vectors] "i"(depth / 16), [rest] "i"(depth % 16),                \
          [unroll] "i"(unroll)                                                                                        \
        : __VA_ARGS__, "q0", "q1", "q2", "q3", TVM_TINY_MVE_PREDICATE, "cc", "memory");                               \
  }

TVM_TINY_MVE_DEFINE_DOT_2XN(1, "r0, r2", "r0", "r2")
TVM_TINY_MVE_DEFINE_DOT_2XN(2, "r0, r2, r4, r6", "r0", "r2", "r4", "r6")
TVM_TINY_MVE_DEFINE_DOT_2XN(3, "r0, r2, r4, r6, r8, r10", "r0", "r2", "r4", "r6", "r8", "r10")
TVM_TINY_MVE_DEFINE_DOT_2XN(4, "r0, r2, r4, r6, r8, r10, r12, lr", "r0", "r2", "r4", "r6", "r8", "r10", "r12", "lr")

/* One pixel against up to eight channels, group after group. r9 counts groups. */
#define TVM_TINY_MVE_WEIGHTS_1(mla, weights, sum) \
  "vldrb.u8 " weights ", [%[w]], #16\n\t" mla ".s8 " sum ", q0, " weights "\n\t"
#define TVM_TINY_MVE_STEP_1X1(mla) "vldrb.u8 q0, [%[x]], #16\n\t" TVM_TINY_MVE_WEIGHTS_1(mla, "q1", "r0")
#define TVM_TINY_MVE_STEP_1X2(mla) TVM_TINY_MVE_STEP_1X1(mla) TVM_TINY_MVE_WEIGHTS_1(mla, "q2", "r2")
#define TVM_TINY_MVE_STEP_1X3(mla) TVM_TINY_MVE_STEP_1X2(mla) TVM_TINY_MVE_WEIGHTS_1(mla, "q1", "r4")
#define TVM_TINY_MVE_STEP_1X4(mla) TVM_TINY_MVE_STEP_1X3(mla) TVM_TINY_MVE_WEIGHTS_1(mla, "q2", "r6")
#define TVM_TINY_MVE_STEP_1X5(mla) TVM_TINY_MVE_STEP_1X4(mla) TVM_TINY_MVE_WEIGHTS_1(mla, "q1", "r8")
#define TVM_TINY_MVE_STEP_1X6(mla) TVM_TINY_MVE_STEP_1X5(mla) TVM_TINY_MVE_WEIGHTS_1(mla, "q2", "r10")
#define TVM_TINY_MVE_STEP_1X7(mla) TVM_TINY_MVE_STEP_1X6(mla) TVM_TINY_MVE_WEIGHTS_1(mla, "q1", "r12")
#define TVM_TINY_MVE_STEP_1X8(mla) TVM_TINY_MVE_STEP_1X7(mla) TVM_TINY_MVE_WEIGHTS_1(mla, "q2", "lr")

#define TVM_TINY_MVE_REST_1(mla, sum) "vpst\n\tvldrbt.u8 q1, [%[w]], #%c[rest]\n\t" mla ".s8 " sum ", q0, q1\n\t"
#define TVM_TINY_MVE_REST_1X1(mla) "vpst\n\tvldrbt.u8 q0, [%[x]]\n\t" TVM_TINY_MVE_REST_1(mla, "r0")
#define TVM_TINY_MVE_REST_1X2(mla) TVM_TINY_MVE_REST_1X1(mla) TVM_TINY_MVE_REST_1(mla, "r2")
#define TVM_TINY_MVE_REST_1X3(mla) TVM_TINY_MVE_REST_1X2(mla) TVM_TINY_MVE_REST_1(mla, "r4")
#define TVM_TINY_MVE_REST_1X4(mla) TVM_TINY_MVE_REST_1X3(mla) TVM_TINY_MVE_REST_1(mla, "r6")
#define TVM_TINY_MVE_REST_1X5(mla) TVM_TINY_MVE_REST_1X4(mla) TVM_TINY_MVE_REST_1(mla, "r8")
#define TVM_TINY_MVE_REST_1X6(mla) TVM_TINY_MVE_REST_1X5(mla) TVM_TINY_MVE_REST_1(mla, "r10")
#define TVM_TINY_MVE_REST_1X7(mla) TVM_TINY_MVE_REST_1X6(mla) TVM_TINY_MVE_REST_1(mla, "r12")
#define TVM_TINY_MVE_REST_1X8(mla) TVM_TINY_MVE_REST_1X7(mla) TVM_TINY_MVE_REST_1(mla, "lr")

#define TVM_TINY_MVE_DOT_1XN(step, rest, sums) \
  "push {r7, r9}\n\t.if %c[rest]\n\tmov r9, #%c[rest]\n\tvctp.8 r9\n\t.endif\n\tmovw r9, " \
  "#%c[groups]\n1:\n\t"     \
  TVM_TINY_MVE_DEPTH(step, rest) "stm %[acc]!, {" sums "}\n\t"                                                    \
  ".if %c[groups] > 1\n\t" TVM_TINY_MVE_ADD("%[x]", "r0", "-16 * %c[vectors]") "subs r9, r9, #1\n\tbne 1b\n\t.endif\n\t" \
  "pop {r7, r9}"

#define TVM_TINY_MVE_DEFINE_DOT_1XN(channels, sums, ...)                                                             \
  static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_dot_1x##channels(                                           \
      int32_t *acc, const int8_t *x, const int8_t *w, int32_t groups, int32_t depth, int32_t unroll) {               \
    register int32_t *sums_at __asm__("r1") = acc;                                                                   \
    register const int8_t *inputs __asm__("r3") = x;                                                                 \
    register const int8_t *weights __asm__("r5") = w;                                                                \
    __asm__ volatile(TVM_TINY_MVE_DOT_1XN(TVM_TINY_MVE_STEP_1X##channels, TVM_TINY_MVE_REST_1X##channels, sums)      \
                     : [acc] "+r"(sums_at), [x] "+r"(inputs), [w] "+r"(weights)                                      \
                     : [groups] "i"(groups), [vectors] "i"(depth / 16), [rest] "i"(depth % 16), [unroll] "i"(unroll) \
                     : __VA_ARGS__, "q0", "q1", "q2", TVM_TINY_MVE_PREDICATE, "cc", "memory");                       \
  }

TVM_TINY_MVE_DEFINE_DOT_1XN(1, "r0", "r0")
TVM_TINY_MVE_DEFINE_DOT_1XN(2, "r0, r2", "r0", "r2")
TVM_TINY_MVE_DEFINE_DOT_1XN(3, "r0, r2, r4", "r0", "r2", "r4")
TVM_TINY_MVE_DEFINE_DOT_1XN(4, "r0, r2, r4, r6", "r0", "r2", "r4", "r6")
TVM_TINY_MVE_DEFINE_DOT_1XN(5, "r0, r2, r4, r6, r8", "r0", "r2", "r4", "r6", "r8")
TVM_TINY_MVE_DEFINE_DOT_1XN(6, "r0, r2, r4, r6, r8, r10", "r0", "r2", "r4", "r6", "r8", "r10")
TVM_TINY_MVE_DEFINE_DOT_1XN(7, "r0, r2, r4, r6, r8, r10, r12", "r0", "r2", "r4", "r6", "r8", "r10", "r12")
TVM_TINY_MVE_DEFINE_DOT_1XN(8, "r0, r2, r4, r6, r8, r10, r12, lr", "r0", "r2", "r4", "r6", "r8", "r10", "r12", "lr")
#else
#define TVM_TINY_MVE_DEFINE_DOTS(channels)                                                                         \
  static inline void tvm_tiny_mve_dot_2x##channels(int32_t *acc, const int8_t *x, const int8_t *w, int32_t pixels, \
                                                   int32_t pitch, int32_t depth, int32_t unroll) {                 \
    (void)unroll;                                                                                                  \
    tvm_tiny_mve_dot_portable(acc, x, w, pixels, channels, pitch, depth);                                          \
  }                                                                                                                \
  static inline void tvm_tiny_mve_dot_1x##channels(int32_t *acc, const int8_t *x, const int8_t *w, int32_t groups, \
                                                   int32_t depth, int32_t unroll) {                                \
    (void)unroll;                                                                                                  \
    for (int32_t group = 0; group < groups; ++group) {                                                             \
      tvm_tiny_mve_dot_portable(&acc[group * (channels)], x, &w[group * (channels)*depth], 1, channels, 0, depth); \
    }                                                                                                              \
  }

TVM_TINY_MVE_DEFINE_DOTS(1)
TVM_TINY_MVE_DEFINE_DOTS(2)
TVM_TINY_MVE_DEFINE_DOTS(3)
TVM_TINY_MVE_DEFINE_DOTS(4)
TVM_TINY_MVE_DEFINE_DOTS(5)
TVM_TINY_MVE_DEFINE_DOTS(6)
TVM_TINY_MVE_DEFINE_DOTS(7)
TVM_TINY_MVE_DEFINE_DOTS(8)
#endif

#endif /* TVM_TINY_RUNTIME_MVE_DOT_H_ */
