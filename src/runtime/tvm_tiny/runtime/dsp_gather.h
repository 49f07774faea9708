/* SPDX-License-Identifier: Apache-2.0
 *
 * Gathers strided int8 values as words of two 16-bit lanes, for kernels of cores with the DSP extension; each function
 * has a portable twin.
 *
 * The loops make eight words to a turn and are entered in their midst, so that nothing is left over: the code of every
 * word has the same length. */
#ifndef TVM_TINY_RUNTIME_DSP_GATHER_H_
#define TVM_TINY_RUNTIME_DSP_GATHER_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/dsp.h"

/* Two values as 16-bit lanes, the first in the lower one. */
static inline int32_t tvm_tiny_pack_s16x2(int32_t low, int32_t high) {
#if TVM_TINY_DSP
  int32_t lanes;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(lanes) : "r"(low), "r"(high));
  return lanes;
#else
  return (int32_t)(((uint32_t)low & 0xFFFFu) | ((uint32_t)high << 16));
#endif
}

/* Lane 0 or 1 of a word. */
static inline int32_t tvm_tiny_lane_s16(int32_t lanes, int32_t which) {
  return (which == 0) ? (int32_t)(int16_t)(uint16_t)((uint32_t)lanes & 0xFFFFu) : (lanes >> 16);
}

/* words[n] = value, for n < count. */
static inline void tvm_tiny_fill_s32(int32_t *words, int32_t value, int32_t count) {
  for (int32_t n = 0; n < count; ++n) {
    words[n] = value;
  }
}

#if TVM_TINY_DSP
/* Word n of a turn lies n steps behind the first: r3 is one step, r4 three, r5 five, r6 seven. */
#define TVM_TINY_GATHER_TURN(word)                                                                               \
  word("") word(", r3") word(", r3, lsl #1") word(", r4") word(", r3, lsl #2") word(", r5") word(", r4, lsl #1") \
      word(", r6")
#define TVM_TINY_GATHER_STEPS "add r4, r3, r3, lsl #1\n\tadd r5, r3, r3, lsl #2\n\trsb r6, r3, r3, lsl #3\n\t"

#define TVM_TINY_GATHER_BOTH(at) \
  "ldrsb.w r12, [r1" at "]\n\tldrsb.w lr, [r2" at "]\n\tpkhbt r12, r12, lr, lsl #16\n\tstr.w r12, [r0], #4\n\t"
#define TVM_TINY_GATHER_LOW(at) "ldrsb.w r12, [r1" at "]\n\tpkhbt r12, r12, r2, lsl #16\n\tstr.w r12, [r0], #4\n\t"
#define TVM_TINY_GATHER_HIGH(at) "ldrsb.w r12, [r1" at "]\n\tpkhbt r12, r2, r12, lsl #16\n\tstr.w r12, [r0], #4\n\t"

/* r8: turns but one, r7: words of a turn that are left out of the first. */
#define TVM_TINY_GATHER_ONE(word)                                                                                     \
  do {                                                                                                                \
    const int32_t turns = (count + 7) / 8;                                                                            \
    register int32_t *to __asm__("r0") = words;                                                                       \
    register const int8_t *from __asm__("r1") = x;                                                                    \
    register int32_t lane __asm__("r2") = other;                                                                      \
    register int32_t by __asm__("r3") = step;                                                                         \
    register int32_t skip __asm__("r12") = 8 * turns - count;                                                         \
    register int32_t rest __asm__("lr") = turns;                                                                      \
    __asm__ volatile("push {r4-r6}\n\t" TVM_TINY_GATHER_STEPS                                                         \
                     "mls r1, r12, r3, r1\n\tadd r12, r12, r12, lsl #1\n\tadr r4, 1f\n\tadd r12, r4, r12, lsl #2\n\t" \
                     "add r4, r3, r3, lsl #1\n\tmov pc, r12\n\t.balign 4\n\t1:\n\t" TVM_TINY_GATHER_TURN(             \
                         word) "add r1, r1, r3, lsl #3\n\tsubs lr, lr, #1\n\tbne 1b\n\tpop {r4-r6}"                   \
                     : "+r"(to), "+r"(from), "+r"(skip), "+r"(rest)                                                   \
                     : "r"(lane), "r"(by)                                                                             \
                     : "cc", "memory");                                                                               \
  } while (0)
#endif

/* words[n] = lanes x[n * step] and other, for n < count; count > 0. */
static inline void tvm_tiny_gather_low_s8(int32_t *words, const int8_t *x, int32_t other, int32_t step, int32_t count) {
#if TVM_TINY_DSP
  TVM_TINY_GATHER_ONE(TVM_TINY_GATHER_LOW);
#else
  for (int32_t n = 0; n < count; ++n) {
    words[n] = tvm_tiny_pack_s16x2(x[n * step], other);
  }
#endif
}

/* words[n] = lanes other and x[n * step], for n < count; count > 0. */
static inline void tvm_tiny_gather_high_s8(int32_t *words, const int8_t *x, int32_t other, int32_t step,
                                           int32_t count) {
#if TVM_TINY_DSP
  TVM_TINY_GATHER_ONE(TVM_TINY_GATHER_HIGH);
#else
  for (int32_t n = 0; n < count; ++n) {
    words[n] = tvm_tiny_pack_s16x2(other, x[n * step]);
  }
#endif
}

/* Rows of ``border`` and ``count`` words, lanes low[n * step] and high[n * step], with ``advance`` from row to row;
 * behind the last one ``border`` again. count > 0, rows > 0. */
static inline void tvm_tiny_gather_rows_s8(int32_t *words, const int8_t *low, const int8_t *high, int32_t step,
                                           int32_t count, int32_t rows, int32_t advance, int32_t border) {
#if TVM_TINY_DSP
  const int32_t turns = (count + 7) / 8;
  const int32_t numbers[5] = {8 * turns - count, turns - 1, advance - 8 * turns * step, rows, border};
  register int32_t *to __asm__("r0") = words;
  register const int8_t *first __asm__("r1") = low;
  register const int8_t *second __asm__("r2") = high;
  register int32_t by __asm__("r3") = step;
  register const int32_t *more __asm__("r12") = numbers;
  /* r7: where a row's first turn is entered, r8: turns but one, twice, the upper half counts; r9: from the end of a row
   * to the next, r10 counts the rows, r11: border. */
  __asm__ volatile(
      "push {r4-r11}\n\tldm r12, {r7-r11}\n\t" TVM_TINY_GATHER_STEPS
      "mls r1, r7, r3, r1\n\tmls r2, r7, r3, r2\n\tadr r12, 2f\n\tadd r7, r12, r7, lsl #4\n\t"
      "1:\n\tstr r11, [r0], #4\n\tpkhbt r8, r8, r8, lsl #16\n\tmov pc, r7\n\t.balign 4\n\t"
      "2:\n\t" TVM_TINY_GATHER_TURN(TVM_TINY_GATHER_BOTH)
      "add r1, r1, r3, lsl #3\n\tadd r2, r2, r3, lsl #3\n\tsubs r8, r8, #0x10000\n\tbpl 2b\n\t"
      "add r1, r1, r9\n\tadd r2, r2, r9\n\tsubs r10, r10, #1\n\tbne 1b\n\tstr r11, [r0]\n\tpop {r4-r11}"
      : "+r"(to), "+r"(first), "+r"(second), "+r"(more)
      : "r"(by), "m"(numbers)
      : "lr", "cc", "memory");
#else
  for (int32_t row = 0; row < rows; ++row) {
    *words = border;
    ++words;
    for (int32_t n = 0; n < count; ++n) {
      words[n] = tvm_tiny_pack_s16x2(low[n * step], high[n * step]);
    }
    words += count;
    low += advance;
    high += advance;
  }
  *words = border;
#endif
}

#endif /* TVM_TINY_RUNTIME_DSP_GATHER_H_ */
