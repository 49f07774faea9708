/* SPDX-License-Identifier: Apache-2.0
 *
 * Fully connected layers on cores with the DSP extension, from the inputs as they lie in memory to all outputs in one
 * call: eight channels at a time, whose sums never leave the registers. dsp.h tells the arithmetic; the kernels have a
 * portable twin.
 *
 * ``stream`` holds for every eight channels: what their sums begin with; for every four inputs a word of weights of
 * each; and four numbers of each one's requantisation, multiplier, offset, unit and shift (tvm_tiny_less_if_negative
 * and tvm_tiny_requantize_high of dsp.h). ``channels`` is a multiple of eight. */
#ifndef TVM_TINY_RUNTIME_DSP_DENSE_BLOCKS_H_
#define TVM_TINY_RUNTIME_DSP_DENSE_BLOCKS_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/dsp.h"

/* Kernels: tvm_tiny_dense_blocks_<loads>. Loads stand "together", for a core on which they overlap, or "between"
 * products, for a core that takes two instructions at a time. */
#if TVM_TINY_DSP
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* they are in registers and on the stack */
/* clang-format off */

/* Registers: r0 in the stream, r1 in the inputs, r2 and r3 weights, r4 to r11 sums, r12 and lr even and odd lanes of
 * four inputs. On the stack: 0 inputs, 4 their end, 8 output, 12 its end, 16 how the loop is entered; behind the
 * registers, at 60, the fifth argument. Sixteen words make a turn, which is entered in its midst: a word is 140 bytes of
 * code. */
#define TVM_TINY_DENSE_BLOCKS_LANES "eor.w lr, r12, #0x007F007F\n\tsxtb16 r12, r12\n\t"
#define TVM_TINY_DENSE_BLOCKS_PAIR_together(a, b) \
  "smlad " a ", r12, r2, " a "\n\tsmlad " b ", r12, r3, " b "\n\tsxtb16 r2, r2\n\tsxtb16 r3, r3\n\t" \
  "smlad " a ", lr, r2, " a "\n\tsmlad " b ", lr, r3, " b "\n\t"
#define TVM_TINY_DENSE_BLOCKS_TWO "ldr.w r2, [r0], #4\n\tldr.w r3, [r0], #4\n\t"
#define TVM_TINY_DENSE_BLOCKS_WORD_together \
  "ldr.w r12, [r1], #4\n\t" TVM_TINY_DENSE_BLOCKS_TWO TVM_TINY_DENSE_BLOCKS_LANES \
  TVM_TINY_DENSE_BLOCKS_PAIR_together("r4", "r5") TVM_TINY_DENSE_BLOCKS_TWO TVM_TINY_DENSE_BLOCKS_PAIR_together("r6", "r7") \
  TVM_TINY_DENSE_BLOCKS_TWO TVM_TINY_DENSE_BLOCKS_PAIR_together("r8", "r9") \
  TVM_TINY_DENSE_BLOCKS_TWO TVM_TINY_DENSE_BLOCKS_PAIR_together("r10", "r11")
#define TVM_TINY_DENSE_BLOCKS_ENTER_together
#define TVM_TINY_DENSE_BLOCKS_NUMBERS_together "ldm r0!, {r2, r3, r12, lr}\n\t"

/* The next two words of the stream are loaded ahead; behind the last weights these are numbers. */
#define TVM_TINY_DENSE_BLOCKS_PAIR_between(a, b) \
  "smlad " a ", r12, r2, " a "\n\tsxtb16 r2, r2\n\tsmlad " b ", r12, r3, " b "\n\tsxtb16 r3, r3\n\t" \
  "smlad " a ", lr, r2, " a "\n\tldr.w r2, [r0], #4\n\tsmlad " b ", lr, r3, " b "\n\tldr.w r3, [r0], #4\n\t"
#define TVM_TINY_DENSE_BLOCKS_WORD_between \
  "ldr.w r12, [r1], #4\n\t" TVM_TINY_DENSE_BLOCKS_LANES \
  TVM_TINY_DENSE_BLOCKS_PAIR_between("r4", "r5") TVM_TINY_DENSE_BLOCKS_PAIR_between("r6", "r7") \
  TVM_TINY_DENSE_BLOCKS_PAIR_between("r8", "r9") TVM_TINY_DENSE_BLOCKS_PAIR_between("r10", "r11")
#define TVM_TINY_DENSE_BLOCKS_ENTER_between TVM_TINY_DENSE_BLOCKS_TWO
#define TVM_TINY_DENSE_BLOCKS_NUMBERS_between "ldm r0!, {r12, lr}\n\t"

#define TVM_TINY_DENSE_BLOCKS_HELD(sum) \
  "and r12, r12, " sum ", asr #31\n\tsub r3, r3, r12\n\tsmmla " sum ", " sum ", r2, r3\n\tasr " sum ", " sum ", lr\n\t" \
  "ssat " sum ", #8, " sum "\n\tstrb " sum ", [r1], #1\n\t"

#define TVM_TINY_DENSE_BLOCKS(loads) \
  "push {r4-r11, lr}\n\tsub sp, sp, #24\n\tldr r12, [sp, #60]\n\tadd r12, r12, r0\n\tadd r4, r1, r3, lsl #2\n\t" \
  "strd r1, r4, [sp]\n\tstrd r0, r12, [sp, #8]\n\tmov r0, r2\n\trsb r3, r3, #0\n\tand r3, r3, #15\n\tmov r4, #140\n\t" \
  "adr.w r5, 2f\n\tmla r3, r3, r4, r5\n\tadd r3, r3, #1\n\tstr r3, [sp, #16]\n\t" \
  "1:\n\tldm r0!, {r4, r5, r6, r7, r8, r9, r10, r11}\n\tldr r1, [sp]\n\t" TVM_TINY_DENSE_BLOCKS_ENTER_##loads \
  "ldr.w pc, [sp, #16]\n\t" \
  ".balign 4\n\t2:\n\t.rept 16\n\t" TVM_TINY_DENSE_BLOCKS_WORD_##loads ".endr\n\tldr r12, [sp, #4]\n\tcmp r1, r12\n\tbne.w 2b\n\t" \
  "ldr r1, [sp, #8]\n\t" TVM_TINY_DENSE_BLOCKS_NUMBERS_##loads TVM_TINY_DENSE_BLOCKS_HELD("r4") \
  ".irp sum, r5, r6, r7, r8, r9, r10, r11\n\tldm r0!, {r2, r3, r12, lr}\n\t" TVM_TINY_DENSE_BLOCKS_HELD("\\sum") ".endr\n\t" \
  "str r1, [sp, #8]\n\tldr r2, [sp, #12]\n\tcmp r1, r2\n\tbne.w 1b\n\tadd sp, sp, #24\n\tpop {r4-r11, pc}\n\t"
/* clang-format on */

static TVM_TINY_NAKED void tvm_tiny_dense_blocks_together(int8_t *out, const int8_t *x, const int32_t *stream,
                                                          int32_t words, int32_t channels) {
  __asm__(TVM_TINY_DENSE_BLOCKS(together));
}

static TVM_TINY_NAKED void tvm_tiny_dense_blocks_between(int8_t *out, const int8_t *x, const int32_t *stream,
                                                         int32_t words, int32_t channels) {
  __asm__(TVM_TINY_DENSE_BLOCKS(between));
}
#pragma GCC diagnostic pop
#else

static inline void tvm_tiny_dense_blocks_together(int8_t *out, const int8_t *x, const int32_t *stream, int32_t words,
                                                  int32_t channels) {
  for (int32_t c = 0; c < channels; ++c) {
    const int32_t *const block = &stream[(c / 8) * (8 * words + 40)];
    const int32_t *const numbers = &block[8 * words + 8 + 4 * (c % 8)];
    int32_t sum = block[c % 8];
    for (int32_t k = 0; k < words; ++k) {
      const uint32_t four = tvm_tiny_load_s8x4(&x[4 * k]);
      sum = tvm_tiny_dot_s8x4(tvm_tiny_even_lanes(four), tvm_tiny_odd_lanes(four), block[8 + 8 * k + c % 8], sum);
    }
    const int32_t offset = tvm_tiny_less_if_negative(numbers[1], numbers[2], sum);
    out[c] = (int8_t)tvm_tiny_requantize_high(sum, numbers[0], offset, numbers[3]);
  }
}

static inline void tvm_tiny_dense_blocks_between(int8_t *out, const int8_t *x, const int32_t *stream, int32_t words,
                                                 int32_t channels) {
  tvm_tiny_dense_blocks_together(out, x, stream, words, channels);
}
#endif

#endif /* TVM_TINY_RUNTIME_DSP_DENSE_BLOCKS_H_ */
