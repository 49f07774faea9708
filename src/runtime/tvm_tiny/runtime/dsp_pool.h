/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums over the windows of an image with its channels last, for cores with the DSP extension, with a portable twin. */
#ifndef TVM_TINY_RUNTIME_DSP_POOL_H_
#define TVM_TINY_RUNTIME_DSP_POOL_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/dsp.h"

/* sums[c] += the sum of x[row * row_pitch + column * pitch + c] over the window, for 8 channels. It has at most 256
 * pixels, so that its sums fit 16 bits: there are two of them in a register, and an instruction adds to both. */
#if TVM_TINY_DSP
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* they are in registers and on the stack */
/* clang-format off */

/* Registers: r0 sums, r1 in the inputs, r2 counts rows, r3 columns, r4 from the end of a row to the next one, r5 pitch,
 * r6 to r9 sums, r10 counts columns, r11 and r12 inputs. */
#define TVM_TINY_SUM_WINDOW_STORE(even, odd) \
  "ldm r0, {r1, r2, r3, r4}\n\tsxtah r1, r1, " even "\n\tsxtah r2, r2, " odd "\n\tadd r3, r3, " even ", asr #16\n\t" \
  "add r4, r4, " odd ", asr #16\n\tstm r0!, {r1, r2, r3, r4}\n\t"
/* clang-format on */

static TVM_TINY_NAKED void tvm_tiny_sum_window_8(int32_t *sums, const int8_t *x, int32_t rows, int32_t columns,
                                                 int32_t row_pitch, int32_t pitch) {
  __asm__(
      "push {r4-r11}\n\tldrd r4, r5, [sp, #32]\n\tmls r4, r3, r5, r4\n\tmov r6, #0\n\tmov r7, #0\n\tmov r8, #0\n\t"
      "mov r9, #0\n"
      "1:\n\tmov r10, r3\n"
      "2:\n\tldr r11, [r1]\n\tldr r12, [r1, #4]\n\tadd r1, r1, r5\n\tsxtab16 r6, r6, r11\n\tsxtab16 r7, r7, r11, ror "
      "#8\n\t"
      "sxtab16 r8, r8, r12\n\tsxtab16 r9, r9, r12, ror #8\n\tsubs r10, r10, #1\n\tbne 2b\n\t"
      "add r1, r1, r4\n\tsubs r2, r2, #1\n\tbne 1b\n\t" TVM_TINY_SUM_WINDOW_STORE("r6", "r7")
          TVM_TINY_SUM_WINDOW_STORE("r8", "r9") "pop {r4-r11}\n\tbx lr\n\t");
}
#pragma GCC diagnostic pop
#else
static inline void tvm_tiny_sum_window_8(int32_t *sums, const int8_t *x, int32_t rows, int32_t columns,
                                         int32_t row_pitch, int32_t pitch) {
  for (int32_t row = 0; row < rows; ++row) {
    for (int32_t column = 0; column < columns; ++column) {
      for (int32_t c = 0; c < 8; ++c) {
        sums[c] += x[row * row_pitch + column * pitch + c];
      }
    }
  }
}
#endif

#endif /* TVM_TINY_RUNTIME_DSP_POOL_H_ */
