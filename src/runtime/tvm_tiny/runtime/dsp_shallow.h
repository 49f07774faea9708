/* SPDX-License-Identifier: Apache-2.0
 *
 * Pointwise convolutions of eight inputs, for cores with the DSP extension: the inputs of two pixels stay in registers
 * while the weights of all channels stream past them. dsp.h tells the arithmetic; the kernel has a portable twin. */
#ifndef TVM_TINY_RUNTIME_DSP_SHALLOW_H_
#define TVM_TINY_RUNTIME_DSP_SHALLOW_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/dsp.h"

/* ``pixels`` pixels of eight inputs to ``channels`` outputs each; the first is even, the second a multiple of four.
 * ``stream`` holds for every channel what its sum begins with, two words of weights, and the multiplier of its
 * requantisation, (sum * multiplier) >> (32 + 12). */
#if TVM_TINY_DSP
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* they are in registers and on the stack */
/* clang-format off */

/* Registers: r0 and r1 sums, r2 and r3 weights, r4 to r7 and r8 to r11 even and odd lanes of the two pixels, r12 output,
 * lr in the stream. On the stack: 0 inputs, 4 their end, 8 stream, 12 channels, 16 end of the first pixel's outputs;
 * behind the registers, at 56, the fifth argument. */
#define TVM_TINY_SHALLOW_LANES(even, odd) "eor " odd ", " even ", #0x007F007F\n\tsxtb16 " even ", " even "\n\t"
#define TVM_TINY_SHALLOW_CHANNEL \
  "ldr r0, [lr], #4\n\tldr r2, [lr], #4\n\tldr r3, [lr], #4\n\t" \
  "smlad r1, r8, r2, r0\n\tsmlad r0, r4, r2, r0\n\tsxtb16 r2, r2\n\tsmlad r1, r10, r3, r1\n\tsmlad r0, r6, r3, r0\n\t" \
  "sxtb16 r3, r3\n\tsmlad r1, r9, r2, r1\n\tsmlad r0, r5, r2, r0\n\tsmlad r1, r11, r3, r1\n\tsmlad r0, r7, r3, r0\n\t" \
  "ldr r2, [lr], #4\n\tldr r3, [sp, #12]\n\tsmmul r1, r1, r2\n\tsmmul r0, r0, r2\n\tssat r1, #8, r1, asr #12\n\t" \
  "ssat r0, #8, r0, asr #12\n\tstrb r1, [r12, r3]\n\tstrb r0, [r12], #1\n\t"
/* clang-format on */

static TVM_TINY_NAKED void tvm_tiny_shallow(const int8_t *x, const int32_t *stream, int8_t *out, int32_t pixels,
                                            int32_t channels) {
  __asm__(
      "push {r4-r11, lr}\n\tsub sp, sp, #20\n\tldr r4, [sp, #56]\n\tadd r5, r0, r3, lsl #3\n\tstrd r0, r5, [sp]\n\t"
      "strd r1, r4, [sp, #8]\n\tmov r12, r2\n"
      "1:\n\tldr r4, [r0]\n\tldr r6, [r0, #4]\n\tldr r8, [r0, #8]\n\tldr r10, [r0, #12]\n\tldr lr, [sp, #8]\n\t"
      "ldr r1, [sp, #12]\n\tadd r0, r0, #16\n\tadd r1, r1, r12\n\tstr r0, [sp]\n\tstr r1, [sp, "
      "#16]\n\t" TVM_TINY_SHALLOW_LANES("r4", "r5") TVM_TINY_SHALLOW_LANES("r6", "r7")
          TVM_TINY_SHALLOW_LANES("r8", "r9") TVM_TINY_SHALLOW_LANES(
              "r10", "r11") "2:\n\t.rept 4\n\t" TVM_TINY_SHALLOW_CHANNEL
                            ".endr\n\tldr r0, [sp, #16]\n\tcmp r12, r0\n\tbne.w 2b\n\t"
                            "ldr r0, [sp]\n\tldr r1, [sp, #4]\n\tadd r12, r12, r3\n\tcmp r0, r1\n\tbne.w 1b\n\t"
                            "add sp, sp, #20\n\tpop {r4-r11, pc}\n\t");
}
#pragma GCC diagnostic pop
#else
static inline void tvm_tiny_shallow(const int8_t *x, const int32_t *stream, int8_t *out, int32_t pixels,
                                    int32_t channels) {
  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    const uint32_t first = tvm_tiny_load_s8x4(&x[8 * pixel]);
    const uint32_t second = tvm_tiny_load_s8x4(&x[8 * pixel + 4]);
    for (int32_t c = 0; c < channels; ++c) {
      const int32_t *const numbers = &stream[4 * c];
      int32_t sum = numbers[0];
      sum = tvm_tiny_dot_s8x4(tvm_tiny_even_lanes(first), tvm_tiny_odd_lanes(first), numbers[1], sum);
      sum = tvm_tiny_dot_s8x4(tvm_tiny_even_lanes(second), tvm_tiny_odd_lanes(second), numbers[2], sum);
      out[pixel * channels + c] = (int8_t)tvm_tiny_requantize_high(sum, numbers[3], 0, 12);
    }
  }
}
#endif

#endif /* TVM_TINY_RUNTIME_DSP_SHALLOW_H_ */
