/* SPDX-License-Identifier: Apache-2.0
 *
 * Matrix products for cores with the DSP extension, from the lanes of four pixels to their outputs of all channels
 * without a return in between: two channels at a time, whose eight sums never leave the registers. dsp.h tells the
 * arithmetic; the kernels have a portable twin.
 *
 * ``stream`` holds for every two channels: what their sums begin with, ``words`` pairs of words of weights, and the
 * numbers of their requantisation. A last single channel is one of a pair. */
#ifndef TVM_TINY_RUNTIME_DSP_BLOCKS_H_
#define TVM_TINY_RUNTIME_DSP_BLOCKS_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/dsp.h"

/* The lanes of four pixels, ``words`` words each: of every word their even lanes, then their odd lanes. */
static TVM_TINY_KERNEL void tvm_tiny_block_columns(int32_t *columns, const int8_t *a, const int8_t *b, const int8_t *c,
                                                   const int8_t *d, int32_t words) {
  for (int32_t k = 0; k < words; ++k) {
    const uint32_t from_a = tvm_tiny_load_s8x4(&a[4 * k]);
    const uint32_t from_b = tvm_tiny_load_s8x4(&b[4 * k]);
    const uint32_t from_c = tvm_tiny_load_s8x4(&c[4 * k]);
    const uint32_t from_d = tvm_tiny_load_s8x4(&d[4 * k]);
    columns[8 * k] = tvm_tiny_even_lanes(from_a);
    columns[8 * k + 1] = tvm_tiny_even_lanes(from_b);
    columns[8 * k + 2] = tvm_tiny_even_lanes(from_c);
    columns[8 * k + 3] = tvm_tiny_even_lanes(from_d);
    columns[8 * k + 4] = tvm_tiny_odd_lanes(from_a);
    columns[8 * k + 5] = tvm_tiny_odd_lanes(from_b);
    columns[8 * k + 6] = tvm_tiny_odd_lanes(from_c);
    columns[8 * k + 7] = tvm_tiny_odd_lanes(from_d);
  }
}

/* Kernels: tvm_tiny_blocks_<loads>_<requantisation>. Output of pixel p and channel c is out[p * channels + c], for p <
 * pixels; of fewer than four pixels the lanes of the others must be those of the last one.
 *
 * Loads stand "together", for a core on which they overlap, or "between" products, two cycles ahead, for a core that
 * takes two instructions at a time; the second loads two words behind the columns.
 *
 * The requantisation is "folded", (sum * multiplier) >> (32 + 12), and its numbers are two multipliers; or "high" with
 * a multiplier, an offset, a unit and a shift for each channel (tvm_tiny_less_if_negative and tvm_tiny_requantize_high
 * of dsp.h). */
#if TVM_TINY_DSP
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* they are in registers and on the stack */
/* clang-format off */

/* Registers: r0 and r1 lanes, r2 and r3 weights, r4 to r7 and r8 to r11 sums of the two channels, r12 in the columns, lr
 * in the stream. On the stack: 0 columns, 4 their end, 8 output, 12 to 20 from the first pixel to the others, 24 end of
 * the output, 28 how the loop is entered, 32 to 47 sums of the second channel; behind the registers, at 84 and 88, the
 * fifth argument and the sixth. A turn is 8 or 16 words and is entered in its midst: a word is 112 bytes of code. */
#define TVM_TINY_BLOCKS_ODD_together \
  "sxtb16 r2, r2\n\tsxtb16 r3, r3\n\tldr.w r0, [r12], #4\n\tldr.w r1, [r12], #4\n\t" \
  "smlad r4, r0, r2, r4\n\tsmlad r8, r0, r3, r8\n\tsmlad r5, r1, r2, r5\n\tsmlad r9, r1, r3, r9\n\t" \
  "ldr.w r0, [r12], #4\n\tldr.w r1, [r12], #4\n\t" \
  "smlad r6, r0, r2, r6\n\tsmlad r10, r0, r3, r10\n\tsmlad r7, r1, r2, r7\n\tsmlad r11, r1, r3, r11\n\t"
#define TVM_TINY_BLOCKS_WORD_together \
  "ldr.w r2, [lr], #4\n\tldr.w r3, [lr], #4\n\tldr.w r0, [r12], #4\n\tldr.w r1, [r12], #4\n\t" \
  "smlad r4, r0, r2, r4\n\tsmlad r8, r0, r3, r8\n\tsmlad r5, r1, r2, r5\n\tsmlad r9, r1, r3, r9\n\t" \
  "ldr.w r0, [r12], #4\n\tldr.w r1, [r12], #4\n\t" \
  "smlad r6, r0, r2, r6\n\tsmlad r10, r0, r3, r10\n\tsmlad r7, r1, r2, r7\n\tsmlad r11, r1, r3, r11\n\t" \
  TVM_TINY_BLOCKS_ODD_together
#define TVM_TINY_BLOCKS_TURN_together "16"
/* One word is done before the loop: its first products add to what the sums begin with, which need not be copied. */
#define TVM_TINY_BLOCKS_ENTER_together "sub r3, r3, #1\n\t"
#define TVM_TINY_BLOCKS_BEGIN_together \
  "ldr.w r4, [lr], #4\n\tldr.w r8, [lr], #4\n\tldr.w r2, [lr], #4\n\tldr.w r3, [lr], #4\n\t" \
  "ldr r0, [r12, #4]\n\tldr r1, [r12, #8]\n\t" \
  "smlad r5, r0, r2, r4\n\tsmlad r9, r0, r3, r8\n\tsmlad r6, r1, r2, r4\n\tsmlad r10, r1, r3, r8\n\t" \
  "ldr r0, [r12, #12]\n\tldr r1, [r12], #16\n\t" \
  "smlad r7, r0, r2, r4\n\tsmlad r11, r0, r3, r8\n\tsmlad r4, r1, r2, r4\n\tsmlad r8, r1, r3, r8\n\t" \
  TVM_TINY_BLOCKS_ODD_together
#define TVM_TINY_BLOCKS_NUMBER_together(to) "ldr.w " to ", [lr], #4\n\t"

#define TVM_TINY_BLOCKS_WORD_between \
  "smlad r4, r0, r2, r4\n\tldr.w r3, [lr], #4\n\tsmlad r5, r1, r2, r5\n\tsmlad r8, r0, r3, r8\n\tldr.w r0, [r12], #4\n\t" \
  "smlad r9, r1, r3, r9\n\tldr.w r1, [r12], #4\n\tsmlad r6, r0, r2, r6\n\tsmlad r7, r1, r2, r7\n\t" \
  "sxtb16 r2, r2\n\tsmlad r10, r0, r3, r10\n\tldr.w r0, [r12], #4\n\tsmlad r11, r1, r3, r11\n\t" \
  "sxtb16 r3, r3\n\tldr.w r1, [r12], #4\n\tsmlad r4, r0, r2, r4\n\tsmlad r8, r0, r3, r8\n\tldr.w r0, [r12], #4\n\t" \
  "smlad r5, r1, r2, r5\n\tsmlad r9, r1, r3, r9\n\tldr.w r1, [r12], #4\n\tsmlad r6, r0, r2, r6\n\t" \
  "smlad r10, r0, r3, r10\n\tldr.w r0, [r12], #4\n\tsmlad r7, r1, r2, r7\n\tldr.w r2, [lr], #4\n\t" \
  "smlad r11, r1, r3, r11\n\tldr.w r1, [r12], #4\n\t"
#define TVM_TINY_BLOCKS_TURN_between "8"
#define TVM_TINY_BLOCKS_ENTER_between "add r4, r4, #8\n\t"
#define TVM_TINY_BLOCKS_BEGIN_between \
  "ldr.w r4, [lr], #4\n\tldr.w r0, [r12], #4\n\tldr.w r8, [lr], #4\n\tldr.w r1, [r12], #4\n\tldr.w r2, [lr], #4\n\t" \
  "mov r5, r4\n\tmov r6, r4\n\tmov r7, r4\n\tmov r9, r8\n\tmov r10, r8\n\tmov r11, r8\n\t"
#define TVM_TINY_BLOCKS_NUMBER_between(to) "mov " to ", r2\n\t"

/* Four sums to outputs, which go to r0 and by the steps r1, r2, r3 behind it; and to the next channel. */
#define TVM_TINY_BLOCKS_EACH(held, a, b, c, d) \
  held(b) "strb " b ", [r0, r1]\n\t" held(c) "strb " c ", [r0, r2]\n\t" held(d) "strb " d ", [r0, r3]\n\t" held(a) "strb " a ", [r0], #1\n\t"
#define TVM_TINY_BLOCKS_STEPS "ldr r0, [sp, #8]\n\tldr r1, [sp, #12]\n\tldr r2, [sp, #16]\n\tldr r3, [sp, #20]\n\t"
/* Out, if there is no other channel. */
#define TVM_TINY_BLOCKS_SECOND "cmp r0, r4\n\tbeq.w 9f\n\t"

#define TVM_TINY_BLOCKS_SCALED(sum) "smmul " sum ", " sum ", r12\n\tssat " sum ", #8, " sum ", asr #12\n\t"
#define TVM_TINY_BLOCKS_OUTPUT_folded(loads) \
  TVM_TINY_BLOCKS_NUMBER_##loads("r12") TVM_TINY_BLOCKS_STEPS TVM_TINY_BLOCKS_EACH(TVM_TINY_BLOCKS_SCALED, "r4", "r5", "r6", "r7") \
  "ldr r12, [lr], #4\n\tldr r4, [sp, #24]\n\t" TVM_TINY_BLOCKS_SECOND \
  TVM_TINY_BLOCKS_EACH(TVM_TINY_BLOCKS_SCALED, "r8", "r9", "r10", "r11")

#define TVM_TINY_BLOCKS_HIGH(sum) \
  "and r12, r10, " sum ", asr #31\n\tsub r12, r9, r12\n\tsmmla " sum ", " sum ", r8, r12\n\tasr " sum ", " sum ", r11\n\t" \
  "ssat " sum ", #8, " sum "\n\t"
#define TVM_TINY_BLOCKS_OUTPUT_high(loads) \
  "add r12, sp, #32\n\tstm r12, {r8, r9, r10, r11}\n\t" TVM_TINY_BLOCKS_NUMBER_##loads("r8") "ldm lr!, {r9, r10, r11}\n\t" \
  TVM_TINY_BLOCKS_STEPS TVM_TINY_BLOCKS_EACH(TVM_TINY_BLOCKS_HIGH, "r4", "r5", "r6", "r7") \
  "ldr r4, [sp, #24]\n\t" TVM_TINY_BLOCKS_SECOND "add r12, sp, #32\n\tldm r12, {r4, r5, r6, r7}\n\tldm lr!, {r8, r9, r10, r11}\n\t" \
  TVM_TINY_BLOCKS_EACH(TVM_TINY_BLOCKS_HIGH, "r4", "r5", "r6", "r7") "ldr r4, [sp, #24]\n\t"

#define TVM_TINY_BLOCKS(loads, requantisation) \
  "push {r4-r11, lr}\n\tsub sp, sp, #48\n\tldrd r5, r6, [sp, #84]\n\tadd r4, r0, r3, lsl #5\n\t" TVM_TINY_BLOCKS_ENTER_##loads \
  "strd r0, r4, [sp]\n\tmov lr, r1\n\tmov r7, r5\n\tcmp r6, #2\n\tit lt\n\tmovlt r7, #0\n\tmov r8, r7\n\tcmp r6, #3\n\tit ge\n\t" \
  "addge r8, r8, r5\n\tmov r9, r8\n\tcmp r6, #4\n\tit ge\n\taddge r9, r9, r5\n\tadd r10, r2, r5\n\tadd r11, sp, #8\n\t" \
  "stm r11, {r2, r7, r8, r9, r10}\n\trsb r3, r3, #0\n\tand r3, r3, #(" TVM_TINY_BLOCKS_TURN_##loads " - 1)\n\tmov r4, #112\n\tadr.w r5, 2f\n\tmla r3, r3, r4, r5\n\t" \
  "add r3, r3, #1\n\tstr r3, [sp, #28]\n\t" \
  "b.w 1f\n\t.balign 4\n\t2:\n\t.rept " TVM_TINY_BLOCKS_TURN_##loads "\n\t" TVM_TINY_BLOCKS_WORD_##loads ".endr\n\t" \
  "ldr r3, [sp, #4]\n\tcmp r12, r3\n\tbne.w 2b\n\t" TVM_TINY_BLOCKS_OUTPUT_##requantisation(loads) \
  "str r0, [sp, #8]\n\tcmp r0, r4\n\tbeq.w 9f\n\t" \
  "1:\n\tldr r12, [sp]\n\t" TVM_TINY_BLOCKS_BEGIN_##loads "ldr.w pc, [sp, #28]\n\t" \
  "9:\n\tadd sp, sp, #48\n\tpop {r4-r11, pc}\n\t"
/* clang-format on */

#define TVM_TINY_BLOCKS_KERNEL(loads, requantisation)                                                                \
  static TVM_TINY_NAKED void tvm_tiny_blocks_##loads##_##requantisation(                                             \
      const int32_t *columns, const int32_t *stream, int8_t *out, int32_t words, int32_t channels, int32_t pixels) { \
    __asm__(TVM_TINY_BLOCKS(loads, requantisation));                                                                 \
  }
#else

/* ``high``: the numbers are those of the requantisation with this name. */
static inline void tvm_tiny_blocks_portable(const int32_t *columns, const int32_t *stream, int8_t *out, int32_t words,
                                            int32_t channels, int32_t pixels, int32_t high) {
  for (int32_t c = 0; c < channels; ++c) {
    const int32_t *const block = &stream[(c / 2) * (2 * words + ((high != 0) ? 10 : 4))];
    const int32_t *const numbers = &block[2 * words + 2 + ((high != 0) ? 4 : 1) * (c % 2)];
    for (int32_t pixel = 0; pixel < pixels; ++pixel) {
      int32_t sum = block[c % 2];
      for (int32_t k = 0; k < words; ++k) {
        sum = tvm_tiny_dot_s8x4(columns[8 * k + pixel], columns[8 * k + 4 + pixel], block[2 + 2 * k + c % 2], sum);
      }
      const int32_t offset = (high != 0) ? tvm_tiny_less_if_negative(numbers[1], numbers[2], sum) : 0;
      const int32_t shift = (high != 0) ? numbers[3] : 12;
      out[pixel * channels + c] = (int8_t)tvm_tiny_requantize_high(sum, numbers[0], offset, shift);
    }
  }
}

#define TVM_TINY_BLOCKS_IS_folded 0
#define TVM_TINY_BLOCKS_IS_high 1
#define TVM_TINY_BLOCKS_KERNEL(loads, requantisation)                                                                \
  static inline void tvm_tiny_blocks_##loads##_##requantisation(                                                     \
      const int32_t *columns, const int32_t *stream, int8_t *out, int32_t words, int32_t channels, int32_t pixels) { \
    tvm_tiny_blocks_portable(columns, stream, out, words, channels, pixels, TVM_TINY_BLOCKS_IS_##requantisation);    \
  }
#endif

TVM_TINY_BLOCKS_KERNEL(together, folded)
TVM_TINY_BLOCKS_KERNEL(together, high)
TVM_TINY_BLOCKS_KERNEL(between, folded)
TVM_TINY_BLOCKS_KERNEL(between, high)

#if TVM_TINY_DSP
#pragma GCC diagnostic pop
#endif

#endif /* TVM_TINY_RUNTIME_DSP_BLOCKS_H_ */
