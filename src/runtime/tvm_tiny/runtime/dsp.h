/* SPDX-License-Identifier: Apache-2.0
 *
 * Inner loops for cores with the DSP extension (Cortex-M4, M7, M33), each with a portable twin.
 *
 * A word w of four int8 weights is read in two ways: as two 16-bit lanes, stored so that each is 256 * w_even + w_odd,
 * and as SXTB16(w), its lower bytes, w_odd. Against the lanes x_even and 256 * x_odd - x_even + 127 of the inputs the
 * two products add up to 256 * (sum of x * w) + 127 * sum of w_odd: one instruction unpacks four weights instead of
 * two, and another one makes the second lanes of a word of inputs, whose bytes are x_even and x_odd: XOR with
 * 0x007F007F. The accumulators are 256 times the sum, modulo 2^32; what is too much in them is a constant of the
 * channel.
 *
 * A lane cannot hold -128 for w_even with a negative w_odd. Where that occurs, w_odd is stored plus 128 and unpacked
 * by UXTB16 ("is_signed" is 0); then 256 * 128 * sum of x_odd are too much as well, one sum of the inputs that all
 * channels share. */
#ifndef TVM_TINY_RUNTIME_DSP_H_
#define TVM_TINY_RUNTIME_DSP_H_

#include <stdint.h>
#include <string.h>

#include "tvm_tiny/runtime/compiler.h"

#if defined(__ARM_FEATURE_DSP) && (__ARM_FEATURE_DSP == 1) && defined(__GNUC__)
#define TVM_TINY_DSP 1
#else
#define TVM_TINY_DSP 0
#endif

/* Four int8 values as a word, the first in the lowest byte. */
static inline uint32_t tvm_tiny_load_s8x4(const int8_t *x) {
  uint32_t word;
  (void)memcpy(&word, x, sizeof word);
  return word;
}

/* The same from the first of four neighbours in memory. */
#define TVM_TINY_LOAD_S8X4(first) tvm_tiny_load_s8x4(&(first))

static inline uint32_t tvm_tiny_pack_s8x4(int32_t a, int32_t b, int32_t c, int32_t d) {
  return ((uint32_t)a & 0xFFu) | (((uint32_t)b & 0xFFu) << 8) | (((uint32_t)c & 0xFFu) << 16) | ((uint32_t)d << 24);
}

static inline int32_t tvm_tiny_wrapping_add(int32_t a, int32_t b) {
  const uint32_t sum = (uint32_t)a + (uint32_t)b;
  return (int32_t)sum;
}

/* Bytes 0 and 2 of x as 16-bit lanes. */
static inline int32_t tvm_tiny_even_lanes(uint32_t x) {
#if TVM_TINY_DSP
  int32_t lanes;
  __asm__("sxtb16 %0, %1" : "=r"(lanes) : "r"(x));
  return lanes;
#else
  const uint32_t low = (uint32_t)(int32_t)(int8_t)(uint8_t)(x & 0xFFu) & 0xFFFFu;
  const uint32_t lanes = low | ((uint32_t)(int32_t)(int8_t)(uint8_t)((x >> 16) & 0xFFu) << 16);
  return (int32_t)lanes;
#endif
}

/* 256 * odd byte - even byte + 127, as 16-bit lanes: always fits. */
static inline int32_t tvm_tiny_odd_lanes(uint32_t x) {
  const uint32_t lanes = x ^ 0x007F007Fu;
  return (int32_t)lanes;
}

/* acc + a.low * b.low + a.high * b.high on signed 16-bit lanes, modulo 2^32. */
static inline int32_t tvm_tiny_smlad(int32_t a, int32_t b, int32_t acc) {
#if TVM_TINY_DSP
  int32_t sum;
  __asm__("smlad %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(acc));
  return sum;
#else
  const int32_t low = (int32_t)(int16_t)(uint16_t)((uint32_t)a & 0xFFFFu) * (int16_t)(uint16_t)((uint32_t)b & 0xFFFFu);
  const int32_t high = (int32_t)(int16_t)(uint16_t)((uint32_t)a >> 16) * (int16_t)(uint16_t)((uint32_t)b >> 16);
  const uint32_t sum = (uint32_t)acc + (uint32_t)low + (uint32_t)high;
  return (int32_t)sum;
#endif
}

/* One weight word against the even and odd lanes of four inputs. */
static inline int32_t tvm_tiny_dot_s8x4(int32_t even, int32_t odd, int32_t weights, int32_t acc) {
  return tvm_tiny_smlad(odd, tvm_tiny_even_lanes((uint32_t)weights), tvm_tiny_smlad(even, weights, acc));
}

/* The same for weights whose odd ones are stored plus 128. */
static inline int32_t tvm_tiny_dot_u8x4(int32_t even, int32_t odd, int32_t weights, int32_t acc) {
  const uint32_t unpacked = (uint32_t)weights & 0x00FF00FFu;
  return tvm_tiny_smlad(odd, (int32_t)unpacked, tvm_tiny_smlad(even, weights, acc));
}

static inline int32_t tvm_tiny_dot_x8x4(int32_t even, int32_t odd, int32_t weights, int32_t acc, int32_t is_signed) {
  return (is_signed != 0) ? tvm_tiny_dot_s8x4(even, odd, weights, acc) : tvm_tiny_dot_u8x4(even, odd, weights, acc);
}

/* 256 * sum of x_odd, from the even and the odd lanes of four inputs; each call leaves 254 too much. */
static inline int32_t tvm_tiny_sum_odd(int32_t even, int32_t odd, int32_t acc) {
  return tvm_tiny_smlad(even, 0x00010001, tvm_tiny_smlad(odd, 0x00010001, acc));
}

/* -128 * x, modulo 2^32. */
static inline int32_t tvm_tiny_minus_128(int32_t x) {
  const uint32_t times_128 = (uint32_t)x << 7;
  const uint32_t negated = 0u - times_128;
  return (int32_t)negated;
}

/* offset, less unit where acc is negative. */
static inline int32_t tvm_tiny_less_if_negative(int32_t offset, int32_t unit, int32_t acc) {
  /* cppcheck-suppress shiftTooManyBitsSigned ; an arithmetic shift, as integer.h demands */
  return offset - (unit & (acc >> 31));
}

/* The high word of acc * multiplier, plus offset. */
static inline int32_t tvm_tiny_high_word(int32_t acc, int32_t multiplier, int32_t offset) {
#if TVM_TINY_DSP
  int32_t high;
  __asm__("smmla %0, %1, %2, %3" : "=r"(high) : "r"(acc), "r"(multiplier), "r"(offset));
  return high;
#else
  const int64_t product = (int64_t)acc * multiplier;
  return (int32_t)((uint32_t)(uint64_t)(product >> 32) + (uint32_t)offset);
#endif
}

static inline int32_t tvm_tiny_saturate_s8(int32_t x) {
#if TVM_TINY_DSP
  int32_t held;
  __asm__("ssat %0, #8, %1" : "=r"(held) : "r"(x));
  return held;
#else
  return (x < -128) ? -128 : ((x > 127) ? 127 : x);
#endif
}

/* acc * multiplier / 2^32 + offset, an arithmetic shift to the right, saturated to int8. */
static inline TVM_TINY_ALWAYS_INLINE int32_t tvm_tiny_requantize_high(int32_t acc, int32_t multiplier, int32_t offset,
                                                                      int32_t shift) {
#if TVM_TINY_DSP && defined(__OPTIMIZE__)
  if (__builtin_constant_p(shift) && (shift > 0)) {
    int32_t held;
    __asm__("ssat %0, #8, %1, asr %2" : "=r"(held) : "r"(tvm_tiny_high_word(acc, multiplier, offset)), "i"(shift));
    return held;
  }
#endif
  return tvm_tiny_saturate_s8(tvm_tiny_high_word(acc, multiplier, offset) >> shift);
}

/* ---- Blocks of accumulators. ``unroll`` divides ``words``; both and ``is_signed`` are constants.
 *
 * The accumulators live in registers that are named here, so that the compiler has no choice to make among all
 * fourteen. */

#if TVM_TINY_DSP
#define TVM_TINY_STEPS(step, loop) "1:\n\t.rept %c[unroll]\n\t" step ".endr\n\t" loop

/* The odd weights of two words, in place. */
#define TVM_TINY_UNPACK_ODD(a, b)                                \
  ".if %c[is_signed]\n\tsxtb16 " a ", " a "\n\tsxtb16 " b ", " b \
  "\n\t"                                                         \
  ".else\n\tuxtb16 " a ", " a "\n\tuxtb16 " b ", " b "\n\t.endif\n\t"

#define TVM_TINY_STEP_3X2 \
  "ldrd r3, r10, [%[w]], #8\n\t"                                  \
  "ldm %[x]!, {r0, r1, r2}\n\t"                                   \
  "smlad %[a0], r0, r3, %[a0]\n\tsmlad %[a3], r0, r10, %[a3]\n\t" \
  "smlad %[a1], r1, r3, %[a1]\n\tsmlad %[a4], r1, r10, %[a4]\n\t" \
  "smlad %[a2], r2, r3, %[a2]\n\tsmlad %[a5], r2, r10, %[a5]\n\t" \
  TVM_TINY_UNPACK_ODD("r3", "r10")                                \
  "ldm %[x]!, {r0, r1, r2}\n\t"                                   \
  "smlad %[a0], r0, r3, %[a0]\n\tsmlad %[a3], r0, r10, %[a3]\n\t" \
  "smlad %[a1], r1, r3, %[a1]\n\tsmlad %[a4], r1, r10, %[a4]\n\t" \
  "smlad %[a2], r2, r3, %[a2]\n\tsmlad %[a5], r2, r10, %[a5]\n\t"
#endif

/* acc[channel * 3 + pixel] += weights of the channel . inputs of the pixel, for 3 pixels and 2 channels, over 4 * words
 * values. x: for every 4 values, the even lanes of the three pixels, then their odd lanes; w: for every 4, a word of
 * each channel. */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_dot_3x2(int32_t *acc, const int32_t *x, const int32_t *w,
                                                           int32_t words, int32_t unroll, int32_t is_signed) {
#if TVM_TINY_DSP
  register int32_t a0 __asm__("r4") = acc[0];
  register int32_t a1 __asm__("r5") = acc[1];
  register int32_t a2 __asm__("r6") = acc[2];
  register int32_t a3 __asm__("r7") = acc[3];
  register int32_t a4 __asm__("r8") = acc[4];
  register int32_t a5 __asm__("r9") = acc[5];
  register const int32_t *xs __asm__("lr") = x;
  register const int32_t *ws __asm__("r12") = w;
  register const int32_t *end __asm__("r11") = w + 2 * words;
  if (words == unroll) {
    __asm__ volatile(TVM_TINY_STEPS(TVM_TINY_STEP_3X2, "")
                     : [a0] "+r"(a0), [a1] "+r"(a1), [a2] "+r"(a2), [a3] "+r"(a3), [a4] "+r"(a4), [a5] "+r"(a5),
                       [x] "+r"(xs), [w] "+r"(ws)
                     : [unroll] "i"(unroll), [is_signed] "i"(is_signed)
                     : "r0", "r1", "r2", "r3", "r10", "memory");
  } else {
    __asm__ volatile(TVM_TINY_STEPS(TVM_TINY_STEP_3X2, "cmp %[w], %[end]\n\tbne 1b")
                     : [a0] "+r"(a0), [a1] "+r"(a1), [a2] "+r"(a2), [a3] "+r"(a3), [a4] "+r"(a4), [a5] "+r"(a5),
                       [x] "+r"(xs), [w] "+r"(ws)
                     : [end] "r"(end), [unroll] "i"(unroll), [is_signed] "i"(is_signed)
                     : "r0", "r1", "r2", "r3", "r10", "cc", "memory");
  }
  acc[0] = a0;
  acc[1] = a1;
  acc[2] = a2;
  acc[3] = a3;
  acc[4] = a4;
  acc[5] = a5;
#else
  (void)unroll;
  for (int32_t k = 0; k < words; ++k) {
    for (int32_t channel = 0; channel < 2; ++channel) {
      for (int32_t pixel = 0; pixel < 3; ++pixel) {
        int32_t *const sum = &acc[3 * channel + pixel];
        *sum = tvm_tiny_dot_x8x4(x[6 * k + pixel], x[6 * k + 3 + pixel], w[2 * k + channel], *sum, is_signed);
      }
    }
  }
#endif
}

/* The same, one copy for all layers: for weights as they are, and for odd weights that are stored plus 128. */
static TVM_TINY_KERNEL void tvm_tiny_dot_3x2_s8(int32_t *acc, const int32_t *x, const int32_t *w, int32_t words) {
  tvm_tiny_dot_3x2(acc, x, w, words, 1, 1);
}

static TVM_TINY_KERNEL void tvm_tiny_dot_3x2_u8(int32_t *acc, const int32_t *x, const int32_t *w, int32_t words) {
  tvm_tiny_dot_3x2(acc, x, w, words, 1, 0);
}

/* acc[channel * 4 + pixel] += weights of the channel . inputs of the pixel, for 4 pixels and 2 channels, over "rows"
 * runs of 4 * words values. x: for every 4 values of a row, their even and their odd lanes; the next pixel starts
 * "distance" words behind, the next row "pitch" words. w: for every 4 values, a word of each channel. All but the
 * pointers are constants. */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_dot_rows_4x2(int32_t *acc, const int32_t *x, const int32_t *w,
                                                                int32_t rows, int32_t words, int32_t pitch,
                                                                int32_t distance, int32_t unroll, int32_t is_signed) {
#if TVM_TINY_DSP
  register int32_t a0 __asm__("r4") = acc[0];
  register int32_t a1 __asm__("r5") = acc[1];
  register int32_t a2 __asm__("r6") = acc[2];
  register int32_t a3 __asm__("r7") = acc[3];
  register int32_t a4 __asm__("r8") = acc[4];
  register int32_t a5 __asm__("r9") = acc[5];
  register int32_t a6 __asm__("r10") = acc[6];
  register int32_t a7 __asm__("r11") = acc[7];
  register const int32_t *xs __asm__("lr") = x;
  register const int32_t *ws __asm__("r12") = w;
#pragma GCC unroll 1
  for (int32_t row = 0; row < rows; ++row) {
#pragma GCC unroll 1
    for (int32_t turn = 0; turn < words / unroll; ++turn) {
      /* Single loads next to each other overlap, which LDRD does not. */
      __asm__ volatile(
          ".set tvm_tiny_at, 0\n\t.rept %c[unroll]\n\t"
          "ldr r2, [%[w], #tvm_tiny_at]\n\tldr r3, [%[w], #(tvm_tiny_at + 4)]\n\t"
          "ldr r0, [%[x], #tvm_tiny_at]\n\tldr r1, [%[x], #(tvm_tiny_at + %c[d])]\n\t"
          "smlad %[a0], r0, r2, %[a0]\n\tsmlad %[a4], r0, r3, %[a4]\n\t"
          "smlad %[a1], r1, r2, %[a1]\n\tsmlad %[a5], r1, r3, %[a5]\n\t"
          "ldr r0, [%[x], #(tvm_tiny_at + 2 * %c[d])]\n\tldr r1, [%[x], #(tvm_tiny_at + 3 * %c[d])]\n\t"
          "smlad %[a2], r0, r2, %[a2]\n\tsmlad %[a6], r0, r3, %[a6]\n\t"
          "smlad %[a3], r1, r2, %[a3]\n\tsmlad %[a7], r1, r3, %[a7]\n\t" TVM_TINY_UNPACK_ODD("r2", "r3")
          "ldr r0, [%[x], #(tvm_tiny_at + 4)]\n\tldr r1, [%[x], #(tvm_tiny_at + 4 + %c[d])]\n\t"
          "smlad %[a0], r0, r2, %[a0]\n\tsmlad %[a4], r0, r3, %[a4]\n\t"
          "smlad %[a1], r1, r2, %[a1]\n\tsmlad %[a5], r1, r3, %[a5]\n\t"
          "ldr r0, [%[x], #(tvm_tiny_at + 4 + 2 * %c[d])]\n\tldr r1, [%[x], #(tvm_tiny_at + 4 + 3 * %c[d])]\n\t"
          "smlad %[a2], r0, r2, %[a2]\n\tsmlad %[a6], r0, r3, %[a6]\n\t"
          "smlad %[a3], r1, r2, %[a3]\n\tsmlad %[a7], r1, r3, %[a7]\n\t"
          ".set tvm_tiny_at, tvm_tiny_at + 8\n\t.endr\n\t"
          "add %[x], %[x], #(8 * %c[unroll])\n\tadd %[w], %[w], #(8 * %c[unroll])"
          : [a0] "+r"(a0), [a1] "+r"(a1), [a2] "+r"(a2), [a3] "+r"(a3), [a4] "+r"(a4), [a5] "+r"(a5), [a6] "+r"(a6),
            [a7] "+r"(a7), [x] "+r"(xs), [w] "+r"(ws)
          : [unroll] "i"(unroll), [d] "i"(4 * distance), [is_signed] "i"(is_signed)
          : "r0", "r1", "r2", "r3", "memory");
    }
    xs += pitch - 2 * words;
  }
  acc[0] = a0;
  acc[1] = a1;
  acc[2] = a2;
  acc[3] = a3;
  acc[4] = a4;
  acc[5] = a5;
  acc[6] = a6;
  acc[7] = a7;
#else
  (void)unroll;
  for (int32_t row = 0; row < rows; ++row) {
    for (int32_t k = 0; k < words; ++k) {
      for (int32_t channel = 0; channel < 2; ++channel) {
        for (int32_t pixel = 0; pixel < 4; ++pixel) {
          const int32_t *const lanes = &x[row * pitch + pixel * distance + 2 * k];
          int32_t *const sum = &acc[4 * channel + pixel];
          *sum = tvm_tiny_dot_x8x4(lanes[0], lanes[1], w[2 * (row * words + k) + channel], *sum, is_signed);
        }
      }
    }
  }
#endif
}

#endif /* TVM_TINY_RUNTIME_DSP_H_ */
