/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution 3x3 with stride 1 in a quarter of the products, for cores with the DSP extension; the kernels have a
 * portable twin. Winograd's filtering of dsp_winograd.h in both directions: 4x4 outputs come from 6x6 inputs by 36
 * products instead of 144,
 *
 *   Y = A (G w G' * B d B') A',  "*" element by element, ' the transpose, with B of dsp_winograd.h and
 *
 *        6  0  0
 *       -4 -4 -4        1  1  1  1  1  0
 *   G = -4  4 -4    A = 0  1 -1  2 -2  0
 *        1  2  4        0  1  1  4  4  0
 *        1 -2  4        0  1 -1  8 -8  6
 *        0  0  4
 *
 * All of it is integer arithmetic modulo 2^32 and exact: the sums come out 24 * 24 times their value. Both sides of the
 * products fit 16 bits. A "tile" is 4x4 outputs; two tiles are computed at a time, with four channels. */
#ifndef TVM_TINY_RUNTIME_DSP_WINOGRAD_SQUARE_H_
#define TVM_TINY_RUNTIME_DSP_WINOGRAD_SQUARE_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/dsp.h"
#include "tvm_tiny/runtime/dsp_winograd.h"

/* ---- Inputs: first along the rows, then down the columns, in place.
 *
 * Of every four channels the first and the third make a word, then the second and the fourth; the next one is two words
 * on, for the two tiles. A word is low + 65536 * high modulo 2^32, so that one addition does for both. Its upper half
 * is one less than "high" where "low" is negative; so at last 12800 is added to both, which none can be below, and
 * taken off again lane by lane. The inputs are taken 128 larger, so that they are not negative: the bias makes up for
 * that. */
#if TVM_TINY_DSP
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* they are in registers and on the stack */
/* clang-format off */
#define TVM_TINY_WINOGRAD_NOTHING(to) ""
#define TVM_TINY_WINOGRAD_12800(to) "add " to ", " to ", #0x32003200\n\t"
/* clang-format on */

/* Registers as in tvm_tiny_winograd_row. */
static TVM_TINY_NAKED void tvm_tiny_winograd_square_row(int32_t *lanes, const int8_t *x, int32_t channels) {
  __asm__("push {r4-r11, lr}\n\tadd r3, r1, r2\n\tlsl lr, r2, #2\n\tmov r11, #0x00800080\n"
          "1:\n\t" TVM_TINY_WINOGRAD_PAIR("", TVM_TINY_WINOGRAD_NOTHING, "8")
              TVM_TINY_WINOGRAD_PAIR(", ror #8", TVM_TINY_WINOGRAD_NOTHING, "8") "add r1, r1, #4\n\tcmp r1, r3\n\tbne.w 1b\n\t"
                                                                             "pop {r4-r11, pc}\n\t");
}

/* Registers: r0 in the lanes, r1 the same, r2 and lr bytes from one row to the next, r3 end of the first row, r11 12800
 * in both lanes. */
static TVM_TINY_NAKED void tvm_tiny_winograd_square_columns(int32_t *lanes, int32_t channels) {
  __asm__(
      "push {r4-r11, lr}\n\tadd r2, r1, r1, lsl #1\n\tlsl r2, r2, #3\n\tmov lr, r2\n\tadd r3, r0, r2\n\t"
      "mov r11, #0x32003200\n"
      "1:\n\tmov r1, r0\n\t" TVM_TINY_WINOGRAD_INPUTS TVM_TINY_WINOGRAD_COMPONENTS(TVM_TINY_WINOGRAD_12800)
      "ssub16 r4, r4, r11\n\tssub16 r7, r7, r11\n\tssub16 r10, r10, r11\n\tssub16 r6, r6, r11\n\tssub16 r8, r8, r11\n\t"
      "ssub16 r9, r9, r11\n\t" TVM_TINY_WINOGRAD_STORE("8") "cmp r0, r3\n\tbne.w 1b\n\tpop {r4-r11, pc}\n\t");
}
#pragma GCC diagnostic pop
#else
/* B d: words of six components, from words of six inputs. */
static inline void tvm_tiny_winograd_components(uint32_t *components, const uint32_t *d) {
  const uint32_t a = d[4] - 4u * d[2];
  const uint32_t b = d[3] - 4u * d[1];
  const uint32_t e = d[4] - d[2];
  const uint32_t f = d[3] - d[1];
  components[0] = a - d[2] + 4u * d[0];
  components[1] = a + b;
  components[2] = a - b;
  components[3] = e + 2u * f;
  components[4] = e - 2u * f;
  components[5] = d[5] - 4u * d[3] - b;
}

static inline void tvm_tiny_winograd_square_row(int32_t *lanes, const int8_t *x, int32_t channels) {
  for (int32_t pair = 0; pair < channels / 2; ++pair) {
    uint32_t d[6];
    uint32_t components[6];
    for (int32_t i = 0; i < 6; ++i) {
      const int8_t *const at = &x[i * channels + 4 * (pair / 2) + pair % 2];
      const int32_t low = at[0] + 128;
      const int32_t high = at[2] + 128;
      d[i] = (uint32_t)low | ((uint32_t)high << 16);
    }
    tvm_tiny_winograd_components(components, d);
    for (int32_t m = 0; m < 6; ++m) {
      lanes[channels * m + 2 * pair] = (int32_t)components[m];
    }
  }
}

static inline void tvm_tiny_winograd_square_columns(int32_t *lanes, int32_t channels) {
  for (int32_t word = 0; word < 3 * channels; ++word) {
    uint32_t d[6];
    uint32_t components[6];
    for (int32_t i = 0; i < 6; ++i) {
      d[i] = (uint32_t)lanes[6 * channels * i + 2 * word];
    }
    tvm_tiny_winograd_components(components, d);
    for (int32_t m = 0; m < 6; ++m) {
      const uint32_t carried = components[m] + ((components[m] & 0x8000u) << 1);
      lanes[6 * channels * m + 2 * word] = (int32_t)carried;
    }
  }
}
#endif

/* One of two tiles, whose inputs are six rows and columns from (y, z) on of an image; what lies outside is
 * ``padding``. ``patch`` is memory for six inputs. */
static TVM_TINY_KERNEL void tvm_tiny_winograd_square(int32_t *lanes, int8_t *patch, const int8_t *x, int32_t y,
                                                     int32_t z, int32_t height, int32_t width, int32_t channels,
                                                     int32_t padding) {
  for (int32_t row = 0; row < 6; ++row) {
    const int8_t *const inputs = tvm_tiny_winograd_inputs(patch, x, y + row, z, height, width, channels, padding);
    tvm_tiny_winograd_square_row(&lanes[6 * channels * row], inputs, channels);
  }
  tvm_tiny_winograd_square_columns(lanes, channels);
}

/* ---- Products: tvm_tiny_winograd_square_<loads>, with loads as in dsp_winograd.h.
 *
 * ``stream`` holds for every four channels: for each of the 36 components ``words`` times a word of each channel, G w
 * G' of two values; then for each channel the numbers of its requantisation, multiplier, offset, unit and shift
 * (tvm_tiny_less_if_negative and tvm_tiny_requantize_high of dsp.h), and what is added to its sums. ``words`` is a
 * multiple of 8, ``channels`` of 4.
 *
 * ``sums`` is memory for the 288 sums of two tiles and four channels, component by component; behind them it holds for
 * each tile and channel where its first output lies, in bytes from ``out`` on. Rows of outputs are ``pitch`` bytes
 * apart. */
#define TVM_TINY_WINOGRAD_SUMS 288

#if TVM_TINY_DSP
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* they are in registers and on the stack */
/* clang-format off */

/* Registers: r0 and r1 weights, r2 and r3 inputs, r4 to r7 and r8 to r11 sums of the two tiles, r12 in the stream, lr in
 * the lanes. On the stack: 0 lanes, 4 bytes of a component's weights, 8 where they end, 12 where its sums go, 16 output,
 * 20 its end, 24 sums, 28 their end; behind the registers, from 68 on, words, channels and pitch. The steps are those of
 * dsp_winograd.h with inputs and weights in each other's place. */

/* The first step of a component, whose sums begin with it. */
#define TVM_TINY_WINOGRAD_FIRST_STEP_together \
  "ldr.w r2, [lr], #4\n\tldr.w r3, [lr], #4\n\tldr.w r0, [r12], #4\n\tldr.w r1, [r12], #4\n\t" \
  "smuad r4, r0, r2\n\tsmuad r8, r0, r3\n\tsmuad r5, r1, r2\n\tsmuad r9, r1, r3\n\t" \
  "ldr.w r0, [r12], #4\n\tldr.w r1, [r12], #4\n\t" \
  "smuad r6, r0, r2\n\tsmuad r10, r0, r3\n\tsmuad r7, r1, r2\n\tsmuad r11, r1, r3\n\t"
#define TVM_TINY_WINOGRAD_BACK_together
#define TVM_TINY_WINOGRAD_FIRST_STEP_between \
  "smuad r4, r0, r2\n\tldr.w r3, [lr], #4\n\tsmuad r5, r1, r2\n\tsmuad r8, r0, r3\n\tldr.w r0, [r12], #4\n\t" \
  "smuad r9, r1, r3\n\tldr.w r1, [r12], #4\n\tsmuad r6, r0, r2\n\tsmuad r7, r1, r2\n\tldr.w r2, [lr], #4\n\t" \
  "smuad r10, r0, r3\n\tldr.w r0, [r12], #4\n\tsmuad r11, r1, r3\n\tldr.w r1, [r12], #4\n\t"
#define TVM_TINY_WINOGRAD_BACK_between "sub r12, r12, #8\n\t"

/* A s, of s in r0 to r5, to r0, r3, r1, r2. */
#define TVM_TINY_WINOGRAD_COMBINE \
  "add r1, r1, r2\n\tsub r2, r1, r2, lsl #1\n\tadd r3, r3, r4\n\tsub r4, r3, r4, lsl #1\n\tadd r0, r0, r1\n\t" \
  "add r0, r0, r3\n\tadd r1, r1, r3, lsl #2\n\tadd r3, r2, r4, lsl #1\n\tadd r5, r5, r5, lsl #1\n\t" \
  "add r2, r2, r4, lsl #3\n\tadd r2, r2, r5, lsl #1\n\t"

#define TVM_TINY_WINOGRAD_OUTPUT(sum) \
  "and r4, r8, " sum ", asr #31\n\tsub r4, r7, r4\n\tsmmla " sum ", " sum ", r6, r4\n\tasr " sum ", " sum ", r9\n\t" \
  "ssat " sum ", #8, " sum "\n\t"

#define TVM_TINY_WINOGRAD_SQUARE(order) \
  "push {r4-r11, lr}\n\tsub sp, sp, #32\n\tldrd r4, r5, [sp, #68]\n\tlsl r4, r4, #4\n\tadd r6, r2, r5\n\tadd r7, r3, #1152\n\t" \
  "strd r0, r4, [sp]\n\tstrd r2, r6, [sp, #16]\n\tstrd r3, r7, [sp, #24]\n\tmov r12, r1\n\t" \
  "0:\n\tldr lr, [sp]\n\tldr r1, [sp, #4]\n\tldr r0, [sp, #24]\n\tadd r1, r1, r12\n\tstrd r1, r0, [sp, #8]\n\t" TVM_TINY_WINOGRAD_ENTER_##order \
  "1:\n\t" TVM_TINY_WINOGRAD_FIRST_STEP_##order ".rept 7\n\t" TVM_TINY_WINOGRAD_STEP_##order ".endr\n\t" \
  "ldr r3, [sp, #8]\n\tcmp r12, r3\n\tbeq.w 3f\n\t" \
  "2:\n\t.rept 8\n\t" TVM_TINY_WINOGRAD_STEP_##order ".endr\n\tldr r3, [sp, #8]\n\tcmp r12, r3\n\tbne.w 2b\n\t" \
  "3:\n\tldr r3, [sp, #12]\n\tstm r3!, {r4, r5, r6, r7, r8, r9, r10, r11}\n\tldr r4, [sp, #4]\n\tldr r5, [sp, #28]\n\t" \
  "add r4, r4, r12\n\tstrd r4, r3, [sp, #8]\n\tcmp r3, r5\n\tbne.w 1b\n\t" TVM_TINY_WINOGRAD_BACK_##order \
  /* Down the columns, for all 48 of them. */ \
  "mov lr, r12\n\tldr r12, [sp, #24]\n\tadd r11, r12, #192\n\t" \
  "4:\n\t.rept 4\n\tldr r0, [r12]\n\tldr r1, [r12, #192]\n\tldr r2, [r12, #384]\n\tldr r3, [r12, #576]\n\t" \
  "ldr r4, [r12, #768]\n\tldr r5, [r12, #960]\n\t" TVM_TINY_WINOGRAD_COMBINE \
  "str r3, [r12, #192]\n\tstr r1, [r12, #384]\n\tstr r2, [r12, #576]\n\tstr r0, [r12], #4\n\t.endr\n\t" \
  "cmp r12, r11\n\tbne.w 4b\n\tsub r12, r12, #192\n\t" \
  /* A channel: its numbers in r6 to r10, bytes of a pixel in lr. */ \
  "5:\n\tldm lr!, {r6, r7, r8, r9, r10}\n\tadd r3, r12, #32\n\tstrd r3, lr, [sp, #8]\n\tldr lr, [sp, #72]\n\t" \
  /* A tile, row by row. */ \
  "6:\n\tldr r11, [r12, #1152]\n\tldr r3, [sp, #16]\n\tadd r11, r11, r3\n\t" \
  ".irp row, 0, 192, 384, 576\n\t" \
  "ldr r0, [r12, #\\row]\n\tldr r1, [r12, #(\\row + 32)]\n\tldr r2, [r12, #(\\row + 64)]\n\tldr r3, [r12, #(\\row + 96)]\n\t" \
  "ldr r4, [r12, #(\\row + 128)]\n\tldr r5, [r12, #(\\row + 160)]\n\tadd r1, r1, r10\n\t" TVM_TINY_WINOGRAD_COMBINE \
  TVM_TINY_WINOGRAD_OUTPUT("r0") TVM_TINY_WINOGRAD_OUTPUT("r3") TVM_TINY_WINOGRAD_OUTPUT("r1") TVM_TINY_WINOGRAD_OUTPUT("r2") \
  "add r5, r11, lr, lsl #1\n\tstrb r0, [r11]\n\tstrb r3, [r11, lr]\n\tstrb r1, [r5]\n\tstrb r2, [r5, lr]\n\t" \
  "ldr r5, [sp, #76]\n\tadd r11, r11, r5\n\t.endr\n\t" \
  "ldr r3, [sp, #8]\n\tadd r12, r12, #16\n\tcmp r12, r3\n\tbne.w 6b\n\t" \
  "ldr r3, [sp, #24]\n\tldr lr, [sp, #12]\n\tsub r12, r12, #28\n\tadd r3, r3, #16\n\tcmp r12, r3\n\tbne.w 5b\n\t" \
  "ldrd r0, r1, [sp, #16]\n\tmov r12, lr\n\tadd r0, r0, #4\n\tstr r0, [sp, #16]\n\tcmp r0, r1\n\tbne.w 0b\n\t" \
  "add sp, sp, #32\n\tpop {r4-r11, pc}\n\t"
/* clang-format on */

#define TVM_TINY_WINOGRAD_SQUARE_KERNEL(order)                                                             \
  static TVM_TINY_NAKED void tvm_tiny_winograd_square_##order(const int32_t *lanes, const int32_t *stream, \
                                                              int8_t *out, int32_t *sums, int32_t words,   \
                                                              int32_t channels, int32_t pitch) {           \
    __asm__(TVM_TINY_WINOGRAD_SQUARE(order));                                                              \
  }
#else

/* A s, with steps of ``step`` from one of six sums to the next. */
static inline void tvm_tiny_winograd_combine(uint32_t *y, const int32_t *s, int32_t step) {
  const uint32_t p = (uint32_t)s[step] + (uint32_t)s[2 * step];
  const uint32_t m = (uint32_t)s[step] - (uint32_t)s[2 * step];
  const uint32_t q = (uint32_t)s[3 * step] + (uint32_t)s[4 * step];
  const uint32_t n = (uint32_t)s[3 * step] - (uint32_t)s[4 * step];
  y[0] = (uint32_t)s[0] + p + q;
  y[1] = m + 2u * n;
  y[2] = p + 4u * q;
  y[3] = m + 8u * n + 6u * (uint32_t)s[5 * step];
}

/* All sums of two tiles and four channels, and the first half of what makes outputs of them. */
static inline void tvm_tiny_winograd_square_sums(int32_t *sums, const int32_t *lanes, const int32_t *stream,
                                                 int32_t words) {
  for (int32_t m = 0; m < 36; ++m) {
    for (int32_t each = 0; each < 8; ++each) {
      int32_t sum = 0;
      for (int32_t k = m * words; k < (m + 1) * words; ++k) {
        sum = tvm_tiny_smlad(lanes[2 * k + each / 4], stream[4 * k + each % 4], sum);
      }
      sums[8 * m + each] = sum;
    }
  }
  for (int32_t column = 0; column < 48; ++column) {
    uint32_t y[4];
    tvm_tiny_winograd_combine(y, &sums[column], 48);
    for (int32_t i = 0; i < 4; ++i) {
      sums[48 * i + column] = (int32_t)y[i];
    }
  }
}

static inline void tvm_tiny_winograd_square_portable(const int32_t *lanes, const int32_t *stream, int8_t *out,
                                                     int32_t *sums, int32_t words, int32_t channels, int32_t pitch) {
  for (int32_t c = 0; c < channels; c += 4) {
    const int32_t *const block = &stream[(c / 4) * (144 * words + 20)];
    tvm_tiny_winograd_square_sums(sums, lanes, block, words);
    for (int32_t each = 0; each < 8; ++each) {
      const int32_t *const numbers = &block[144 * words + 5 * (each % 4)];
      int8_t *const tile = &out[c + sums[TVM_TINY_WINOGRAD_SUMS + each]];
      for (int32_t row = 0; row < 4; ++row) {
        uint32_t y[4];
        tvm_tiny_winograd_combine(y, &sums[48 * row + each], 8);
        for (int32_t i = 0; i < 4; ++i) {
          const uint32_t sum = y[i] + (uint32_t)numbers[4];
          const int32_t acc = (int32_t)sum;
          const int32_t offset = tvm_tiny_less_if_negative(numbers[1], numbers[2], acc);
          tile[row * pitch + i * channels] = (int8_t)tvm_tiny_requantize_high(acc, numbers[0], offset, numbers[3]);
        }
      }
    }
  }
}

#define TVM_TINY_WINOGRAD_SQUARE_KERNEL(order)                                                                         \
  static inline void tvm_tiny_winograd_square_##order(const int32_t *lanes, const int32_t *stream, int8_t *out,        \
                                                      int32_t *sums, int32_t words, int32_t channels, int32_t pitch) { \
    tvm_tiny_winograd_square_portable(lanes, stream, out, sums, words, channels, pitch);                               \
  }
#endif

TVM_TINY_WINOGRAD_SQUARE_KERNEL(together)
TVM_TINY_WINOGRAD_SQUARE_KERNEL(between)

#if TVM_TINY_DSP
#pragma GCC diagnostic pop
#endif

#endif /* TVM_TINY_RUNTIME_DSP_WINOGRAD_SQUARE_H_ */
