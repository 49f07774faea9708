/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise 3x3 convolution of one channel, row by row, for cores without SIMD.
 *
 * The channel's inputs lie in a plane of words, padding included; with a stride of 2, the even columns of a row lie in
 * front of the odd ones, so that the inputs of neighbouring outputs under a weight are neighbours too. Four outputs are
 * computed at a time: each weight is read once for them. */
#ifndef TVM_TINY_RUNTIME_DEPTHWISE_ROWS_H_
#define TVM_TINY_RUNTIME_DEPTHWISE_ROWS_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"

/* The kernels take all registers that there are: only an optimising compiler can give them. */
#if defined(__GNUC__) && defined(__thumb__) && !defined(__thumb2__) && defined(__OPTIMIZE__)
#define TVM_TINY_DEPTHWISE_ROWS_THUMB1 1
#else
#define TVM_TINY_DEPTHWISE_ROWS_THUMB1 0
#endif

#if TVM_TINY_DEPTHWISE_ROWS_THUMB1
/* A product takes the place of its input: so there is nothing to move. r7 points behind the four inputs then. r8 to r11
 * are saved by hand, because a compiler that optimises for size takes them for nobody's. */
#define TVM_TINY_DEPTHWISE_TAP(at)                                                 \
  "ldr r4, [r6, #" at                                                              \
  "]\n\tldm r7!, {r0, r1, r2, r3}\n\tmuls r0, r4\n\tadd r8, r0\n\tmuls r1, r4\n\t" \
  "add r9, r1\n\tmuls r2, r4\n\tadd r10, r2\n\tmuls r3, r4\n\tadd r11, r3\n\t"

#define TVM_TINY_DEPTHWISE_BEGIN                                                      \
  ".syntax unified\n\tmov r12, r3\n\tmov lr, r4\n\t"                                  \
  "mov r0, r8\n\tmov r1, r9\n\tmov r2, r10\n\tmov r3, r11\n\tpush {r0, r1, r2, r3}\n" \
  "1:\n\tldr r4, [r6, #36]\n\tmov r8, r4\n\tmov r9, r4\n\tmov r10, r4\n\tmov r11, r4\n\t"

#define TVM_TINY_DEPTHWISE_END                                                                                    \
  "mov r0, r8\n\tmov r1, r9\n\tmov r2, r10\n\tmov r3, r11\n\tmov r4, lr\n\tstm r4!, {r0, r1, r2, r3}\n\tmov lr, " \
  "r4\n\t"                                                                                                        \
  "cmp r4, r12\n\tbne 1b\n\t"                                                                                     \
  "pop {r0, r1, r2, r3}\n\tmov r8, r0\n\tmov r9, r1\n\tmov r10, r2\n\tmov r11, r3"
#endif

/* sums[i] = taps[9] + inputs . taps, for 4 * groups outputs of a row. plane: three rows of "pitch" words each. */
static TVM_TINY_KERNEL void tvm_tiny_depthwise_row_3x3_s1(int32_t *sums, const int32_t *plane, const int32_t *taps,
                                                          int32_t groups, int32_t pitch) {
#if TVM_TINY_DEPTHWISE_ROWS_THUMB1
  register int32_t next_row __asm__("r5") = 4 * pitch - 24;
  register const int32_t *weights __asm__("r6") = taps;
  register const int32_t *inputs __asm__("r7") = plane;
  register int32_t *end __asm__("r3") = sums + 4 * groups;
  register int32_t *results __asm__("r4") = sums;
  __asm__ volatile(
      TVM_TINY_DEPTHWISE_BEGIN
      TVM_TINY_DEPTHWISE_TAP("0") "subs r7, #12\n\t" TVM_TINY_DEPTHWISE_TAP("4") "subs r7, #12\n\t"
      TVM_TINY_DEPTHWISE_TAP("8") "adds r7, r7, r5\n\t"
      TVM_TINY_DEPTHWISE_TAP("12") "subs r7, #12\n\t" TVM_TINY_DEPTHWISE_TAP("16") "subs r7, #12\n\t"
      TVM_TINY_DEPTHWISE_TAP("20") "adds r7, r7, r5\n\t"
      TVM_TINY_DEPTHWISE_TAP("24") "subs r7, #12\n\t" TVM_TINY_DEPTHWISE_TAP("28") "subs r7, #12\n\t"
      TVM_TINY_DEPTHWISE_TAP("32") "subs r7, r7, r5\n\tsubs r7, r7, r5\n\tsubs r7, #56\n\t"
      TVM_TINY_DEPTHWISE_END
      : "+l"(inputs), "+l"(results), "+l"(end)
      : "l"(weights), "l"(next_row)
      : "r0", "r1", "r2", "r12", "lr", "cc", "memory");
#else
  for (int32_t *const end = sums + 4 * groups; sums != end; sums += 4, plane += 4) {
    int32_t a0 = taps[9];
    int32_t a1 = a0;
    int32_t a2 = a0;
    int32_t a3 = a0;
    const int32_t *x = plane;
    for (int32_t row = 0; row < 9; row += 3, x += pitch) {
      const int32_t w0 = taps[row];
      const int32_t w1 = taps[row + 1];
      const int32_t w2 = taps[row + 2];
      a0 += x[0] * w0 + x[1] * w1 + x[2] * w2;
      a1 += x[1] * w0 + x[2] * w1 + x[3] * w2;
      a2 += x[2] * w0 + x[3] * w1 + x[4] * w2;
      a3 += x[3] * w0 + x[4] * w1 + x[5] * w2;
    }
    sums[0] = a0;
    sums[1] = a1;
    sums[2] = a2;
    sums[3] = a3;
  }
#endif
}

/* The same with a stride of 2: three rows of 2 * "pitch" words each, the odd columns "pitch" words behind the even
 * ones. */
static TVM_TINY_KERNEL void tvm_tiny_depthwise_row_3x3_s2(int32_t *sums, const int32_t *plane, const int32_t *taps,
                                                          int32_t groups, int32_t pitch) {
#if TVM_TINY_DEPTHWISE_ROWS_THUMB1
  register int32_t to_odd __asm__("r5") = 4 * pitch - 20;
  register const int32_t *weights __asm__("r6") = taps;
  register const int32_t *inputs __asm__("r7") = plane;
  register int32_t *end __asm__("r3") = sums + 4 * groups;
  register int32_t *results __asm__("r4") = sums;
  __asm__ volatile(
      TVM_TINY_DEPTHWISE_BEGIN
      TVM_TINY_DEPTHWISE_TAP("0") "subs r7, #12\n\t" TVM_TINY_DEPTHWISE_TAP("8") "adds r7, r7, r5\n\t"
      TVM_TINY_DEPTHWISE_TAP("4") "adds r7, r7, r5\n\tadds r7, #4\n\t"
      TVM_TINY_DEPTHWISE_TAP("12") "subs r7, #12\n\t" TVM_TINY_DEPTHWISE_TAP("20") "adds r7, r7, r5\n\t"
      TVM_TINY_DEPTHWISE_TAP("16") "adds r7, r7, r5\n\tadds r7, #4\n\t"
      TVM_TINY_DEPTHWISE_TAP("24") "subs r7, #12\n\t" TVM_TINY_DEPTHWISE_TAP("32") "adds r7, r7, r5\n\t"
      TVM_TINY_DEPTHWISE_TAP("28") "lsls r4, r5, #2\n\tadds r4, r4, r5\n\tadds r4, #100\n\tsubs r7, r7, r4\n\t"
      TVM_TINY_DEPTHWISE_END
      : "+l"(inputs), "+l"(results), "+l"(end)
      : "l"(weights), "l"(to_odd)
      : "r0", "r1", "r2", "r12", "lr", "cc", "memory");
#else
  for (int32_t *const end = sums + 4 * groups; sums != end; sums += 4, plane += 4) {
    int32_t a0 = taps[9];
    int32_t a1 = a0;
    int32_t a2 = a0;
    int32_t a3 = a0;
    const int32_t *x = plane;
    for (int32_t row = 0; row < 9; row += 3, x += 2 * pitch) {
      const int32_t w0 = taps[row];
      const int32_t w1 = taps[row + 1];
      const int32_t w2 = taps[row + 2];
      const int32_t *const odd = x + pitch;
      a0 += x[0] * w0 + odd[0] * w1 + x[1] * w2;
      a1 += x[1] * w0 + odd[1] * w1 + x[2] * w2;
      a2 += x[2] * w0 + odd[2] * w1 + x[3] * w2;
      a3 += x[3] * w0 + odd[3] * w1 + x[4] * w2;
    }
    sums[0] = a0;
    sums[1] = a1;
    sums[2] = a2;
    sums[3] = a3;
  }
#endif
}

#endif /* TVM_TINY_RUNTIME_DEPTHWISE_ROWS_H_ */
