/* SPDX-License-Identifier: Apache-2.0
 *
 * Gathers the inputs of one channel as words of two 16-bit lanes, for the depthwise kernels of cores with the DSP
 * extension (dsp_depthwise.h); each function has a portable twin.
 *
 * The words of a plane lie column by column: the word below is the next one in memory, the word to the right 5 or 9
 * words on. The loops make eight words of a row to a turn and are entered in their midst, so that nothing is left over:
 * the code of every word has the same length. */
#ifndef TVM_TINY_RUNTIME_DSP_GATHER_H_
#define TVM_TINY_RUNTIME_DSP_GATHER_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/dsp.h"

/* Words of a column of a plane, with stride 1 and 2. */
#define TVM_TINY_COLUMN_S1 5
#define TVM_TINY_COLUMN_S2 9

/* Two values as 16-bit lanes, the first in the lower one. */
static inline int32_t tvm_tiny_pack_s16x2(int32_t low, int32_t high) {
#if TVM_TINY_DSP
  int32_t lanes;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(lanes) : "r"(low), "r"(high));
  return lanes;
#else
  const uint32_t lanes = ((uint32_t)low & 0xFFFFu) | ((uint32_t)high << 16);
  return (int32_t)lanes;
#endif
}

/* Lane 0 or 1 of a word. */
static inline int32_t tvm_tiny_lane_s16(int32_t lanes, int32_t which) {
  return (which == 0) ? (int32_t)(int16_t)(uint16_t)((uint32_t)lanes & 0xFFFFu) : (lanes >> 16);
}

/* words[c * pitch + r] = value, for r < rows and c < columns. */
static TVM_TINY_KERNEL void tvm_tiny_fill_words(int32_t *words, int32_t value, int32_t rows, int32_t columns,
                                                int32_t pitch) {
  if (rows <= 0) {
    return;
  }
  for (int32_t c = 0; c < columns; ++c) {
    for (int32_t r = 0; r < rows; ++r) {
      words[c * pitch + r] = value;
    }
  }
}

#if TVM_TINY_DSP
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* they are in registers and on the stack */
/* clang-format off */

/* Word n of a turn is n steps behind its first: r3 is one step, r4 three, r5 five, r6 seven. */
#define TVM_TINY_GATHER_TURN(word, bytes) \
  word("", bytes) word(", r3", bytes) word(", r3, lsl #1", bytes) word(", r4", bytes) \
  word(", r3, lsl #2", bytes) word(", r5", bytes) word(", r4, lsl #1", bytes) word(", r6", bytes)
#define TVM_TINY_GATHER_STEPS "add r4, r3, r3, lsl #1\n\tadd r5, r3, r3, lsl #2\n\trsb r6, r3, r3, lsl #3\n\t"

/* One word: 16 or 12 bytes of code. */
#define TVM_TINY_GATHER_BOTH(at, bytes) \
  "ldrsb.w r12, [r1" at "]\n\tldrsb.w lr, [r2" at "]\n\tpkhbt r12, r12, lr, lsl #16\n\tstr.w r12, [r0], #" bytes "\n\t"
#define TVM_TINY_GATHER_LOW(at, bytes) \
  "ldrsb.w r12, [r1" at "]\n\tpkhbt r12, r12, r2, lsl #16\n\tstr.w r12, [r0], #" bytes "\n\t"
#define TVM_TINY_GATHER_HIGH(at, bytes) \
  "ldrsb.w r12, [r1" at "]\n\tpkhbt r12, r2, r12, lsl #16\n\tstr.w r12, [r0], #" bytes "\n\t"

/* ``back``: r11 = bytes from the end of a row of r7 words to the start of the next. r7: where a row's first turn is
 * entered; r8: turns but one, twice, the upper half counts; r9: from the end of a row of inputs to the next one; r10
 * counts the rows. */
#define TVM_TINY_GATHER_ROWS(back, bytes) \
  "push {r4-r11, lr}\n\tldrd r7, r10, [sp, #36]\n\tldr r9, [sp, #44]\n\t" TVM_TINY_GATHER_STEPS back \
  "lsl r11, r11, #2\n\tsub r11, r11, #4\n\tadd r8, r7, #7\n\tlsr r8, r8, #3\n\trsb r12, r7, r8, lsl #3\n\t" \
  "mls r1, r12, r3, r1\n\tmls r2, r12, r3, r2\n\tmul lr, r8, r3\n\tsub r9, r9, lr, lsl #3\n\t" \
  "adr.w r7, 2f\n\tadd r7, r7, r12, lsl #4\n\tsub r8, r8, #1\n\t" \
  "1:\n\tpkhbt r8, r8, r8, lsl #16\n\tmov pc, r7\n\t.balign 4\n\t" \
  "2:\n\t" TVM_TINY_GATHER_TURN(TVM_TINY_GATHER_BOTH, bytes) \
  "add r1, r1, r3, lsl #3\n\tadd r2, r2, r3, lsl #3\n\tsubs r8, r8, #0x10000\n\tbpl 2b\n\t" \
  "sub r0, r0, r11\n\tadd r1, r1, r9\n\tadd r2, r2, r9\n\tsubs r10, r10, #1\n\tbne 1b\n\tpop {r4-r11, pc}\n\t"

/* r7 counts the turns. */
#define TVM_TINY_GATHER_ROW(word) \
  "push {r4-r8}\n\tldr r12, [sp, #20]\n\t" TVM_TINY_GATHER_STEPS \
  "add r7, r12, #7\n\tlsr r7, r7, #3\n\trsb r12, r12, r7, lsl #3\n\tmls r1, r12, r3, r1\n\t" \
  "add r12, r12, r12, lsl #1\n\tadr.w r8, 2f\n\tadd r8, r8, r12, lsl #2\n\tmov pc, r8\n\t.balign 4\n\t" \
  "2:\n\t" TVM_TINY_GATHER_TURN(word, "20") \
  "add r1, r1, r3, lsl #3\n\tsubs r7, r7, #1\n\tbne 2b\n\tpop {r4-r8}\n\tbx lr\n\t"
/* clang-format on */
#endif

/* words[pitch * n + row] = lanes low[n * step] and high[n * step], for n < count and row < rows, where low and high
 * move on by ``advance`` from row to row; count > 0, rows > 0. The pitch is that of stride 1. */
#if TVM_TINY_DSP
static TVM_TINY_NAKED void tvm_tiny_gather_rows_s1(int32_t *words, const int8_t *low, const int8_t *high, int32_t step,
                                                   int32_t count, int32_t rows, int32_t advance) {
  __asm__(TVM_TINY_GATHER_ROWS("add r11, r7, r7, lsl #2\n\t", "20"));
}
#else
static inline void tvm_tiny_gather_rows_s1(int32_t *words, const int8_t *low, const int8_t *high, int32_t step,
                                           int32_t count, int32_t rows, int32_t advance) {
  for (int32_t row = 0; row < rows; ++row) {
    for (int32_t n = 0; n < count; ++n) {
      words[TVM_TINY_COLUMN_S1 * n + row] =
          tvm_tiny_pack_s16x2(low[row * advance + n * step], high[row * advance + n * step]);
    }
  }
}
#endif

/* The same with the pitch of stride 2. */
#if TVM_TINY_DSP
static TVM_TINY_NAKED void tvm_tiny_gather_rows_s2(int32_t *words, const int8_t *low, const int8_t *high, int32_t step,
                                                   int32_t count, int32_t rows, int32_t advance) {
  __asm__(TVM_TINY_GATHER_ROWS("add r11, r7, r7, lsl #3\n\t", "36"));
}
#else
static inline void tvm_tiny_gather_rows_s2(int32_t *words, const int8_t *low, const int8_t *high, int32_t step,
                                           int32_t count, int32_t rows, int32_t advance) {
  for (int32_t row = 0; row < rows; ++row) {
    for (int32_t n = 0; n < count; ++n) {
      words[TVM_TINY_COLUMN_S2 * n + row] =
          tvm_tiny_pack_s16x2(low[row * advance + n * step], high[row * advance + n * step]);
    }
  }
}
#endif

/* words[pitch * n] = lanes x[n * step] and other, for n < count; count > 0. The pitch is that of stride 1. */
#if TVM_TINY_DSP
static TVM_TINY_NAKED void tvm_tiny_gather_low_s1(int32_t *words, const int8_t *x, int32_t other, int32_t step,
                                                  int32_t count) {
  __asm__(TVM_TINY_GATHER_ROW(TVM_TINY_GATHER_LOW));
}
#else
static inline void tvm_tiny_gather_low_s1(int32_t *words, const int8_t *x, int32_t other, int32_t step, int32_t count) {
  for (int32_t n = 0; n < count; ++n) {
    words[TVM_TINY_COLUMN_S1 * n] = tvm_tiny_pack_s16x2(x[n * step], other);
  }
}
#endif

/* words[pitch * n] = lanes other and x[n * step], for n < count; count > 0. The pitch is that of stride 1. */
#if TVM_TINY_DSP
static TVM_TINY_NAKED void tvm_tiny_gather_high_s1(int32_t *words, const int8_t *x, int32_t other, int32_t step,
                                                   int32_t count) {
  __asm__(TVM_TINY_GATHER_ROW(TVM_TINY_GATHER_HIGH));
}
#else
static inline void tvm_tiny_gather_high_s1(int32_t *words, const int8_t *x, int32_t other, int32_t step,
                                           int32_t count) {
  for (int32_t n = 0; n < count; ++n) {
    words[TVM_TINY_COLUMN_S1 * n] = tvm_tiny_pack_s16x2(other, x[n * step]);
  }
}
#endif

#if TVM_TINY_DSP
#pragma GCC diagnostic pop
#endif

#endif /* TVM_TINY_RUNTIME_DSP_GATHER_H_ */
