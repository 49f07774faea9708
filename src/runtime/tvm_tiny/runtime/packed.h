/* SPDX-License-Identifier: Apache-2.0
 *
 * Three multiply-accumulates in two multiplications, for cores without SIMD; each kernel has a portable twin.
 *
 * Three inputs a, b, c that meet the same weight lie in two words, modulo 2^32:
 *
 *     low = a + 2^21 b,    high = c + 2^10 b
 *
 * Sums of words times weights are then A + 2^21 B and C + 2^10 B with the three sums A, B, C. As long as A, B and C are
 * known to fit 21 bits, nothing is lost: A is the lowest 21 bits of the first word, the rest of which is B modulo 2^11;
 * with that much of B taken off the second word, its lowest 21 bits are C and the rest is what is missing of B. */
#ifndef TVM_TINY_RUNTIME_PACKED_H_
#define TVM_TINY_RUNTIME_PACKED_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"

/* The kernels take all registers that there are: only an optimising compiler can give them. */
#if defined(__GNUC__) && defined(__thumb__) && defined(__OPTIMIZE__)
#define TVM_TINY_PACKED_THUMB 1
#else
#define TVM_TINY_PACKED_THUMB 0
#endif

static inline int32_t tvm_tiny_pack_low(int32_t a, int32_t b) {
  const uint32_t word = (uint32_t)a + ((uint32_t)b << 21);
  return (int32_t)word;
}

static inline int32_t tvm_tiny_pack_high(int32_t b, int32_t c) {
  const uint32_t word = (uint32_t)c + ((uint32_t)b << 10);
  return (int32_t)word;
}

/* The lowest 21 bits, with their sign. */
static inline int32_t tvm_tiny_lowest_21(uint32_t word) {
  return (int32_t)(word << 11) >> 11;
}

/* sums[0] += a, sums[1] += b, sums[2] += c. */
static inline void tvm_tiny_add_unpacked(int32_t *sums, uint32_t low, uint32_t high) {
  const int32_t a = tvm_tiny_lowest_21(low);
  const uint32_t b_low = (low - (uint32_t)a) >> 21;
  const uint32_t rest = high - (b_low << 10);
  const int32_t c = tvm_tiny_lowest_21(rest);
  const int32_t b_high = (int32_t)(rest - (uint32_t)c) >> 21;
  const uint32_t b = ((uint32_t)b_high << 11) + b_low;
  sums[0] += a;
  sums[1] += (int32_t)b;
  sums[2] += c;
}

/* a, b or c (0, 1, 2). */
static inline int32_t tvm_tiny_unpacked(int32_t low, int32_t high, int32_t which) {
  int32_t values[3] = {0, 0, 0};
  tvm_tiny_add_unpacked(values, (uint32_t)low, (uint32_t)high);
  return values[which];
}

#if TVM_TINY_PACKED_THUMB && defined(__thumb2__)
#define TVM_TINY_PACKED_STEP                                 \
  "ldrsb r4, [%[w]], #1\n\t"                                 \
  "ldm %[x]!, {r0, r1, r2, r3}\n\t"                          \
  "mla %[a0], r0, r4, %[a0]\n\tmla %[a1], r1, r4, %[a1]\n\t" \
  "mla %[a2], r2, r4, %[a2]\n\tmla %[a3], r3, r4, %[a3]\n\t"
#elif TVM_TINY_PACKED_THUMB
/* A product takes the place of its input, which is read again for the next channel: so there is nothing to move. */
#define TVM_TINY_PACKED_STEP                                   \
  "ldrsb r4, [r6, r7]\n\tldm r5!, {r0, r1, r2, r3}\n\t"        \
  "muls r0, r4\n\tadd r8, r0\n\tmuls r1, r4\n\tadd r9, r1\n\t" \
  "muls r2, r4\n\tadd r10, r2\n\tmuls r3, r4\n\tadd r11, r3\n\tadds r7, #1\n\t"
/* By hand, because a compiler that optimises for size takes these registers for nobody's. */
#define TVM_TINY_PACKED_SAVE "mov r0, r8\n\tmov r1, r9\n\tmov r2, r10\n\tmov r3, r11\n\tpush {r0, r1, r2, r3}\n\t"
#endif

/* acc[pixel] += weights of a channel . inputs of the pixel, for 6 pixels. x: for every weight, the low and the high
 * word of pixels 0, 1, 2, then those of pixels 3, 4, 5. The sums over this depth fit 21 bits. */
static TVM_TINY_KERNEL void tvm_tiny_packed_dot_6(int32_t *acc, const int32_t *x, const int8_t *w, int32_t depth) {
  uint32_t sums[4];
#if TVM_TINY_PACKED_THUMB && defined(__thumb2__)
  uint32_t a0 = 0;
  uint32_t a1 = 0;
  uint32_t a2 = 0;
  uint32_t a3 = 0;
  const int8_t *const end = w + depth;
  const int8_t *const whole = w + (depth & 7);
  __asm__ volatile(
      "cmp %[w], %[whole]\n\tbeq 2f\n\t"
      "1:\n\t" TVM_TINY_PACKED_STEP
      "cmp %[w], %[whole]\n\tbne 1b\n\t"
      "2:\n\tcmp %[w], %[end]\n\tbeq 4f\n\t"
      "3:\n\t.rept 8\n\t" TVM_TINY_PACKED_STEP
      ".endr\n\t"
      "cmp %[w], %[end]\n\tbne 3b\n\t"
      "4:"
      : [a0] "+r"(a0), [a1] "+r"(a1), [a2] "+r"(a2), [a3] "+r"(a3), [x] "+r"(x), [w] "+r"(w)
      : [whole] "r"(whole), [end] "r"(end)
      : "r0", "r1", "r2", "r3", "r4", "cc", "memory");
  sums[0] = a0;
  sums[1] = a1;
  sums[2] = a2;
  sums[3] = a3;
#elif TVM_TINY_PACKED_THUMB
  const uint32_t eights = (uint32_t)depth & ~7u;
  register uint32_t a0 __asm__("r0");
  register uint32_t a1 __asm__("r1");
  register uint32_t a2 __asm__("r2");
  register uint32_t a3 __asm__("r3");
  register uint32_t whole __asm__("r4") = 0u - eights;
  register const int32_t *xs __asm__("r5") = x;
  register const int8_t *end __asm__("r6") = w + depth;
  register int32_t k __asm__("r7") = -depth;
  __asm__ volatile(".syntax unified\n\t" TVM_TINY_PACKED_SAVE
                   "mov r12, r4\n\tmovs r4, #0\n\tmov r8, r4\n\tmov r9, r4\n\tmov r10, r4\n\tmov r11, r4\n\t"
                   "cmp r7, r12\n\tbeq 2f\n\t"
                   "1:\n\t" TVM_TINY_PACKED_STEP
                   "cmp r7, r12\n\tbne 1b\n\t"
                   "2:\n\tcmp r7, #0\n\tbeq 4f\n\t"
                   "3:\n\t.rept 8\n\t" TVM_TINY_PACKED_STEP
                   ".endr\n\t"
                   "bne 3b\n\t"
                   "4:\n\tpop {r4, r5, r6, r7}\n\t"
                   "mov r0, r8\n\tmov r1, r9\n\tmov r2, r10\n\tmov r3, r11\n\t"
                   "mov r8, r4\n\tmov r9, r5\n\tmov r10, r6\n\tmov r11, r7"
                   : "=l"(a0), "=l"(a1), "=l"(a2), "=l"(a3), "+l"(whole), "+l"(xs), "+l"(end), "+l"(k)
                   :
                   : "r12", "cc", "memory");
  sums[0] = a0;
  sums[1] = a1;
  sums[2] = a2;
  sums[3] = a3;
#else
  for (int32_t word = 0; word < 4; ++word) {
    uint32_t sum = 0;
    for (int32_t k = 0; k < depth; ++k) {
      sum += (uint32_t)x[4 * k + word] * (uint32_t)(int32_t)w[k];
    }
    sums[word] = sum;
  }
#endif
  tvm_tiny_add_unpacked(acc, sums[0], sums[1]);
  tvm_tiny_add_unpacked(acc + 3, sums[2], sums[3]);
}

#endif /* TVM_TINY_RUNTIME_PACKED_H_ */
