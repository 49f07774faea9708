/* SPDX-License-Identifier: Apache-2.0
 *
 * Gathers strided int8 values as words of two 16-bit lanes, for kernels of cores with the DSP extension; each function
 * has a portable twin.
 *
 * The loops make eight words to a turn and are entered in their midst, so that nothing is left over: the code of a word
 * always takes the same number of bytes. */
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
  for (; count >= 4; count -= 4) {
    words[0] = value;
    words[1] = value;
    words[2] = value;
    words[3] = value;
    words += 4;
  }
  for (; count > 0; --count) {
    *words = value;
    ++words;
  }
}

#if TVM_TINY_DSP
/* Word n of a turn is at n times the step: 1, 2, 4, 3, 6, 5 and 7 of it are in registers, some shifted. */
#define TVM_TINY_GATHER_TURN(word)                                                                                     \
  word("") word(", %[step]") word(", %[step], lsl #1") word(", %[step3]") word(", %[step], lsl #2") word(", %[step5]") \
      word(", %[step3], lsl #1") word(", %[step7]")

#define TVM_TINY_GATHER_BOTH(at)                              \
  "ldrsb.w %[a], [%[low]" at "]\n\tldrsb.w %[b], [%[high]" at \
  "]\n\t"                                                     \
  "pkhbt %[a], %[a], %[b], lsl #16\n\tstr.w %[a], [%[words]], #4\n\t"
#define TVM_TINY_GATHER_LOW(at) \
  "ldrsb.w %[a], [%[x]" at "]\n\tpkhbt %[a], %[a], %[other], lsl #16\n\tstr.w %[a], [%[words]], #4\n\t"
#define TVM_TINY_GATHER_HIGH(at) \
  "ldrsb.w %[a], [%[x]" at "]\n\tpkhbt %[a], %[other], %[a], lsl #16\n\tstr.w %[a], [%[words]], #4\n\t"

#define TVM_TINY_GATHER_ENTER(pointer, bytes)        \
  "mls %[" pointer "], %[skip], %[step], %[" pointer \
  "]\n\t"                                            \
  "adr %[a], 1f\n\t" bytes "mov pc, %[a]\n\t.balign 4\n\t1:\n\t"

#define TVM_TINY_GATHER_ONE(word)                                                                                 \
  do {                                                                                                            \
    int32_t a;                                                                                                    \
    int32_t turns = (count + 7) / 8;                                                                              \
    __asm__ volatile(                                                                                             \
        TVM_TINY_GATHER_ENTER("x", "add %[a], %[a], %[skip], lsl #3\n\tadd %[a], %[a], %[skip], lsl #2\n\t")      \
            TVM_TINY_GATHER_TURN(word) "add %[x], %[x], %[step], lsl #3\n\tsubs %[turns], %[turns], #1\n\tbne 1b" \
        : [words] "+&r"(words), [x] "+&r"(x), [turns] "+&r"(turns), [a] "=&r"(a)                                  \
        : [step] "r"(step), [step3] "r"(3 * step), [step5] "r"(5 * step), [step7] "r"(7 * step),                  \
          [skip] "r"(8 * turns - count), [other] "r"(other)                                                       \
        : "cc", "memory");                                                                                        \
  } while (0)
#endif

/* words[n] = lanes low[n * step] and high[n * step], for n < count; count > 0. */
static inline void tvm_tiny_gather_s8(int32_t *words, const int8_t *low, const int8_t *high, int32_t step,
                                      int32_t count) {
#if TVM_TINY_DSP
  int32_t a;
  int32_t b;
  int32_t turns = (count + 7) / 8;
  __asm__ volatile(TVM_TINY_GATHER_ENTER("low", "mls %[high], %[skip], %[step], %[high]\n\tadd %[a], %[a], %[skip], lsl #4\n\t")
                   TVM_TINY_GATHER_TURN(TVM_TINY_GATHER_BOTH)
                   "add %[low], %[low], %[step], lsl #3\n\tadd %[high], %[high], %[step], lsl #3\n\t"
                   "subs %[turns], %[turns], #1\n\tbne 1b"
                   : [words] "+&r"(words), [low] "+&r"(low), [high] "+&r"(high), [turns] "+&r"(turns), [a] "=&r"(a),
                     [b] "=&r"(b)
                   : [step] "r"(step), [step3] "r"(3 * step), [step5] "r"(5 * step), [step7] "r"(7 * step),
                     [skip] "r"(8 * turns - count)
                   : "cc", "memory");
#else
  for (int32_t n = 0; n < count; ++n) {
    words[n] = tvm_tiny_pack_s16x2(low[n * step], high[n * step]);
  }
#endif
}

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

#endif /* TVM_TINY_RUNTIME_DSP_GATHER_H_ */
