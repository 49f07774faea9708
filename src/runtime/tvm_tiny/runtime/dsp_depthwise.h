/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise 3x3 convolution, one channel at a time, for cores with the DSP extension; each kernel has a portable twin.
 *
 * The channel's inputs are first gathered into a "plane" of words with two inputs in each, as 16-bit lanes, padding
 * included. The kernel then runs along the rows of the plane with the filter in registers. A column of inputs is read
 * once: it completes one sum, continues the next, and begins another, which replaces the column in its register; the
 * next column goes where the complete sum was. Weights are taken 256 times, so that the sums are 256 times their value,
 * which the requantisation wants (dsp.h). */
#ifndef TVM_TINY_RUNTIME_DSP_DEPTHWISE_H_
#define TVM_TINY_RUNTIME_DSP_DEPTHWISE_H_

#include <stdint.h>
#include <string.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/dsp.h"
#include "tvm_tiny/runtime/dsp_gather.h"

/* One copy for all layers of a model, whatever their numbers. */
#if defined(__GNUC__) && !defined(__clang__)
#define TVM_TINY_SHARED __attribute__((noinline, noclone))
#else
#define TVM_TINY_SHARED TVM_TINY_NOINLINE
#endif

/* The kernels use all registers in one asm statement, with numbers of the layer in its text: only an optimising
 * compiler can put them there. */
#if TVM_TINY_DSP && defined(__OPTIMIZE__)
#define TVM_TINY_DSP_DEPTHWISE 1
#else
#define TVM_TINY_DSP_DEPTHWISE 0
#endif

#if TVM_TINY_DSP_DEPTHWISE
/* Registers: r0 in the plane, r1 in the output, r4 to r6 pairs of weights, r7 and the lower half of r8 single weights,
 * the upper half of r8 counts, r9 base, r10 multiplier, r11 offset; the others are columns and sums. The plane's end is
 * at [sp]. */

/* rd = rn + by, a number of any size. */
#define TVM_TINY_DW_ADD(rd, rn, by, spare)                                 \
  ".if (" by ") >= 0 && (" by ") < 4096\n\tadd " rd ", " rn ", #(" by      \
  ")\n\t"                                                                  \
  ".elseif (" by ") < 0 && (" by ") > -4096\n\tsub " rd ", " rn ", #-(" by \
  ")\n\t"                                                                  \
  ".else\n\tmovw " spare ", #(" by ") & 0xFFFF\n\tmovt " spare ", #((" by  \
  ") >> 16) & 0xFFFF\n\t"                                                  \
  "add " rd ", " rn ", " spare "\n\t.endif\n\t"

/* Five words of 256 times the weights out of nine bytes. */
#define TVM_TINY_DW_ENTER \
  "push {r4-r11}\n\tmov r9, r3\n\tmov r10, r12\n\tmov r11, lr\n\t" TVM_TINY_DW_ADD("r3", "r0", "%c[end]", "r3")        \
  "push {r3}\n\tldr r4, [r2]\n\tldr r6, [r2, #4]\n\tldrsb r8, [r2, #8]\n\tmov r2, #0xFF00FF00\n\t"                     \
  "and r5, r2, r4\n\tand r4, r2, r4, lsl #8\n\tand r7, r2, r6\n\tand r6, r2, r6, lsl #8\n\tlsl r8, r8, #8\n\t"         \
  ".if %c[skip] > 0\n\tsub r1, r1, #%c[skip] * %c[step]\n\t.endif\n\t"
#define TVM_TINY_DW_LEAVE "add sp, #4\n\tpop {r4-r11}"

/* A complete sum becomes an output, or stays what it is. */
#define TVM_TINY_DW_SCALE(sum) ".if %c[fused]\n\tsmmla " sum ", " sum ", r10, r11\n\t.endif\n\t"
#define TVM_TINY_DW_STORE(sum, at)                                                      \
  ".if %c[fused]\n\tssat " sum ", #8, " sum ", asr %[shift]\n\tstrb " sum ", [r1, #" at \
  " * %c[step]]\n\t"                                                                    \
  ".else\n\tstr " sum ", [r1, #" at " * %c[step]]\n\t.endif\n\t"

/* A loop of ``unroll`` steps, up to six, that is entered at step number ``skip``. */
#define TVM_TINY_DW_TURN(at, step)                               \
  ".if " at " < %c[unroll] && (%c[loops] > 1 || %c[skip] <= " at \
  ")\n\t"                                                        \
  ".if %c[skip] == " at "\n\t3:\n\t.endif\n\t" step ".endif\n\t"
#define TVM_TINY_DW_LOOP(step0, step1, step2, step3, step4, step5) \
  ".if %c[loops] > 1\n\tmovt r8, #%c[loops] - 1\n\t.if %c[skip] > 0\n\tb 3f\n\t.endif\n\t.endif\n\t"                   \
  ".if %c[loops] > 0\n\t2:\n\t" TVM_TINY_DW_TURN("0", step0) TVM_TINY_DW_TURN("1", step1) TVM_TINY_DW_TURN("2", step2) \
  TVM_TINY_DW_TURN("3", step3) TVM_TINY_DW_TURN("4", step4) TVM_TINY_DW_TURN("5", step5)                               \
  "add r1, r1, #%c[unroll] * %c[step]\n\t.if %c[loops] > 1\n\tsubs r8, r8, #0x10000\n\tbpl 2b\n\t.endif\n\t.endif\n\t"

/* Stride 1. The three inputs of a column are in two words: two of them fill one, ``pair``; the third is a lane of the
 * other, r3: the lower one ("b") in even rows of outputs, the upper one ("t") in odd rows. The sums and ``pair`` go
 * around in r12, lr and r2. */
#define TVM_TINY_DW1_BEGIN(pair, lane) \
  "smlad " pair ", " pair ", r4, r9\n\tsmla" lane "b " pair ", r3, r7, " pair "\n\t"
#define TVM_TINY_DW1_CONTINUE(sum, pair, lane) \
  "smlad " sum ", " pair ", r5, " sum "\n\tsmla" lane "t " sum ", r3, r7, " sum "\n\t"
#define TVM_TINY_DW1_COMPLETE(sum, pair, lane) \
  "smlad " sum ", " pair ", r6, " sum "\n\tsmla" lane "b " sum ", r3, r8, " sum "\n\t" TVM_TINY_DW_SCALE(sum)
#define TVM_TINY_DW1_LOAD_b(pair) "ldr " pair ", [r0], #4\n\tldr r3, [r0, %[row]]\n\t"
#define TVM_TINY_DW1_LOAD_t(pair) "ldr r3, [r0], #4\n\tldr " pair ", [r0, %[row]]\n\t"
#define TVM_TINY_DW1_STEP(at, sum, next, pair, lane) \
  TVM_TINY_DW1_COMPLETE(sum, pair, #lane)            \
  TVM_TINY_DW1_CONTINUE(next, pair, #lane)           \
  TVM_TINY_DW1_BEGIN(pair, #lane) TVM_TINY_DW_STORE(sum, at) TVM_TINY_DW1_LOAD_##lane(sum)

/* The padding in r3 begins the first sum of a row, column 1 the second. */
#define TVM_TINY_DW1_BY_ENTRY(first, second, third) \
  ".if %c[skip] %% 3 == 0\n\t" first ".elseif %c[skip] %% 3 == 1\n\t" second ".else\n\t" third ".endif\n\t"
#define TVM_TINY_DW1_PADDING(sum) "smlad " sum ", r3, r4, r9\n\tsmlabb " sum ", r3, r7, " sum "\n\t"
#define TVM_TINY_DW1_COLUMN_1(sum, pair, next, lane)                                                     \
  TVM_TINY_DW1_LOAD_##lane(pair) TVM_TINY_DW1_CONTINUE(sum, pair, #lane) TVM_TINY_DW1_BEGIN(pair, #lane) \
      TVM_TINY_DW1_LOAD_##lane(next)

/* Every other row of outputs. The padding that completes the last sum of a row is also the first column of the next. */
#define TVM_TINY_DW1_ROWS(lane)                                                                                  \
  "ldr r3, [r0], #4\n\t" TVM_TINY_DW1_BY_ENTRY(                                                                  \
      TVM_TINY_DW1_PADDING("r12"), TVM_TINY_DW1_PADDING("lr"),                                                   \
      TVM_TINY_DW1_PADDING("r2")) "1:\n\t" TVM_TINY_DW1_BY_ENTRY(TVM_TINY_DW1_COLUMN_1("r12", "lr", "r2", lane), \
                                                                 TVM_TINY_DW1_COLUMN_1("lr", "r2", "r12", lane), \
                                                                 TVM_TINY_DW1_COLUMN_1("r2", "r12", "lr", lane)) \
      TVM_TINY_DW_LOOP(                                                                                          \
          TVM_TINY_DW1_STEP("0", "r12", "lr", "r2", lane), TVM_TINY_DW1_STEP("1", "lr", "r2", "r12", lane),      \
          TVM_TINY_DW1_STEP("2", "r2", "r12", "lr", lane), TVM_TINY_DW1_STEP("3", "r12", "lr", "r2", lane),      \
          TVM_TINY_DW1_STEP("4", "lr", "r2", "r12", lane), TVM_TINY_DW1_STEP("5", "r2", "r12", "lr", lane))      \
          TVM_TINY_DW1_COMPLETE("r12", "r2", #lane) TVM_TINY_DW1_CONTINUE("lr", "r2", #lane)                     \
              TVM_TINY_DW_STORE("r12", "0") "ldr r3, [r0], #4\n\t" TVM_TINY_DW1_COMPLETE("lr", "r3", "b")        \
                  TVM_TINY_DW_STORE("lr", "1") "ldr r2, [sp]\n\t" TVM_TINY_DW_ADD(                               \
                      "r1", "r1", "%c[turn]",                                                                    \
                      "r12") "cmp r0, r2\n\t" TVM_TINY_DW1_BY_ENTRY(TVM_TINY_DW1_PADDING("r12"),                 \
                                                                    TVM_TINY_DW1_PADDING("lr"),                  \
                                                                    TVM_TINY_DW1_PADDING("r2")) "bne 1b\n\t"

/* From the filter of even rows, over the words k and k + 1 of a column, to that of odd ones, which begins with the
 * upper lane of word k. */
#define TVM_TINY_DW1_BETWEEN \
  TVM_TINY_DW_ADD("r0", "r0", "-(%c[end])", "r3") TVM_TINY_DW_ADD("r1", "r1", "%c[back]", "r3")                        \
  TVM_TINY_DW_ADD("r3", "r0", "%c[end_odd]", "r3") "str r3, [sp]\n\t"                                                  \
  "pkhbt r2, r4, r5, lsl #16\n\tpkhtb r5, r7, r5, asr #16\n\tasr r4, r4, #16\n\tpkhbt r4, r4, r7, lsl #16\n\t"         \
  "asr r3, r6, #16\n\tpkhbt r3, r3, r8, lsl #16\n\tmov r8, r6\n\tmov r6, r3\n\tmov r7, r2\n\t"

/* Stride 2. The words of three rows hold the first two inputs of a sum; the third is the lower lane of the next word.
 * The sum and the first row's word take turns in r2 and lr. */
#define TVM_TINY_DW2_BEGIN(word) \
  "smlad " word ", " word ", r4, r9\n\tsmlad " word ", r3, r5, " word "\n\tsmlad " word ", r12, r6, " word "\n\t"
#define TVM_TINY_DW2_COMPLETE(sum, word)                                                                      \
  "smlabb " sum ", " word ", r7, " sum "\n\tsmlabt " sum ", r3, r7, " sum "\n\tsmlabb " sum ", r12, r8, " sum \
  "\n\t" TVM_TINY_DW_SCALE(sum)
#define TVM_TINY_DW2_LOAD(word) "ldr " word ", [r0], #4\n\tldr r3, [r0, %[row]]\n\tldr r12, [r0, %[row2]]\n\t"
#define TVM_TINY_DW2_STEP(at, sum, word) \
  TVM_TINY_DW2_COMPLETE(sum, word) TVM_TINY_DW2_BEGIN(word) TVM_TINY_DW_STORE(sum, at) TVM_TINY_DW2_LOAD(sum)
#define TVM_TINY_DW2_ROWS                                                                                             \
  "1:\n\t.if %c[skip] & 1\n\t" TVM_TINY_DW2_LOAD("r2") TVM_TINY_DW2_BEGIN("r2")                                       \
      TVM_TINY_DW2_LOAD("lr") ".else\n\t" TVM_TINY_DW2_LOAD("lr") TVM_TINY_DW2_BEGIN("lr") TVM_TINY_DW2_LOAD(         \
          "r2") ".endif\n\t" TVM_TINY_DW_LOOP(TVM_TINY_DW2_STEP("0", "lr", "r2"), TVM_TINY_DW2_STEP("1", "r2", "lr"), \
                                              TVM_TINY_DW2_STEP("2", "lr", "r2"), TVM_TINY_DW2_STEP("3", "r2", "lr"), \
                                              TVM_TINY_DW2_STEP("4", "lr", "r2"), TVM_TINY_DW2_STEP("5", "r2", "lr")) \
          TVM_TINY_DW2_COMPLETE("lr", "r2")                                                                           \
              TVM_TINY_DW_STORE("lr", "0") "ldr r2, [sp]\n\t" TVM_TINY_DW_ADD("r0", "r0", "%c[row] + 4", "r3")        \
                  TVM_TINY_DW_ADD("r1", "r1", "%c[turn]", "r3") "cmp r0, r2\n\tbne 1b\n\t"

/* ``rows``: the kernel; the C variables around it are those of the functions below. */
#define TVM_TINY_DW_RUN(rows, other_end)                                                                          \
  do {                                                                                                            \
    register const int32_t *in __asm__("r0") = plane;                                                             \
    register void *to __asm__("r1") = out;                                                                        \
    register const int8_t *filter __asm__("r2") = weights;                                                        \
    register int32_t first __asm__("r3") = base;                                                                  \
    register int32_t scale __asm__("r12") = multiplier;                                                           \
    register int32_t centre __asm__("lr") = offset;                                                               \
    __asm__ volatile(TVM_TINY_DW_ENTER rows TVM_TINY_DW_LEAVE                                                     \
                     : "+r"(in), "+r"(to), "+r"(filter), "+r"(first), "+r"(scale), "+r"(centre)                   \
                     : [row] "i"(4 * along), [row2] "i"(8 * along + 4), [end] "i"(end), [end_odd] "i"(other_end), \
                       [shift] "i"(shift), [step] "i"(along_step), [unroll] "i"(unroll), [loops] "i"(loops),      \
                       [skip] "i"(skip), [turn] "i"(turn), [odd] "i"(across / 2),                                 \
                       [back] "i"(across_step - (across + 1) / 2 * 2 * across_step), [fused] "i"(fused)           \
                     : "cc", "memory");                                                                           \
  } while (0)
#else
/* What the portable twins do with a sum. */
static inline void tvm_tiny_store_sum(void *to, int32_t sum, int32_t multiplier, int32_t offset, int32_t shift,
                                      int32_t fused) {
  if (fused != 0) {
    *(int8_t *)to = (int8_t)tvm_tiny_requantize_high(sum, multiplier, offset, shift);
  } else {
    (void)memcpy(to, &sum, sizeof sum);
  }
}
#endif

/* The plane of a channel for stride 1: ceil((across + 2) / 2) rows of along + 1 words; word [k][l] has the inputs (2 *
 * k, l) and (2 * k + 1, l) of the image with its padding of one on all sides. What would be column along + 1 is
 * padding, as is column 0. The image's size is that of the output; its element (a, l) is x[a * across_step + l *
 * along_step]. */
static inline void tvm_tiny_depthwise_plane_s1(int32_t *plane, const int8_t *x, int32_t padding, int32_t across,
                                               int32_t along, int32_t across_step, int32_t along_step) {
  const int32_t both = tvm_tiny_pack_s16x2(padding, padding);
  *plane = both;
  tvm_tiny_gather_high_s8(plane + 1, x, padding, along_step, along);
  for (int32_t a = 1; a + 1 < across; a += 2) {
    plane += along + 1;
    x += across_step;
    *plane = both;
    tvm_tiny_gather_s8(plane + 1, x, x + across_step, along_step, along);
    x += across_step;
  }
  plane += along + 1;
  *plane = both;
  if (across % 2 == 0) {
    tvm_tiny_gather_low_s8(plane + 1, x + across_step, padding, along_step, along);
  } else {
    tvm_tiny_fill_s32(plane + 1, both, along);
  }
}

/* The same for stride 2 and any padding: 2 * across + 1 rows of along + 1 words; word [k][l] has the inputs (k, 2 * l)
 * and (k, 2 * l + 1) of the padded image, in which the image of height x width begins at (top, left). */
static inline void tvm_tiny_depthwise_plane_s2(int32_t *plane, const int8_t *x, int32_t padding, int32_t across,
                                               int32_t along, int32_t across_step, int32_t along_step, int32_t height,
                                               int32_t width, int32_t top, int32_t left) {
  const int32_t both = tvm_tiny_pack_s16x2(padding, padding);
  const int32_t rows = 2 * across + 1;
  const int32_t bottom = (top + height < rows) ? (top + height) : rows;
  const int32_t right = (left + width < 2 * along + 1) ? (left + width) : (2 * along + 1);
  const int32_t odd = left % 2;
  const int32_t pairs = (right - left - odd) / 2;
  const int32_t single = (right - left - odd) % 2;
  const int32_t behind = along + 1 - (right + 1) / 2;
  tvm_tiny_fill_s32(plane, both, top * (along + 1));
  plane += top * (along + 1);
  for (int32_t k = top; k < bottom; ++k) {
    const int8_t *from = x;
    tvm_tiny_fill_s32(plane, both, left / 2);
    plane += left / 2;
    if (odd != 0) {
      *plane = tvm_tiny_pack_s16x2(padding, *from);
      ++plane;
      from += along_step;
    }
    if (pairs > 0) {
      tvm_tiny_gather_s8(plane, from, from + along_step, 2 * along_step, pairs);
    }
    plane += pairs;
    if (single != 0) {
      *plane = tvm_tiny_pack_s16x2(from[2 * pairs * along_step], padding);
      ++plane;
    }
    tvm_tiny_fill_s32(plane, both, behind);
    plane += behind;
    x += across_step;
  }
  tvm_tiny_fill_s32(plane, both, (rows - bottom) * (along + 1));
}

/* One channel of a 3x3 convolution with stride 1 and a padding of one on all sides: for a < across and l < along,
 *
 *   base + 256 * sum over i, j of weight (i, j) * input (a + i, l + j)
 *
 * The plane has ceil((across + 2) / 2) rows of along + 1 words; word [k][l] has the inputs (2 * k, l) and (2 * k + 1,
 * l). What would be column along + 1 is padding, as is column 0. The weights are (0, 0), (0, 1), (1, 0), (1, 1), (0,
 * 2), (2, 0), (1, 2), (2, 1), (2, 2).
 *
 * ``fused``: the sum is requantised as by tvm_tiny_requantize_high and stored as int8; otherwise it is stored as int32.
 * Steps of the output are in bytes. What follows ``offset`` are numbers, ``unroll`` 3 or 6; 2 <= along < 1024, unroll *
 * along_step < 4096. */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_depthwise_3x3_s1(void *out, const int32_t *plane,
                                                                    const int8_t *weights, int32_t base,
                                                                    int32_t multiplier, int32_t offset, int32_t across,
                                                                    int32_t along, int32_t across_step,
                                                                    int32_t along_step, int32_t shift, int32_t fused,
                                                                    int32_t unroll) {
#if TVM_TINY_DSP_DEPTHWISE
  const int32_t loops = (along - 2 + unroll - 1) / unroll;
  const int32_t skip = unroll * loops - (along - 2);
  const int32_t turn = 2 * across_step - unroll * loops * along_step;
  const int32_t end = 4 * (1 + (across + 1) / 2 * (along + 1));
  TVM_TINY_DW_RUN(TVM_TINY_DW1_ROWS(b) ".if %c[odd] > 0\n\t" TVM_TINY_DW1_BETWEEN TVM_TINY_DW1_ROWS(t) ".endif\n\t",
                  4 * (1 + across / 2 * (along + 1)));
#else
  static const uint8_t taps[9] = {0, 3, 1, 4, 6, 2, 7, 5, 8}; /* 3 * j + i */
  (void)unroll;
  for (int32_t a = 0; a < across; ++a) {
    for (int32_t l = 0; l < along; ++l) {
      int32_t sum = base;
      for (int32_t tap = 0; tap < 9; ++tap) {
        const int32_t i = a + taps[tap] % 3;
        const int32_t j = (l + taps[tap] / 3) % (along + 1);
        sum += tvm_tiny_lane_s16(plane[i / 2 * (along + 1) + j], i % 2) * weights[tap] * 256;
      }
      tvm_tiny_store_sum((uint8_t *)out + (a * across_step + l * along_step), sum, multiplier, offset, shift, fused);
    }
  }
#endif
}

/* The same with stride 2 and any padding: for a < across and l < along,
 *
 *   base + 256 * sum over i, j of weight (i, j) * input (2 * a + i, 2 * l + j)
 *
 * The plane has 2 * across + 1 rows of along + 1 words; word [k][l] has the inputs (k, 2 * l) and (k, 2 * l + 1). The
 * weights are (0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (2, 1), (1, 2), (2, 2). ``unroll`` is 2, 4 or 6; along <
 * 512, unroll * along_step < 4096. */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_depthwise_3x3_s2(void *out, const int32_t *plane,
                                                                    const int8_t *weights, int32_t base,
                                                                    int32_t multiplier, int32_t offset, int32_t across,
                                                                    int32_t along, int32_t across_step,
                                                                    int32_t along_step, int32_t shift, int32_t fused,
                                                                    int32_t unroll) {
#if TVM_TINY_DSP_DEPTHWISE
  const int32_t loops = (along - 1 + unroll - 1) / unroll;
  const int32_t skip = unroll * loops - (along - 1);
  const int32_t turn = across_step - unroll * loops * along_step;
  const int32_t end = 4 * 2 * across * (along + 1);
  TVM_TINY_DW_RUN(TVM_TINY_DW2_ROWS, 0);
#else
  static const uint8_t taps[9] = {0, 1, 3, 4, 2, 6, 5, 7, 8}; /* 3 * j + i */
  (void)unroll;
  for (int32_t a = 0; a < across; ++a) {
    for (int32_t l = 0; l < along; ++l) {
      int32_t sum = base;
      for (int32_t tap = 0; tap < 9; ++tap) {
        const int32_t i = 2 * a + taps[tap] % 3;
        const int32_t j = 2 * l + taps[tap] / 3;
        sum += tvm_tiny_lane_s16(plane[i * (along + 1) + j / 2], j % 2) * weights[tap] * 256;
      }
      tvm_tiny_store_sum((uint8_t *)out + (a * across_step + l * along_step), sum, multiplier, offset, shift, fused);
    }
  }
#endif
}

#endif /* TVM_TINY_RUNTIME_DSP_DEPTHWISE_H_ */
