/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution 3x3 with stride 1 in half the products, for cores with the DSP extension; the kernels have a portable
 * twin. Along a row four outputs come from six inputs by Winograd's minimal filtering F(4, 3) (S. Winograd, "Arithmetic
 * Complexity of Computations", 1980; A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2015):
 *
 *   y = A (G w * B d), "*" element by element, with
 *
 *       4  0 -5  0  1  0           6  0  0          1  1  1  1  1  0
 *       0 -4 -4  1  1  0          -4 -4 -4      A = 0  1 -1  2 -2  0
 *   B = 0  4 -4 -1  1  0     24G = -4  4 -4         0  1  1  4  4  0
 *       0 -2 -1  2  1  0           1  2  4          0  1 -1  8 -8  1
 *       0  2 -1 -2  1  0           1 -2  4
 *       0  4  0 -5  0  1           0  0 24
 *
 * All of it is integer arithmetic modulo 2^32 and exact: with 192 G the sums come out 192 times their value. Both sides
 * of the products fit 16 bits. A "tile" is four outputs; four tiles are computed at a time, with two channels. */
#ifndef TVM_TINY_RUNTIME_DSP_WINOGRAD_H_
#define TVM_TINY_RUNTIME_DSP_WINOGRAD_H_

#include <stddef.h>
#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/dsp.h"

/* ---- Inputs. */

/* The components of one row of a tile: six inputs of ``channels`` channels from ``x`` on. Of every four channels the
 * first and the third make a word, then the second and the fourth; the next one is four words on.
 *
 * The lanes are 128 more than the inputs, and B d is 2560 more: none is negative then, and plain additions do for both
 * lanes at a time. */
#if TVM_TINY_DSP
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* they are in registers and on the stack */
/* clang-format off */

/* Registers: r0 in the lanes, r1 in the inputs, r2 channels, r3 end of the first input, r4 to r9 inputs and components,
 * r11 128 in both lanes, lr bytes from one component to the next. */
#define TVM_TINY_WINOGRAD_INPUTS \
  "add r10, r1, r2\n\tldr r4, [r1]\n\tldr r5, [r1, r2]\n\tldr r6, [r1, r2, lsl #1]\n\tldr r7, [r10, r2, lsl #1]\n\t" \
  "ldr r8, [r1, r2, lsl #2]\n\tldr r9, [r10, r2, lsl #2]\n\t"
#define TVM_TINY_WINOGRAD_UNPACK(lanes) \
  "sxtab16 r4, r11, r4" lanes "\n\tsxtab16 r5, r11, r5" lanes "\n\tsxtab16 r6, r11, r6" lanes "\n\t" \
  "sxtab16 r7, r11, r7" lanes "\n\tsxtab16 r8, r11, r8" lanes "\n\tsxtab16 r9, r11, r9" lanes "\n\t"
/* B d, of d in r4 to r9, to r4, r7, r10, r6, r8, r9; ``more(register)`` adds to all of them. */
#define TVM_TINY_WINOGRAD_COMPONENTS(more) \
  "sub r10, r8, r6, lsl #2\n\t" more("r10") "sub r8, r8, r6\n\t" more("r8") \
  "sub r6, r10, r6\n\tadd r4, r6, r4, lsl #2\n\tsub r6, r7, r5, lsl #2\n\tsub r5, r7, r5\n\t" \
  "sub r9, r9, r7, lsl #2\n\tsub r9, r9, r6\n\t" more("r9") "add r7, r10, r6\n\tsub r10, r10, r6\n\t" \
  "add r6, r8, r5, lsl #1\n\tsub r8, r8, r5, lsl #1\n\t"
/* ``step``: bytes to the next pair of channels. */
#define TVM_TINY_WINOGRAD_STORE(step) \
  "add r5, r0, lr\n\tstr r4, [r0]\n\tstr r7, [r0, lr]\n\tstr r10, [r0, lr, lsl #1]\n\tstr r6, [r5, lr, lsl #1]\n\t" \
  "str r8, [r0, lr, lsl #2]\n\tstr r9, [r5, lr, lsl #2]\n\tadd r0, r0, #" step "\n\t"

#define TVM_TINY_WINOGRAD_PAIR(lanes, more, step) \
  TVM_TINY_WINOGRAD_INPUTS TVM_TINY_WINOGRAD_UNPACK(lanes) TVM_TINY_WINOGRAD_COMPONENTS(more) TVM_TINY_WINOGRAD_STORE(step)
#define TVM_TINY_WINOGRAD_2560(to) "add " to ", " to ", #0x0A000A00\n\t"
/* clang-format on */

static TVM_TINY_NAKED void tvm_tiny_winograd_row(int32_t *lanes, const int8_t *x, int32_t channels) {
  __asm__(
      "push {r4-r11, lr}\n\tadd r3, r1, r2\n\tadd lr, r2, r2, lsl #1\n\tlsl lr, lr, #3\n\tmov r11, #0x00800080\n"
      "1:\n\t" TVM_TINY_WINOGRAD_PAIR("", TVM_TINY_WINOGRAD_2560, "16") TVM_TINY_WINOGRAD_PAIR(
          ", ror #8", TVM_TINY_WINOGRAD_2560, "16") "add r1, r1, #4\n\tcmp r1, r3\n\tbne.w 1b\n\tpop {r4-r11, pc}\n\t");
}
#pragma GCC diagnostic pop
#else
static inline void tvm_tiny_winograd_row(int32_t *lanes, const int8_t *x, int32_t channels) {
  for (int32_t pair = 0; pair < channels / 2; ++pair) {
    uint32_t d[6];
    for (int32_t i = 0; i < 6; ++i) {
      const int8_t *const at = &x[i * channels + 4 * (pair / 2) + pair % 2];
      const int32_t low = at[0] + 128;
      const int32_t high = at[2] + 128;
      d[i] = (uint32_t)low | ((uint32_t)high << 16);
    }
    const uint32_t a = d[4] - 4u * d[2] + 0x0A000A00u;
    const uint32_t b = d[3] - 4u * d[1];
    const uint32_t e = d[4] - d[2] + 0x0A000A00u;
    const uint32_t f = d[3] - d[1];
    const uint32_t components[6] = {a - d[2] + 4u * d[0], a + b,      a - b,
                                    e + 2u * f,           e - 2u * f, d[5] - 4u * d[3] - b + 0x0A000A00u};
    for (int32_t m = 0; m < 6; ++m) {
      lanes[6 * channels * m + 4 * pair] = (int32_t)components[m];
    }
  }
}
#endif

/* Six inputs from (y, z) on of an image, as they lie there; or, if some are outside, in ``patch`` with ``padding``. */
static inline const int8_t *tvm_tiny_winograd_inputs(int8_t *patch, const int8_t *x, int32_t y, int32_t z,
                                                     int32_t height, int32_t width, int32_t channels, int32_t padding) {
  int32_t inside = 0;
  if ((y >= 0) && (y < height)) {
    inside = 1;
  }
  const int8_t *inputs = patch;
  if ((inside != 0) && (z >= 0) && (z + 6 <= width)) {
    inputs = &x[(y * width + z) * channels];
  } else {
    const uint32_t outside = tvm_tiny_pack_s8x4(padding, padding, padding, padding);
    int8_t *to = patch;
    for (int32_t column = z; column < z + 6; ++column) {
      const int8_t *from = NULL;
      if ((inside != 0) && (column >= 0) && (column < width)) {
        from = &x[(y * width + column) * channels];
      }
      for (int32_t c = 0; c < channels; c += 4) {
        const uint32_t four = (from != NULL) ? tvm_tiny_load_s8x4(&from[c]) : outside;
        (void)memcpy(&to[c], &four, sizeof four);
      }
      to = &to[channels];
    }
  }
  return inputs;
}

/* One of four tiles, whose inputs are three rows and six columns from (y, z) on of an image; what lies outside is
 * ``padding``. ``patch`` is memory for six inputs. */
static TVM_TINY_KERNEL void tvm_tiny_winograd_tile(int32_t *lanes, int8_t *patch, const int8_t *x, int32_t y, int32_t z,
                                                   int32_t height, int32_t width, int32_t channels, int32_t padding) {
  for (int32_t row = 0; row < 3; ++row) {
    const int8_t *const inputs = tvm_tiny_winograd_inputs(patch, x, y + row, z, height, width, channels, padding);
    tvm_tiny_winograd_row(&lanes[2 * channels * row], inputs, channels);
  }
}

/* ---- Products.
 *
 * ``stream`` holds for every two channels: for each of the six components what their sums begin with and ``words``
 * pairs of words, 192 G w of two values; then for each channel the numbers of its requantisation: multiplier, offset,
 * unit and shift (tvm_tiny_less_if_negative and tvm_tiny_requantize_high of dsp.h). The 16 outputs of a channel are
 * ``channels`` bytes apart. ``words`` is a multiple of 24, ``channels`` of 2. */

#if TVM_TINY_DSP
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* they are in registers and on the stack */
/* clang-format off */

/* Registers: r0 and r1 inputs, r2 and r3 weights, r4 to r7 and r8 to r11 sums of the two channels, r12 in the lanes, lr
 * in the stream. On the stack: 0 lanes, 4 bytes of a component, 8 where it ends, 12 where its sums go, 16 output, 20
 * its end, 24 to 215 sums of all components; behind the registers, at 252, the fifth argument. */

/* Two values of four tiles and two channels. Loads next to each other: for a core on which they overlap. */
#define TVM_TINY_WINOGRAD_STEP_together \
  "ldr.w r2, [lr], #4\n\tldr.w r3, [lr], #4\n\tldr.w r0, [r12], #4\n\tldr.w r1, [r12], #4\n\t" \
  "smlad r4, r0, r2, r4\n\tsmlad r8, r0, r3, r8\n\tsmlad r5, r1, r2, r5\n\tsmlad r9, r1, r3, r9\n\t" \
  "ldr.w r0, [r12], #4\n\tldr.w r1, [r12], #4\n\t" \
  "smlad r6, r0, r2, r6\n\tsmlad r10, r0, r3, r10\n\tsmlad r7, r1, r2, r7\n\tsmlad r11, r1, r3, r11\n\t"
#define TVM_TINY_WINOGRAD_ENTER_together
#define TVM_TINY_WINOGRAD_BEGIN_together \
  "ldr r4, [lr], #4\n\tldr r8, [lr], #4\n\t"
#define TVM_TINY_WINOGRAD_FIRST_together "ldm lr!, {r6, r7, r8, r9}\n\t"

/* Loads between products, two cycles ahead: for a core that takes two instructions at a time. What comes next, a word
 * of the stream and two of the lanes, is loaded at the end: the last time that reads two words behind the lanes. */
#define TVM_TINY_WINOGRAD_STEP_between \
  "smlad r4, r0, r2, r4\n\tldr.w r3, [lr], #4\n\tsmlad r5, r1, r2, r5\n\tsmlad r8, r0, r3, r8\n\tldr.w r0, [r12], #4\n\t" \
  "smlad r9, r1, r3, r9\n\tldr.w r1, [r12], #4\n\tsmlad r6, r0, r2, r6\n\tsmlad r7, r1, r2, r7\n\tldr.w r2, [lr], #4\n\t" \
  "smlad r10, r0, r3, r10\n\tldr.w r0, [r12], #4\n\tsmlad r11, r1, r3, r11\n\tldr.w r1, [r12], #4\n\t"
#define TVM_TINY_WINOGRAD_ENTER_between \
  "ldr r1, [sp, #8]\n\tadd r1, r1, #8\n\tstr r1, [sp, #8]\n\tldr r2, [lr], #4\n\tldr r0, [r12], #4\n\tldr r1, [r12], #4\n\t"
#define TVM_TINY_WINOGRAD_BEGIN_between "mov r4, r2\n\tldr r8, [lr], #4\n\tldr r2, [lr], #4\n\t"
#define TVM_TINY_WINOGRAD_FIRST_between "mov r6, r2\n\tldm lr!, {r7, r8, r9}\n\t"

#define TVM_TINY_WINOGRAD_HELD(sum) \
  "and r3, r8, " sum ", asr #31\n\tsub r3, r7, r3\n\tsmmla " sum ", " sum ", r6, r3\n\tasr " sum ", " sum ", r9\n\t" \
  "ssat " sum ", #8, " sum "\n\t"

/* The outputs of a channel, whose first sum is at ``at``, to r11 and on in steps of r12. */
#define TVM_TINY_WINOGRAD_OUTPUTS(at) \
  ".irp tile, 0, 4, 8, 12\n\t" \
  "ldr r0, [sp, #(" at " + \\tile)]\n\tldr r1, [sp, #(" at " + 32 + \\tile)]\n\tldr r2, [sp, #(" at " + 64 + \\tile)]\n\t" \
  "ldr r3, [sp, #(" at " + 96 + \\tile)]\n\tldr r4, [sp, #(" at " + 128 + \\tile)]\n\tldr r5, [sp, #(" at " + 160 + \\tile)]\n\t" \
  "add r10, r1, r2\n\tsub r1, r1, r2\n\tadd r2, r3, r4\n\tsub r3, r3, r4\n\t" \
  "add r0, r0, r10\n\tadd r0, r0, r2\n\tadd r5, r5, r1\n\tadd r5, r5, r3, lsl #3\n\t" \
  "add r1, r1, r3, lsl #1\n\tadd r2, r10, r2, lsl #2\n\t" \
  TVM_TINY_WINOGRAD_HELD("r0") TVM_TINY_WINOGRAD_HELD("r1") TVM_TINY_WINOGRAD_HELD("r2") TVM_TINY_WINOGRAD_HELD("r5") \
  "strb r0, [r11]\n\tstrb r1, [r11, r12]\n\tadd r11, r11, r12, lsl #1\n\tstrb r2, [r11]\n\tstrb r5, [r11, r12]\n\t" \
  "add r11, r11, r12, lsl #1\n\t.endr\n\t"

#define TVM_TINY_WINOGRAD(order) \
  "push {r4-r11, lr}\n\tsub sp, sp, #216\n\tldr r4, [sp, #252]\n\tlsl r3, r3, #4\n\tadd r4, r4, r2\n\t" \
  "strd r0, r3, [sp]\n\tstrd r2, r4, [sp, #16]\n\tmov lr, r1\n\t" \
  "0:\n\tldrd r12, r0, [sp]\n\tadd r0, r0, r12\n\tadd r1, sp, #24\n\tstrd r0, r1, [sp, #8]\n\t" TVM_TINY_WINOGRAD_ENTER_##order \
  "1:\n\t" TVM_TINY_WINOGRAD_BEGIN_##order "mov r5, r4\n\tmov r6, r4\n\tmov r7, r4\n\tmov r9, r8\n\tmov r10, r8\n\tmov r11, r8\n\t" \
  "2:\n\t.rept 24\n\t" TVM_TINY_WINOGRAD_STEP_##order ".endr\n\tldr r3, [sp, #8]\n\tcmp r12, r3\n\tbne.w 2b\n\t" \
  "ldr r3, [sp, #12]\n\tstm r3!, {r4, r5, r6, r7, r8, r9, r10, r11}\n\tldr r4, [sp, #4]\n\tadd r4, r4, r12\n\t" \
  "strd r4, r3, [sp, #8]\n\tadd r4, sp, #216\n\tcmp r3, r4\n\tbne.w 1b\n\t" \
  TVM_TINY_WINOGRAD_FIRST_##order "ldr r11, [sp, #16]\n\tldr r12, [sp, #252]\n\t" TVM_TINY_WINOGRAD_OUTPUTS("24") \
  "ldm lr!, {r6, r7, r8, r9}\n\tldr r11, [sp, #16]\n\tadd r11, r11, #1\n\t" TVM_TINY_WINOGRAD_OUTPUTS("40") \
  "ldrd r0, r1, [sp, #16]\n\tadd r0, r0, #2\n\tstr r0, [sp, #16]\n\tcmp r0, r1\n\tbne.w 0b\n\t" \
  "add sp, sp, #216\n\tpop {r4-r11, pc}\n\t"
/* clang-format on */

static TVM_TINY_NAKED void tvm_tiny_winograd_together(const int32_t *lanes, const int32_t *stream, int8_t *out,
                                                      int32_t words, int32_t channels) {
  __asm__(TVM_TINY_WINOGRAD(together));
}

static TVM_TINY_NAKED void tvm_tiny_winograd_between(const int32_t *lanes, const int32_t *stream, int8_t *out,
                                                     int32_t words, int32_t channels) {
  __asm__(TVM_TINY_WINOGRAD(between));
}
#pragma GCC diagnostic pop
#else

/* Sums of the six components of tile ``tile`` and channel ``channel`` of two. */
static inline void tvm_tiny_winograd_sums(int32_t *sums, const int32_t *lanes, const int32_t *stream, int32_t words,
                                          int32_t tile, int32_t channel) {
  for (int32_t m = 0; m < 6; ++m) {
    const int32_t *const weights = &stream[m * (2 * words + 2)];
    sums[m] = weights[channel];
    for (int32_t k = 0; k < words; ++k) {
      sums[m] = tvm_tiny_smlad(lanes[4 * (m * words + k) + tile], weights[2 + 2 * k + channel], sums[m]);
    }
  }
}

static inline void tvm_tiny_winograd_portable(const int32_t *lanes, const int32_t *stream, int8_t *out, int32_t words,
                                              int32_t channels) {
  for (int32_t c = 0; c < channels; ++c) {
    const int32_t *const block = &stream[(c / 2) * (12 * words + 20)];
    const int32_t *const numbers = &block[12 * words + 12 + 4 * (c % 2)];
    for (int32_t tile = 0; tile < 4; ++tile) {
      int32_t sums[6];
      tvm_tiny_winograd_sums(sums, lanes, block, words, tile, c % 2);
      const uint32_t s1 = (uint32_t)sums[1] + (uint32_t)sums[2];
      const uint32_t d1 = (uint32_t)sums[1] - (uint32_t)sums[2];
      const uint32_t s2 = (uint32_t)sums[3] + (uint32_t)sums[4];
      const uint32_t d2 = (uint32_t)sums[3] - (uint32_t)sums[4];
      const uint32_t y[4] = {(uint32_t)sums[0] + s1 + s2, d1 + 2u * d2, s1 + 4u * s2, d1 + 8u * d2 + (uint32_t)sums[5]};
      for (int32_t i = 0; i < 4; ++i) {
        const int32_t acc = (int32_t)y[i];
        const int32_t offset = tvm_tiny_less_if_negative(numbers[1], numbers[2], acc);
        out[(4 * tile + i) * channels + c] = (int8_t)tvm_tiny_requantize_high(acc, numbers[0], offset, numbers[3]);
      }
    }
  }
}

static inline void tvm_tiny_winograd_together(const int32_t *lanes, const int32_t *stream, int8_t *out, int32_t words,
                                              int32_t channels) {
  tvm_tiny_winograd_portable(lanes, stream, out, words, channels);
}

static inline void tvm_tiny_winograd_between(const int32_t *lanes, const int32_t *stream, int8_t *out, int32_t words,
                                             int32_t channels) {
  tvm_tiny_winograd_portable(lanes, stream, out, words, channels);
}
#endif

#endif /* TVM_TINY_RUNTIME_DSP_WINOGRAD_H_ */
