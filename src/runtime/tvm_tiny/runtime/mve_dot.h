/* SPDX-License-Identifier: Apache-2.0
 *
 * Matrix products on MVE: VMLADAVA.S8 adds sixteen products of int8 to an accumulator in a core register, and the
 * accumulators become int8 outputs without passing through memory.
 *
 * Weights lie in the order in which they are read. For each group of channels: for every sixteen inputs of the depth,
 * sixteen weights of each of the channels; behind them what remains of the depth, channel after channel. Nothing is
 * padded: the remainder is loaded under a predicate, which makes zeros of the lanes that it lacks. Parameters lie group
 * after group too: the biases of its channels, their multipliers, and, in the functions for negative sums, their units
 * (mve_requantize.h). */
#ifndef TVM_TINY_RUNTIME_MVE_DOT_H_
#define TVM_TINY_RUNTIME_MVE_DOT_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/mve.h"
#include "tvm_tiny/runtime/mve_requantize.h"

/* The sum over k of x[k] * weight k of a channel, whose group has "channels" of them and begins at w. */
static inline int32_t tvm_tiny_mve_dot(const int8_t *x, const int8_t *w, int32_t channel, int32_t channels,
                                       int32_t depth) {
  int32_t sum = 0;
  for (int32_t k = 0; k < depth; ++k) {
    const int32_t first = k / 16 * 16;
    const int32_t width = ((depth - first) < 16) ? (depth - first) : 16;
    sum += x[k] * w[first * channels + channel * width + (k - first)];
  }
  return sum;
}

/* The same of the places of the first input and of the group's first weight. */
#define TVM_TINY_MVE_DOT(x, w, channel, channels, depth) tvm_tiny_mve_dot(&(x), &(w), channel, channels, depth)

/* out[pixel * width + group * channels + channel] */
static inline void tvm_tiny_mve_dot_portable(int8_t *out, const int8_t *x, const int8_t *w, const int32_t *parameters,
                                             int32_t pixels, int32_t groups, int32_t channels, int32_t pitch,
                                             int32_t depth, int32_t width, int32_t left, int32_t offset,
                                             int32_t shift) {
  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    for (int32_t group = 0; group < groups; ++group) {
      const int32_t *const at = &parameters[group * channels * 2];
      for (int32_t c = 0; c < channels; ++c) {
        const int32_t sum = tvm_tiny_mve_dot(&x[pixel * pitch], &w[group * channels * depth], c, channels, depth);
        out[pixel * width + group * channels + c] =
            (int8_t)tvm_tiny_mve_requantize(sum, at[c], at[channels + c], left, offset, shift);
      }
    }
  }
}

static inline void tvm_tiny_mve_dot_portable_signed(int8_t *out, const int8_t *x, const int8_t *w,
                                                    const int32_t *parameters, int32_t pixels, int32_t groups,
                                                    int32_t channels, int32_t pitch, int32_t depth, int32_t width,
                                                    int32_t left, int32_t offset, int32_t shift, int32_t low,
                                                    int32_t high) {
  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    for (int32_t group = 0; group < groups; ++group) {
      const int32_t *const at = &parameters[group * channels * 3];
      for (int32_t c = 0; c < channels; ++c) {
        const int32_t sum = tvm_tiny_mve_dot(&x[pixel * pitch], &w[group * channels * depth], c, channels, depth);
        out[pixel * width + group * channels + c] = (int8_t)tvm_tiny_mve_requantize_signed(
            sum, at[c], at[channels + c], at[2 * channels + c], left, offset, shift, low, high);
      }
    }
  }
}

#if TVM_TINY_MVE
/* C99 asks of a compiler no more than 4095 characters in a string. These are longer, and cannot be two statements:
 * what they keep in registers is theirs. Compilers for this core take them. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"

/* Two or more pixels, two at a time, against one to four channels: a load for each pixel and channel, a VMLADAV for
 * each pair. The pixels' inputs are in q0 and q1, weights in q2 and q3; only even core registers can accumulate. r11
 * points to the second pixel, r9 to the parameters; r7 counts turns of the loop over the depth. */
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

/* The whole depth: the first step sets the accumulators, "unroll" steps to one turn of the loop. Behind it the pointers
 * are where they were, and that to the weights at the next group. */
#define TVM_TINY_MVE_DEPTH(step, rest, set_predicate, channels) \
  ".if %c[vectors]\n\t" step("vmladav") ".rept %c[unroll] - 1\n\t" step("vmladava") ".endr\n\t" \
  ".if %c[vectors] > %c[unroll]\n\tmovw r7, #%c[vectors] / %c[unroll] - 1\n2:\n\t.rept %c[unroll]\n\t" \
  step("vmladava") ".endr\n\tsubs r7, r7, #1\n\tbne 2b\n\t.endif\n\t" \
  ".if %c[rest]\n\t" set_predicate rest("vmladava") ".endif\n\t.else\n\t" set_predicate rest("vmladav") ".endif\n\t" \
  TVM_TINY_MVE_ADD("%[x]", "r7", "-16 * %c[vectors]") ".if %c[rest]\n\tadd %[w], %[w], #%c[rest] * " channels "\n\t.endif\n\t"

#define TVM_TINY_MVE_PREDICATE_OF(type, count) "movs r7, #" count "\n\tvctp." type " r7\n\t"
#define TVM_TINY_MVE_REST_PREDICATE TVM_TINY_MVE_PREDICATE_OF("8", "%c[rest]")

/* What is in memory while the loops run: [sp] the offset of the requantisation, then the first parameter, the end of
 * the parameters, pairs of pixels or nothing. */
#define TVM_TINY_MVE_FRAME(roles, channels) \
  "push {r7, r9, r11}\n\tsub sp, sp, #20\n\tmov r9, %[parameters]\n\tstr r9, [sp, #4]\n\t" \
  TVM_TINY_MVE_ADD("%[parameters]", "r0", "4 * " roles " * " channels " * %c[groups]") "str %[parameters], [sp, #8]\n\t" \
  "movw r0, #(%c[offset]) & 0xffff\n\tmovt r0, #((%c[offset]) >> 16) & 0xffff\n\tstr r0, [sp]\n\t"
#define TVM_TINY_MVE_FRAME_END "add sp, sp, #20\n\tpop {r7, r9, r11}"
#define TVM_TINY_MVE_NEXT_GROUP ".if %c[groups] > 1\n\tldr r0, [sp, #8]\n\tcmp r9, r0\n\tbne 4b\n\t.endif\n\t"

/* The sums of two pixels to q0 and q1. */
#define TVM_TINY_MVE_LANES_2X1 TVM_TINY_MVE_LANES_1("q0", "r0") TVM_TINY_MVE_LANES_1("q1", "r2")
#define TVM_TINY_MVE_LANES_2X2 TVM_TINY_MVE_LANES_2("q0", "r0", "r2") TVM_TINY_MVE_LANES_2("q1", "r4", "r6")
#define TVM_TINY_MVE_LANES_2X3 \
  TVM_TINY_MVE_LANES_3("q0", "r0", "r2", "r4") TVM_TINY_MVE_LANES_3("q1", "r6", "r8", "r10")
#define TVM_TINY_MVE_LANES_2X4 \
  TVM_TINY_MVE_LANES_4("q0", "r0", "r2", "r4", "r6") TVM_TINY_MVE_LANES_4("q1", "r8", "r10", "r12", "lr")

/* Outputs of two pixels, "width" apart; fewer than four channels under a predicate. */
#define TVM_TINY_MVE_STORE_2(channels)                                                                              \
  ".if " channels                                                                                                   \
  " != 4\n\tvpst\n\tvstrbt.32 q0, [%[out]]\n\t.endif\n\t"                                                           \
  ".if %c[width] < 128\n\t.if " channels                                                                            \
  " == 4\n\tvstrb.32 q1, [%[out], #%c[width]]\n\t.else\n\tvpst\n\tvstrbt.32 q1, [%[out], #%c[width]]\n\t.endif\n\t" \
  ".else\n\t" TVM_TINY_MVE_SUM_OF(                                                                                  \
      "r0", "%[out]",                                                                                               \
      "%c[width]") ".if " channels                                                                                  \
                   " == 4\n\tvstrb.32 q1, [r0]\n\t.else\n\tvpst\n\tvstrbt.32 q1, [r0]\n\t.endif\n\t.endif\n\t"      \
                   ".if " channels " == 4\n\tvstrb.32 q0, [%[out]], #4\n\t.else\n\tadd %[out], %[out], #" channels  \
                   "\n\t.endif\n\t"

/* A last pixel without a partner goes with the one before it, which is computed again. */
#define TVM_TINY_MVE_DOT_2XN(channels, roles, begin, step, rest, lanes, load, scale)                               \
  TVM_TINY_MVE_FRAME(roles, channels)                                                                              \
  begin "movw r0, #%c[pixels] / 2\n\tstr r0, [sp, #12]\n\tmov r11, %[x]\n\t" TVM_TINY_MVE_ADD(                     \
      "r11", "r0",                                                                                                 \
      "%c[pitch]") ".if " channels " == 4 && %c[rest]\n\t" TVM_TINY_MVE_REST_PREDICATE                             \
                   ".endif\n\t"                                                                                    \
                   "1:\n\tldr r9, [sp, #4]\n4:\n\t" TVM_TINY_MVE_DEPTH(                                            \
                       step, rest, ".if " channels " != 4\n\t" TVM_TINY_MVE_REST_PREDICATE ".endif\n\t", channels) \
                       TVM_TINY_MVE_ADD("r11", "r7",                                                               \
                                        "-16 * %c[vectors]") ".if " channels                                       \
                                                             " != 4\n\t" TVM_TINY_MVE_PREDICATE_OF(                \
                                                                 "32", channels) ".endif\n\t" load("r9", channels) \
                                                                 lanes "ldr r0, [sp]\n\t" scale                    \
                                                                 TVM_TINY_MVE_STORE_2(channels)                    \
  TVM_TINY_MVE_NEXT_GROUP                                                                                          \
  TVM_TINY_MVE_ADD("%[out]", "r0", "2 * %c[width] - %c[groups] * " channels)                                       \
  TVM_TINY_MVE_ADD("%[w]", "r0", "-(%c[vectors] * 16 + %c[rest]) * %c[groups] * " channels)                        \
  TVM_TINY_MVE_ADD("%[x]", "r0", "2 * %c[pitch]") TVM_TINY_MVE_ADD("r11", "r0", "2 * %c[pitch]") \
  "ldr r0, [sp, #12]\n\tsubs r0, r0, #1\n\tstr r0, [sp, #12]\n\tbgt 1b\n\t" \
  ".if %c[pixels] & 1\n\tbmi 3f\n\t" TVM_TINY_MVE_ADD("%[x]", "r0", "-%c[pitch]") \
  TVM_TINY_MVE_ADD("r11", "r0", "-%c[pitch]") TVM_TINY_MVE_ADD("%[out]", "r0", "-%c[width]") "b 1b\n3:\n\t.endif\n\t" \
  TVM_TINY_MVE_FRAME_END

#define TVM_TINY_MVE_DEFINE_DOT_2XN(channels, ...)                                                                  \
  static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_dot_2x##channels(                                          \
      int8_t *out, const int8_t *x, const int8_t *w, const int32_t *parameters, int32_t pixels, int32_t groups,     \
      int32_t pitch, int32_t depth, int32_t unroll, int32_t width, int32_t left, int32_t offset, int32_t shift) {   \
    register int8_t *outputs __asm__("r1") = out;                                                                   \
    register const int8_t *inputs __asm__("r3") = x;                                                                \
    register const int8_t *weights __asm__("r5") = w;                                                               \
    register const int32_t *at __asm__("r4") = parameters;                                                          \
    __asm__ volatile(                                                                                               \
        TVM_TINY_MVE_DOT_2XN(#channels, "2", "", TVM_TINY_MVE_STEP_2X##channels, TVM_TINY_MVE_REST_2X##channels,    \
                             TVM_TINY_MVE_LANES_2X##channels, TVM_TINY_MVE_LOAD, TVM_TINY_MVE_SCALE_BOTH)           \
        : [out] "+r"(outputs), [x] "+r"(inputs), [w] "+r"(weights), [parameters] "+r"(at)                           \
        : [pixels] "i"(pixels), [groups] "i"(groups), [pitch] "i"(pitch), [vectors] "i"(depth / 16),                \
          [rest] "i"(depth % 16), [unroll] "i"(unroll), [width] "i"(width), [left] "i"(left), [offset] "i"(offset), \
          [shift] "i"(shift)                                                                                        \
        : __VA_ARGS__, "q0", "q1", "q2", "q3", TVM_TINY_MVE_PREDICATE, "cc", "memory");                             \
  }                                                                                                                 \
  static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_dot_2x##channels##_signed(                                 \
      int8_t *out, const int8_t *x, const int8_t *w, const int32_t *parameters, int32_t pixels, int32_t groups,     \
      int32_t pitch, int32_t depth, int32_t unroll, int32_t width, int32_t left, int32_t offset, int32_t shift,     \
      int32_t low, int32_t high) {                                                                                  \
    register int8_t *outputs __asm__("r1") = out;                                                                   \
    register const int8_t *inputs __asm__("r3") = x;                                                                \
    register const int8_t *weights __asm__("r5") = w;                                                               \
    register const int32_t *at __asm__("r4") = parameters;                                                          \
    __asm__ volatile(TVM_TINY_MVE_DOT_2XN(#channels, "3", TVM_TINY_MVE_LIMITS, TVM_TINY_MVE_STEP_2X##channels,      \
                                          TVM_TINY_MVE_REST_2X##channels, TVM_TINY_MVE_LANES_2X##channels,          \
                                          TVM_TINY_MVE_LOAD_SIGNED, TVM_TINY_MVE_SCALE_BOTH_SIGNED)                 \
                     : [out] "+r"(outputs), [x] "+r"(inputs), [w] "+r"(weights), [parameters] "+r"(at)              \
                     : [pixels] "i"(pixels), [groups] "i"(groups), [pitch] "i"(pitch), [vectors] "i"(depth / 16),   \
                       [rest] "i"(depth % 16), [unroll] "i"(unroll), [width] "i"(width), [left] "i"(left),          \
                       [offset] "i"(offset), [shift] "i"(shift), [low] "i"(low), [high] "i"(high)                   \
                     : __VA_ARGS__, "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", TVM_TINY_MVE_PREDICATE, "cc",   \
                       "memory");                                                                                   \
  }

TVM_TINY_MVE_DEFINE_DOT_2XN(1, "r0", "r2")
TVM_TINY_MVE_DEFINE_DOT_2XN(2, "r0", "r2", "r6")
TVM_TINY_MVE_DEFINE_DOT_2XN(3, "r0", "r2", "r6", "r8", "r10")
TVM_TINY_MVE_DEFINE_DOT_2XN(4, "r0", "r2", "r6", "r8", "r10", "r12", "lr")

/* One pixel against up to eight channels, group after group. */
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

/* Four channels, or "count" of them, from the group's "first" on. */
#define TVM_TINY_MVE_OUT_1X(count, first, channels, load_at, scale)                                               \
  ".if " count                                                                                                    \
  " != 4\n\t" TVM_TINY_MVE_PREDICATE_OF("32", count) ".endif\n\tldr r0, [sp]\n\t" load_at(count, first, channels) \
      scale("q0") ".if " count " != 4\n\tvpst\n\tvstrbt.32 q0, [%[out]]\n\tadd %[out], %[out], #" count           \
                  "\n\t.else\n\tvstrb.32 q0, [%[out]], #4\n\t.endif\n\t"
#define TVM_TINY_MVE_DOT_1X_1(channels, load_at, scale) \
  TVM_TINY_MVE_LANES_1("q0", "r0") TVM_TINY_MVE_OUT_1X("1", "0", channels, load_at, scale)
#define TVM_TINY_MVE_DOT_1X_2(channels, load_at, scale) \
  TVM_TINY_MVE_LANES_2("q0", "r0", "r2") TVM_TINY_MVE_OUT_1X("2", "0", channels, load_at, scale)
#define TVM_TINY_MVE_DOT_1X_3(channels, load_at, scale) \
  TVM_TINY_MVE_LANES_3("q0", "r0", "r2", "r4") TVM_TINY_MVE_OUT_1X("3", "0", channels, load_at, scale)
#define TVM_TINY_MVE_DOT_1X_4(channels, load_at, scale) \
  TVM_TINY_MVE_LANES_4("q0", "r0", "r2", "r4", "r6") TVM_TINY_MVE_OUT_1X("4", "0", channels, load_at, scale)
#define TVM_TINY_MVE_DOT_1X_5(channels, load_at, scale) \
  TVM_TINY_MVE_DOT_1X_4(channels, load_at, scale)       \
  TVM_TINY_MVE_LANES_1("q0", "r8") TVM_TINY_MVE_OUT_1X("1", "4", channels, load_at, scale)
#define TVM_TINY_MVE_DOT_1X_6(channels, load_at, scale) \
  TVM_TINY_MVE_DOT_1X_4(channels, load_at, scale)       \
  TVM_TINY_MVE_LANES_2("q0", "r8", "r10") TVM_TINY_MVE_OUT_1X("2", "4", channels, load_at, scale)
#define TVM_TINY_MVE_DOT_1X_7(channels, load_at, scale) \
  TVM_TINY_MVE_DOT_1X_4(channels, load_at, scale)       \
  TVM_TINY_MVE_LANES_3("q0", "r8", "r10", "r12") TVM_TINY_MVE_OUT_1X("3", "4", channels, load_at, scale)
/* Eight channels: q0 and q1 in turn, as with two pixels, and loads between. The parameters of a group lie at r9, which
 * stays. */
#define TVM_TINY_MVE_LOAD_FROM(q, place) "vldrw.u32 " q ", [r9, #" place "]\n\t"
#define TVM_TINY_MVE_BIASES_8                                                                                         \
  "vadd.i32 q0, q0, q2\n\t" TVM_TINY_MVE_LOAD_FROM("q2", "32") "vadd.i32 q1, q1, q3\n\t" TVM_TINY_MVE_LOAD_FROM("q3", \
                                                                                                                "48")
#define TVM_TINY_MVE_BIASES_8_SIGNED \
  "vadd.i32 q0, q0, q2\n\t" TVM_TINY_MVE_LOAD_FROM("q4", "64") "vadd.i32 q1, q1, q3\n\t" TVM_TINY_MVE_LOAD_FROM("q2", "80") \
  "vshr.s32 q7, q0, #31\n\tvshr.s32 q3, q1, #31\n\tvand q7, q7, q4\n\tvand q3, q3, q2\n\t" \
  TVM_TINY_MVE_LOAD_FROM("q2", "32") "vsub.i32 q0, q0, q7\n\tvsub.i32 q1, q1, q3\n\t" TVM_TINY_MVE_LOAD_FROM("q3", "48")
#define TVM_TINY_MVE_OUT_8(biases, hold) \
  "vmov q0[2], q0[0], r0, r4\n\t" TVM_TINY_MVE_LOAD_FROM("q2", "0") "vmov q0[3], q0[1], r2, r6\n\t"                \
  TVM_TINY_MVE_LOAD_FROM("q3", "16") "vmov q1[2], q1[0], r8, r12\n\tldr r0, [sp]\n\tvmov q1[3], q1[1], r10, lr\n\t" \
  ".if %c[left]\n\tvshl.i32 q0, q0, #%c[left]\n\tvshl.i32 q1, q1, #%c[left]\n\t.endif\n\t" biases                  \
  "vqdmlash.s32 q0, q2, r0\n\tvqdmlash.s32 q1, q3, r0\n\tvqrshrnb.s32 q0, q0, #%c[shift]\n\t"                      \
  "vqrshrnb.s32 q1, q1, #%c[shift]\n\tvqmovnb.s16 q0, q0\n\tvqmovnb.s16 q1, q1\n\t" hold                           \
  "vstrb.32 q0, [%[out]], #4\n\tvstrb.32 q1, [%[out]], #4\n\t"
#define TVM_TINY_MVE_DOT_1X_8(channels, load_at, scale) TVM_TINY_MVE_OUT_8(TVM_TINY_MVE_BIASES_8, "")
#define TVM_TINY_MVE_DOT_1X_8_SIGNED(channels, load_at, scale) \
  TVM_TINY_MVE_OUT_8(TVM_TINY_MVE_BIASES_8_SIGNED, TVM_TINY_MVE_HOLD("q0") TVM_TINY_MVE_HOLD("q1"))
#define TVM_TINY_MVE_DOT_1X_1_SIGNED TVM_TINY_MVE_DOT_1X_1
#define TVM_TINY_MVE_DOT_1X_2_SIGNED TVM_TINY_MVE_DOT_1X_2
#define TVM_TINY_MVE_DOT_1X_3_SIGNED TVM_TINY_MVE_DOT_1X_3
#define TVM_TINY_MVE_DOT_1X_4_SIGNED TVM_TINY_MVE_DOT_1X_4
#define TVM_TINY_MVE_DOT_1X_5_SIGNED TVM_TINY_MVE_DOT_1X_5
#define TVM_TINY_MVE_DOT_1X_6_SIGNED TVM_TINY_MVE_DOT_1X_6
#define TVM_TINY_MVE_DOT_1X_7_SIGNED TVM_TINY_MVE_DOT_1X_7

#define TVM_TINY_MVE_DOT_1XN(channels, roles, begin, step, rest, out, load_at, scale) \
  TVM_TINY_MVE_FRAME(roles, channels)                                                 \
  begin "4:\n\t" TVM_TINY_MVE_DEPTH(step, rest, TVM_TINY_MVE_REST_PREDICATE, "0")     \
      out(channels, load_at, scale) "add r9, r9, #4 * " roles " * " channels          \
                                    "\n\t" TVM_TINY_MVE_NEXT_GROUP TVM_TINY_MVE_FRAME_END

#define TVM_TINY_MVE_DEFINE_DOT_1XN(channels, ...)                                                                    \
  static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_dot_1x##channels(                                            \
      int8_t *out, const int8_t *x, const int8_t *w, const int32_t *parameters, int32_t groups, int32_t depth,        \
      int32_t unroll, int32_t left, int32_t offset, int32_t shift) {                                                  \
    register int8_t *outputs __asm__("r1") = out;                                                                     \
    register const int8_t *inputs __asm__("r3") = x;                                                                  \
    register const int8_t *weights __asm__("r5") = w;                                                                 \
    register const int32_t *at __asm__("r4") = parameters;                                                            \
    __asm__ volatile(                                                                                                 \
        TVM_TINY_MVE_DOT_1XN(#channels, "2", "", TVM_TINY_MVE_STEP_1X##channels, TVM_TINY_MVE_REST_1X##channels,      \
                             TVM_TINY_MVE_DOT_1X_##channels, TVM_TINY_MVE_LOAD_AT, TVM_TINY_MVE_SCALE)                \
        : [out] "+r"(outputs), [x] "+r"(inputs), [w] "+r"(weights), [parameters] "+r"(at)                             \
        : [groups] "i"(groups), [vectors] "i"(depth / 16), [rest] "i"(depth % 16), [unroll] "i"(unroll),              \
          [left] "i"(left), [offset] "i"(offset), [shift] "i"(shift)                                                  \
        : __VA_ARGS__, "q0", "q1", "q2", "q3", TVM_TINY_MVE_PREDICATE, "cc", "memory");                               \
  }                                                                                                                   \
  static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_dot_1x##channels##_signed(                                   \
      int8_t *out, const int8_t *x, const int8_t *w, const int32_t *parameters, int32_t groups, int32_t depth,        \
      int32_t unroll, int32_t left, int32_t offset, int32_t shift, int32_t low, int32_t high) {                       \
    register int8_t *outputs __asm__("r1") = out;                                                                     \
    register const int8_t *inputs __asm__("r3") = x;                                                                  \
    register const int8_t *weights __asm__("r5") = w;                                                                 \
    register const int32_t *at __asm__("r4") = parameters;                                                            \
    __asm__ volatile(TVM_TINY_MVE_DOT_1XN(#channels, "3", TVM_TINY_MVE_LIMITS, TVM_TINY_MVE_STEP_1X##channels,        \
                                          TVM_TINY_MVE_REST_1X##channels, TVM_TINY_MVE_DOT_1X_##channels##_SIGNED,    \
                                          TVM_TINY_MVE_LOAD_AT_SIGNED, TVM_TINY_MVE_SCALE_SIGNED)                     \
                     : [out] "+r"(outputs), [x] "+r"(inputs), [w] "+r"(weights), [parameters] "+r"(at)                \
                     : [groups] "i"(groups), [vectors] "i"(depth / 16), [rest] "i"(depth % 16), [unroll] "i"(unroll), \
                       [left] "i"(left), [offset] "i"(offset), [shift] "i"(shift), [low] "i"(low), [high] "i"(high)   \
                     : __VA_ARGS__, "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", TVM_TINY_MVE_PREDICATE, "cc",     \
                       "memory");                                                                                     \
  }

TVM_TINY_MVE_DEFINE_DOT_1XN(1, "r0")
TVM_TINY_MVE_DEFINE_DOT_1XN(2, "r0", "r2")
TVM_TINY_MVE_DEFINE_DOT_1XN(3, "r0", "r2")
TVM_TINY_MVE_DEFINE_DOT_1XN(4, "r0", "r2", "r6")
TVM_TINY_MVE_DEFINE_DOT_1XN(5, "r0", "r2", "r6", "r8")
TVM_TINY_MVE_DEFINE_DOT_1XN(6, "r0", "r2", "r6", "r8", "r10")
TVM_TINY_MVE_DEFINE_DOT_1XN(7, "r0", "r2", "r6", "r8", "r10", "r12")
TVM_TINY_MVE_DEFINE_DOT_1XN(8, "r0", "r2", "r6", "r8", "r10", "r12", "lr")

#pragma GCC diagnostic pop
#else
#define TVM_TINY_MVE_DEFINE_DOTS(channels)                                                                        \
  static inline void tvm_tiny_mve_dot_2x##channels(                                                               \
      int8_t *out, const int8_t *x, const int8_t *w, const int32_t *parameters, int32_t pixels, int32_t groups,   \
      int32_t pitch, int32_t depth, int32_t unroll, int32_t width, int32_t left, int32_t offset, int32_t shift) { \
    (void)unroll;                                                                                                 \
    tvm_tiny_mve_dot_portable(out, x, w, parameters, pixels, groups, channels, pitch, depth, width, left, offset, \
                              shift);                                                                             \
  }                                                                                                               \
  static inline void tvm_tiny_mve_dot_2x##channels##_signed(                                                      \
      int8_t *out, const int8_t *x, const int8_t *w, const int32_t *parameters, int32_t pixels, int32_t groups,   \
      int32_t pitch, int32_t depth, int32_t unroll, int32_t width, int32_t left, int32_t offset, int32_t shift,   \
      int32_t low, int32_t high) {                                                                                \
    (void)unroll;                                                                                                 \
    tvm_tiny_mve_dot_portable_signed(out, x, w, parameters, pixels, groups, channels, pitch, depth, width, left,  \
                                     offset, shift, low, high);                                                   \
  }
#define TVM_TINY_MVE_DEFINE_ROWS(channels)                                                                         \
  static inline void tvm_tiny_mve_dot_1x##channels(int8_t *out, const int8_t *x, const int8_t *w,                  \
                                                   const int32_t *parameters, int32_t groups, int32_t depth,       \
                                                   int32_t unroll, int32_t left, int32_t offset, int32_t shift) {  \
    (void)unroll;                                                                                                  \
    tvm_tiny_mve_dot_portable(out, x, w, parameters, 1, groups, channels, 0, depth, 0, left, offset, shift);       \
  }                                                                                                                \
  static inline void tvm_tiny_mve_dot_1x##channels##_signed(                                                       \
      int8_t *out, const int8_t *x, const int8_t *w, const int32_t *parameters, int32_t groups, int32_t depth,     \
      int32_t unroll, int32_t left, int32_t offset, int32_t shift, int32_t low, int32_t high) {                    \
    (void)unroll;                                                                                                  \
    tvm_tiny_mve_dot_portable_signed(out, x, w, parameters, 1, groups, channels, 0, depth, 0, left, offset, shift, \
                                     low, high);                                                                   \
  }

TVM_TINY_MVE_DEFINE_DOTS(1)
TVM_TINY_MVE_DEFINE_DOTS(2)
TVM_TINY_MVE_DEFINE_DOTS(3)
TVM_TINY_MVE_DEFINE_DOTS(4)
TVM_TINY_MVE_DEFINE_ROWS(1)
TVM_TINY_MVE_DEFINE_ROWS(2)
TVM_TINY_MVE_DEFINE_ROWS(3)
TVM_TINY_MVE_DEFINE_ROWS(4)
TVM_TINY_MVE_DEFINE_ROWS(5)
TVM_TINY_MVE_DEFINE_ROWS(6)
TVM_TINY_MVE_DEFINE_ROWS(7)
TVM_TINY_MVE_DEFINE_ROWS(8)
#endif

#endif /* TVM_TINY_RUNTIME_MVE_DOT_H_ */
