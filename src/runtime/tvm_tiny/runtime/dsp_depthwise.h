/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise 3x3 convolution of one channel, a band of rows at a time, for cores with the DSP extension; each kernel has
 * a portable twin.
 *
 * The inputs of a band are first gathered into a "plane" of words with two inputs in each, as 16-bit lanes. The kernel
 * then runs along the rows of the plane with the filter in registers. A column of inputs is read once: it completes one
 * sum, continues the next, and begins another, which replaces the column in its register; the next column goes where
 * the complete sum was. Weights are taken 256 times, so that the sums are 256 times their value, which the
 * requantisation wants (dsp.h).
 *
 * A channel has nine weights and two parameters: what each sum begins with, and the multiplier of the requantisation.
 */
#ifndef TVM_TINY_RUNTIME_DSP_DEPTHWISE_H_
#define TVM_TINY_RUNTIME_DSP_DEPTHWISE_H_

#include <stdint.h>
#include <string.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/dsp.h"
#include "tvm_tiny/runtime/dsp_gather.h"

/* ---- Planes. */

/* The plane of a band of up to 8 rows of outputs, with stride 1 and a padding of one on all sides. Word (k, l) has the
 * inputs above each other at (2 * k - 1, l) and (2 * k, l), counted from the band's first row; all that is not in the
 * image is padding, and columns outside of it are not in the plane.
 *
 * The first band of a channel ("first" is 1, or 2 where a row of padding below the image is in the plane already) reads
 * ``rows`` rows of the image from ``x`` on. Any other finds the rows that it shares
 * with the one before in the plane, and reads the ``rows`` behind them. Fewer than 8 rows, or 9 of the first band,
 * are the last ones of the image. */
static TVM_TINY_KERNEL void tvm_tiny_depthwise_plane_s1(int32_t *plane, const int8_t *x, int32_t padding, int32_t first,
                                                        int32_t rows, int32_t along, int32_t across_step,
                                                        int32_t along_step) {
  if (first != 0) {
    tvm_tiny_gather_high_s1(plane, x, padding, along_step, along);
    x = &x[across_step];
    --rows;
  } else {
#pragma GCC unroll 8
    for (int32_t l = 0; l < along; ++l) {
      plane[TVM_TINY_COLUMN_S1 * l] = plane[TVM_TINY_COLUMN_S1 * l + TVM_TINY_COLUMN_S1 - 1];
    }
  }
  if (rows >= 2) {
    tvm_tiny_gather_rows_s1(&plane[1], x, x + across_step, along_step, along, rows / 2, 2 * across_step);
  }
  if (rows % 2 != 0) {
    tvm_tiny_gather_low_s1(&plane[(rows + 1) / 2], x + (rows - 1) * across_step, padding, along_step, along);
  } else if ((first < 2) && (rows / 2 + 1 < TVM_TINY_COLUMN_S1)) {
    const int32_t both = tvm_tiny_pack_s16x2(padding, padding);
    plane += rows / 2 + 1;
#pragma GCC unroll 8
    for (int32_t l = 0; l < along; ++l) {
      plane[TVM_TINY_COLUMN_S1 * l] = both;
    }
  } else {
    /* The plane is full, or holds its padding already. */
  }
}

/* The same with stride 2, any padding, and up to 4 rows of outputs. Word (k, l) has the inputs beside each other at (k,
 * 2 * l) and (k, 2 * l + 1) of the padded image, for k < above + rows + below and l <= along: ``above`` and ``below``
 * rows of padding, and between them ``rows`` rows of the image from ``x`` on, whose ``width`` columns begin at
 * ``left``. */
static TVM_TINY_KERNEL void tvm_tiny_depthwise_plane_s2(int32_t *plane, const int8_t *x, int32_t padding, int32_t above,
                                                        int32_t rows, int32_t below, int32_t along, int32_t across_step,
                                                        int32_t along_step, int32_t left, int32_t width) {
  const int32_t both = tvm_tiny_pack_s16x2(padding, padding);
  const int32_t right = (left + width < 2 * along + 1) ? (left + width) : (2 * along + 1);
  const int32_t first = (left + 1) / 2;
  const int32_t behind = (right + 1) / 2;
  if (above > 0) {
    tvm_tiny_fill_words(plane, both, above, along + 1, TVM_TINY_COLUMN_S2);
    plane += above;
  }
  if (below > 0) {
    tvm_tiny_fill_words(&plane[rows], both, below, along + 1, TVM_TINY_COLUMN_S2);
  }
  if (left >= 2) {
    tvm_tiny_fill_words(plane, both, rows, left / 2, TVM_TINY_COLUMN_S2);
  }
  if (behind <= along) {
    int32_t *const end = &plane[behind * TVM_TINY_COLUMN_S2];
    if (behind < along) {
      tvm_tiny_fill_words(&end[TVM_TINY_COLUMN_S2], both, rows, along - behind, TVM_TINY_COLUMN_S2);
    }
#pragma GCC unroll 4
    for (int32_t k = 0; k < rows; ++k) {
      end[k] = both;
    }
  }
  if ((rows > 0) && (right / 2 > first)) {
    const int8_t *const from = x + (left % 2) * along_step;
    tvm_tiny_gather_rows_s2(&plane[first * TVM_TINY_COLUMN_S2], from, from + along_step, 2 * along_step,
                            right / 2 - first, rows, across_step);
  }
  if (left % 2 != 0) {
    for (int32_t k = 0; k < rows; ++k) {
      plane[(first - 1) * TVM_TINY_COLUMN_S2 + k] = tvm_tiny_pack_s16x2(padding, x[k * across_step]);
    }
  }
  if (right % 2 != 0) {
    x = &x[(right - left - 1) * along_step];
    for (int32_t k = 0; k < rows; ++k) {
      plane[(behind - 1) * TVM_TINY_COLUMN_S2 + k] = tvm_tiny_pack_s16x2(x[k * across_step], padding);
    }
  }
}

/* ---- Kernels. */

#if TVM_TINY_DSP
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* they are in registers and on the stack */
/* clang-format off */

/* Registers: r0 in the plane, r1 in the output, r4 to r6 pairs of weights, r7 and the lower half of r8 single weights,
 * the upper half of r8 counts turns, r9 base, r10 multiplier, r11 the step to the next output; the others are columns
 * and sums. On the stack: 0 how a row is begun, 4 how its loop is entered, 8 a sum that has the padding to the left in
 * it, 12 the padding to the right, 16 and 20 from the end of a row to the next one in the plane and in the output, 24
 * turns << 16, 28 end of the rows, 32 and 36 what becomes 0 and 4, 40 to the first odd row; behind the registers, at
 * 80 and 84, the arguments from the fifth on.
 *
 * A loop is entered in its midst, at step "skip", so that nothing is left over. Outputs go to [r1] and [r1, r11] in
 * turn, and r1 moves on behind the second. */

/* The filter, taken 256 times, and what the shape says; the padding in both lanes of lr. */
#define TVM_TINY_DW_ENTER(more) \
  "push {r4-r11, lr}\n\tsub sp, sp, #44\n\tldr r4, [r2]\n\tldr r6, [r2, #4]\n\tldrb r8, [r2, #8]\n\tldr r12, [sp, #84]\n\t" \
  "ldrd r9, r10, [r12]\n\tlsl r8, r8, #8\n\tmov r2, #0xFF00FF00\n\t" \
  "and r5, r4, r2\n\tand r4, r2, r4, lsl #8\n\tand r7, r6, r2\n\tand r6, r2, r6, lsl #8\n\t" \
  "ldm r3!, {r2, r11, r12, lr}\n\tstrd r2, r12, [sp, #16]\n\tstr lr, [sp, #24]\n\tsub lr, lr, #0x10000\n\tadd r8, r8, lr\n\t" more \
  "ldm r3, {r2, r3, r12, lr}\n\tadd r1, r1, r12\n\t"
#define TVM_TINY_DW_NONE ""
#define TVM_TINY_DW_ACROSS_STEP "ldr r12, [r3, #16]\n\tstr r12, [sp, #40]\n\t"

#define TVM_TINY_DW_LEAVE "add sp, sp, #44\n\tpop {r4-r11, pc}\n\t"

/* Goes to the first row: r2 and r3 say how a row is begun and how its loop is entered, as offsets to the labels. */
#define TVM_TINY_DW_GO(begin, loop) \
  "adr.w r12, " begin "\n\tadd r2, r2, r12\n\tadr.w r12, " loop "\n\tadd r3, r3, r12\n\tstrd r2, r3, [sp]\n\tbx r2\n\t"

/* The next row, or on. */
#define TVM_TINY_DW_NEXT \
  "ldr r2, [sp, #16]\n\tldr r3, [sp, #20]\n\tldr r12, [sp, #24]\n\tldr lr, [sp, #28]\n\t" \
  "add r0, r0, r2\n\tadd r1, r1, r3\n\tadd r8, r8, r12\n\tcmp r0, lr\n\tbeq 9f\n\tldr.w pc, [sp]\n\t9:\n\t"
#define TVM_TINY_DW_TURN "subs r8, r8, #0x10000\n\tbpl 4b\n\t"

/* A complete sum becomes an output, or stays what it is. */
#define TVM_TINY_DW_SCALE(sum) "smmul " sum ", " sum ", r10\n\t"
#define TVM_TINY_DW_OUTPUT(shift, sum) "ssat " sum ", #8, " sum ", asr #" shift "\n\tstrb.w " sum ", "
#define TVM_TINY_DW_NO_SCALE(sum)
#define TVM_TINY_DW_SUM(shift, sum) "str.w " sum ", "
#define TVM_TINY_DW_EVEN "[r1]\n\t"
#define TVM_TINY_DW_ODD "[r1, r11]\n\t"
#define TVM_TINY_DW_MOVE "add.w r1, r1, r11, lsl #1\n\t"

/* Stride 1. The three inputs of a column are in two words: two of them fill one, ``pair``; the third is a lane of the
 * other, r3: the lower one ("b") in even rows of outputs, the upper one ("t") in odd rows. The sums and ``pair`` go
 * around in r12, lr and r2. */
#define TVM_TINY_DW1_BEGIN(pair, lane) \
  "smlad " pair ", " pair ", r4, r9\n\tsmla" lane "b " pair ", r3, r7, " pair "\n\t"
#define TVM_TINY_DW1_CONTINUE(sum, pair, lane) \
  "smlad " sum ", " pair ", r5, " sum "\n\tsmla" lane "t " sum ", r3, r7, " sum "\n\t"
#define TVM_TINY_DW1_COMPLETE(sum, pair, lane) \
  "smlad " sum ", " pair ", r6, " sum "\n\tsmla" lane "b " sum ", r3, r8, " sum "\n\t"
#define TVM_TINY_DW1_LOAD_b(pair) "ldr.w r3, [r0, #4]\n\tldr.w " pair ", [r0], #20\n\t"
#define TVM_TINY_DW1_LOAD_t(pair) "ldr.w " pair ", [r0, #4]\n\tldr.w r3, [r0], #20\n\t"
#define TVM_TINY_DW1_STEP(place, sum, next, pair, lane, scale, store, shift) \
  TVM_TINY_DW1_COMPLETE(sum, pair, #lane) scale(sum) TVM_TINY_DW1_CONTINUE(next, pair, #lane) \
  TVM_TINY_DW1_BEGIN(pair, #lane) store(shift, sum) place TVM_TINY_DW1_LOAD_##lane(sum)

/* The first two columns of a row: 40 bytes of code. */
#define TVM_TINY_DW1_FIRST(sum, next, pair, lane) \
  "ldr.w " sum ", [sp, #8]\n\t" TVM_TINY_DW1_LOAD_##lane(next) TVM_TINY_DW1_CONTINUE(sum, next, #lane) \
  TVM_TINY_DW1_BEGIN(next, #lane) TVM_TINY_DW1_LOAD_##lane(pair) "ldr.w pc, [sp, #4]\n\t"

/* Every other row of outputs. */
#define TVM_TINY_DW1_ROWS(lane, scale, store, shift) \
  ".balign 4\n\t3:\n\t" TVM_TINY_DW1_FIRST("r12", "lr", "r2", lane) TVM_TINY_DW1_FIRST("lr", "r2", "r12", lane) \
  TVM_TINY_DW1_FIRST("r2", "r12", "lr", lane) "4:\n\t" \
  TVM_TINY_DW1_STEP(TVM_TINY_DW_EVEN, "r12", "lr", "r2", lane, scale, store, shift) \
  TVM_TINY_DW1_STEP(TVM_TINY_DW_ODD, "lr", "r2", "r12", lane, scale, store, shift) TVM_TINY_DW_MOVE \
  TVM_TINY_DW1_STEP(TVM_TINY_DW_EVEN, "r2", "r12", "lr", lane, scale, store, shift) \
  TVM_TINY_DW1_STEP(TVM_TINY_DW_ODD, "r12", "lr", "r2", lane, scale, store, shift) TVM_TINY_DW_MOVE \
  TVM_TINY_DW1_STEP(TVM_TINY_DW_EVEN, "lr", "r2", "r12", lane, scale, store, shift) \
  TVM_TINY_DW1_STEP(TVM_TINY_DW_ODD, "r2", "r12", "lr", lane, scale, store, shift) TVM_TINY_DW_MOVE TVM_TINY_DW_TURN \
  TVM_TINY_DW1_COMPLETE("r12", "r2", #lane) scale("r12") TVM_TINY_DW1_CONTINUE("lr", "r2", #lane) \
  "ldr r3, [sp, #12]\n\tadd lr, lr, r3\n\t" scale("lr") store(shift, "r12") TVM_TINY_DW_EVEN \
  store(shift, "lr") TVM_TINY_DW_ODD TVM_TINY_DW_NEXT

/* From the filter of even rows, over the words k and k + 1 of a column, to that of odd ones, which begins with the
 * upper lane of word k. */
#define TVM_TINY_DW1_BETWEEN \
  "ldr r2, [sp, #80]\n\tldr r12, [sp, #40]\n\tlsrs r3, r2, #1\n\tbeq.w 8f\n\tsub lr, r2, r3\n\t" \
  "sub r0, r0, lr, lsl #2\n\tadd r3, r0, r3, lsl #2\n\tstr r3, [sp, #28]\n\t" \
  "lsl lr, lr, #1\n\tsub lr, lr, #1\n\tmls r1, r12, lr, r1\n\t" \
  "pkhbt r2, r4, r5, lsl #16\n\tpkhtb r5, r7, r5, asr #16\n\tasr r4, r4, #16\n\tpkhbt r4, r4, r7, lsl #16\n\t" \
  "asr r3, r6, #16\n\tpkhbt r3, r3, r8, lsl #16\n\tpkhbt r8, r6, r8\n\tmov r6, r3\n\tmov r7, r2\n\tldrd r2, r3, [sp, #32]\n\t"

/* Each kernel is two asm statements: C99 asks of a compiler no more than 4095 characters in a string. Nothing comes
 * between them in a function that is naked. */
#define TVM_TINY_DW1_A(scale, store, shift) \
  TVM_TINY_DW_ENTER(TVM_TINY_DW_ACROSS_STEP) "strd r2, r3, [sp, #32]\n\t" \
  "smlad r12, lr, r4, r9\n\tsmlabb r12, lr, r7, r12\n\tstr r12, [sp, #8]\n\t" \
  "smuad r12, lr, r6\n\tsmlabb r12, lr, r8, r12\n\tstr r12, [sp, #12]\n\t" \
  "ldr r12, [sp, #80]\n\tadd r12, r12, #1\n\tlsr r12, r12, #1\n\tadd r12, r0, r12, lsl #2\n\tstr r12, [sp, #28]\n\t" \
  TVM_TINY_DW_GO("3f", "4f") TVM_TINY_DW1_ROWS(b, scale, store, shift)
#define TVM_TINY_DW1_B(scale, store, shift) \
  TVM_TINY_DW1_BETWEEN TVM_TINY_DW_GO("3f", "4f") TVM_TINY_DW1_ROWS(t, scale, store, shift) "8:\n\t" TVM_TINY_DW_LEAVE

/* Stride 2. The words of three rows hold the first two inputs of a sum; the third is the lower lane of the next word.
 * The sum and the first row's word take turns in r2 and lr. */
#define TVM_TINY_DW2_BEGIN(word) \
  "smlad " word ", " word ", r4, r9\n\tsmlad " word ", r3, r5, " word "\n\tsmlad " word ", r12, r6, " word "\n\t"
#define TVM_TINY_DW2_COMPLETE(sum, word) \
  "smlabb " sum ", " word ", r7, " sum "\n\tsmlabt " sum ", r3, r7, " sum "\n\tsmlabb " sum ", r12, r8, " sum "\n\t"
#define TVM_TINY_DW2_LOAD(word) "ldr.w r3, [r0, #4]\n\tldr.w r12, [r0, #8]\n\tldr.w " word ", [r0], #36\n\t"
#define TVM_TINY_DW2_STEP(place, sum, word, scale, store, shift) \
  TVM_TINY_DW2_COMPLETE(sum, word) scale(sum) TVM_TINY_DW2_BEGIN(word) store(shift, sum) place TVM_TINY_DW2_LOAD(sum)

/* The first two columns of a row: 40 bytes of code. */
#define TVM_TINY_DW2_FIRST(word, next) \
  TVM_TINY_DW2_LOAD(word) TVM_TINY_DW2_BEGIN(word) TVM_TINY_DW2_LOAD(next) "ldr.w pc, [sp, #4]\n\t"

#define TVM_TINY_DW2_A(scale, store, shift) \
  TVM_TINY_DW_ENTER(TVM_TINY_DW_NONE) "ldr r12, [sp, #80]\n\tadd r12, r0, r12, lsl #3\n\tstr r12, [sp, #28]\n\t" \
  TVM_TINY_DW_GO("3f", "4f") ".balign 4\n\t3:\n\t" \
  TVM_TINY_DW2_FIRST("lr", "r2") TVM_TINY_DW2_FIRST("r2", "lr") "4:\n\t" \
  TVM_TINY_DW2_STEP(TVM_TINY_DW_EVEN, "lr", "r2", scale, store, shift) \
  TVM_TINY_DW2_STEP(TVM_TINY_DW_ODD, "r2", "lr", scale, store, shift) TVM_TINY_DW_MOVE
#define TVM_TINY_DW2_B(scale, store, shift) \
  TVM_TINY_DW2_STEP(TVM_TINY_DW_EVEN, "lr", "r2", scale, store, shift) \
  TVM_TINY_DW2_STEP(TVM_TINY_DW_ODD, "r2", "lr", scale, store, shift) TVM_TINY_DW_MOVE \
  TVM_TINY_DW2_STEP(TVM_TINY_DW_EVEN, "lr", "r2", scale, store, shift) \
  TVM_TINY_DW2_STEP(TVM_TINY_DW_ODD, "r2", "lr", scale, store, shift) TVM_TINY_DW_MOVE TVM_TINY_DW_TURN \
  TVM_TINY_DW2_COMPLETE("lr", "r2") scale("lr") store(shift, "lr") TVM_TINY_DW_EVEN TVM_TINY_DW_NEXT TVM_TINY_DW_LEAVE
/* clang-format on */

#define TVM_TINY_DEPTHWISE_OUTPUTS(stride, shift)                                                                  \
  static TVM_TINY_NAKED void tvm_tiny_depthwise_s##stride##_by##shift(const int32_t *plane, int8_t *out,           \
                                                                      const int8_t *weights, const int32_t *shape, \
                                                                      int32_t across, const int32_t *parameters) { \
    __asm__(TVM_TINY_DW##stride##_A(TVM_TINY_DW_SCALE, TVM_TINY_DW_OUTPUT, #shift));                               \
    __asm__(TVM_TINY_DW##stride##_B(TVM_TINY_DW_SCALE, TVM_TINY_DW_OUTPUT, #shift));                               \
  }
#define TVM_TINY_DEPTHWISE_SUMS(stride)                                                                       \
  static TVM_TINY_NAKED void tvm_tiny_depthwise_s##stride##_sums(const int32_t *plane, int32_t *sums,         \
                                                                 const int8_t *weights, const int32_t *shape, \
                                                                 int32_t across, const int32_t *parameters) { \
    __asm__(TVM_TINY_DW##stride##_A(TVM_TINY_DW_NO_SCALE, TVM_TINY_DW_SUM, ""));                              \
    __asm__(TVM_TINY_DW##stride##_B(TVM_TINY_DW_NO_SCALE, TVM_TINY_DW_SUM, ""));                              \
  }
#else

/* The sum of the output at (a, l) of a band. */
static inline int32_t tvm_tiny_depthwise_sum_s1(const int32_t *plane, const int8_t *weights, const int32_t *shape,
                                                int32_t begin, int32_t a, int32_t l) {
  static const int8_t taps[9] = {0, 3, 1, 4, 6, 2, 7, 5, 8}; /* 3 * j + i */
  int32_t sum = begin;
  for (int32_t n = 0; n < 9; ++n) {
    const int32_t k = a + taps[n] % 3;
    const int32_t column = l + taps[n] / 3 - 1;
    const int32_t word = ((column < 0) || (column >= shape[8])) ? shape[7] : plane[column * TVM_TINY_COLUMN_S1 + k / 2];
    sum = tvm_tiny_wrapping_add(sum, 256 * tvm_tiny_lane_s16(word, k % 2) * weights[n]);
  }
  return sum;
}

static inline int32_t tvm_tiny_depthwise_sum_s2(const int32_t *plane, const int8_t *weights, const int32_t *shape,
                                                int32_t begin, int32_t a, int32_t l) {
  static const int8_t taps[9] = {0, 1, 3, 4, 2, 6, 5, 7, 8}; /* 3 * j + i */
  int32_t sum = begin;
  (void)shape;
  for (int32_t n = 0; n < 9; ++n) {
    const int32_t column = 2 * l + taps[n] / 3;
    const int32_t word = plane[column / 2 * TVM_TINY_COLUMN_S2 + 2 * a + taps[n] % 3];
    sum = tvm_tiny_wrapping_add(sum, 256 * tvm_tiny_lane_s16(word, column % 2) * weights[n]);
  }
  return sum;
}

#define TVM_TINY_DEPTHWISE_OUTPUTS(stride, shift)                                                                   \
  static TVM_TINY_KERNEL void tvm_tiny_depthwise_s##stride##_by##shift(const int32_t *plane, int8_t *out,           \
                                                                       const int8_t *weights, const int32_t *shape, \
                                                                       int32_t across, const int32_t *parameters) { \
    for (int32_t a = 0; a < across; ++a) {                                                                          \
      for (int32_t l = 0; l < shape[8]; ++l) {                                                                      \
        const int32_t sum = tvm_tiny_depthwise_sum_s##stride(plane, weights, shape, parameters[0], a, l);           \
        out[a * shape[2] + l * shape[1]] = (int8_t)tvm_tiny_requantize_high(sum, parameters[1], 0, shift);          \
      }                                                                                                             \
    }                                                                                                               \
  }
#define TVM_TINY_DEPTHWISE_SUMS(stride)                                                                        \
  static TVM_TINY_KERNEL void tvm_tiny_depthwise_s##stride##_sums(const int32_t *plane, int32_t *sums,         \
                                                                  const int8_t *weights, const int32_t *shape, \
                                                                  int32_t across, const int32_t *parameters) { \
    for (int32_t a = 0; a < across; ++a) {                                                                     \
      for (int32_t l = 0; l < shape[8]; ++l) {                                                                 \
        sums[(a * shape[2] + l * shape[1]) / 4] =                                                              \
            tvm_tiny_depthwise_sum_s##stride(plane, weights, shape, parameters[0], a, l);                      \
      }                                                                                                        \
    }                                                                                                          \
  }
#endif

/* Says in the nine words of ``shape`` what the kernels of a stride must know of a layer: outputs along a row, at least
 * two, the steps in bytes from row to row and in a row of outputs, the padding, and whether they store sums (1) or
 * outputs (0). */
static TVM_TINY_KERNEL void tvm_tiny_depthwise_shape(int32_t *shape, int32_t stride, int32_t along, int32_t across_step,
                                                     int32_t along_step, int32_t padding, int32_t sums) {
#if TVM_TINY_DSP
  /* Steps of the loop in a row, turns of six, steps left out of the first turn; bytes of code of a step, without what
   * every other one has more. */
  const int32_t steps = along - ((stride == 1) ? 2 : 1);
  const int32_t turns = steps / 6 + 1;
  const int32_t skip = 6 * turns - steps;
  const int32_t bytes = ((stride == 1) ? 44 : 48) - 8 * sums;
  shape[0] = (stride == 1) ? (4 - 4 * TVM_TINY_COLUMN_S1 * along) : (8 - 4 * TVM_TINY_COLUMN_S2 * (along + 1));
  shape[1] = along_step;
  shape[2] = ((stride == 1) ? 2 : 1) * across_step - (steps + skip % 2) * along_step;
  shape[3] = turns * 0x10000;
  shape[4] = 40 * (skip % ((stride == 1) ? 3 : 2)) + 1;
  shape[5] = (bytes + 2) * skip - 2 * (skip % 2) + 1;
  shape[6] = -(skip % 2) * along_step;
  shape[7] = tvm_tiny_pack_s16x2(padding, padding);
  shape[8] = across_step;
#else
  (void)stride;
  (void)sums;
  shape[1] = along_step;
  shape[2] = across_step;
  shape[7] = tvm_tiny_pack_s16x2(padding, padding);
  shape[8] = along;
#endif
}

/* One channel of a band with stride 1 and a padding of one on all sides: for a < across and l < along,
 *
 *   out[a * across_step + l * along_step] = ((begin + 256 * sum of weight (i, j) * input (a + i, l + j))
 *                                            * multiplier) >> (32 + shift), saturated to int8
 *
 * Its weights are (0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1), (2, 2) with i across and j along. */
TVM_TINY_DEPTHWISE_OUTPUTS(1, 12)
TVM_TINY_DEPTHWISE_OUTPUTS(1, 15)
TVM_TINY_DEPTHWISE_OUTPUTS(1, 9)
TVM_TINY_DEPTHWISE_OUTPUTS(1, 6)

/* The same with stride 2 and any padding: input (2 * a + i, 2 * l + j), and the weights (0, 0), (1, 0), (0, 1), (1, 1),
 * (2, 0), (0, 2), (2, 1), (1, 2), (2, 2). */
TVM_TINY_DEPTHWISE_OUTPUTS(2, 12)
TVM_TINY_DEPTHWISE_OUTPUTS(2, 15)
TVM_TINY_DEPTHWISE_OUTPUTS(2, 9)
TVM_TINY_DEPTHWISE_OUTPUTS(2, 6)

/* The sums alone, as int32; steps are in bytes. */
TVM_TINY_DEPTHWISE_SUMS(1)
TVM_TINY_DEPTHWISE_SUMS(2)

#if TVM_TINY_DSP
#pragma GCC diagnostic pop
#endif

#endif /* TVM_TINY_RUNTIME_DSP_DEPTHWISE_H_ */
