/* SPDX-License-Identifier: Apache-2.0
 *
 * Four multiply-accumulates in three multiplications, with no weight unpacked, for fully connected layers on cores
 * without SIMD; the kernel has a portable twin.
 *
 * A word holds the weights a, b, c, d of four channels for one input x, one byte each. With A, B, C, D the channels'
 * sums of products, sums of x times the word, its upper half and the word with its bytes reversed are, modulo 2^32,
 *
 *     word = A + 2^8 B + 2^16 C + 2^24 D,    half = C + 2^8 D,    reversed = D + 2^8 C + 2^16 B + 2^24 A
 *
 * so that word - 2^16 half = A + 2^8 B. That gives A and C modulo 2^8; what is missing of A and C, a multiple of 2^8
 * each, is taken by B and D with the other sign, and "reversed" tells both, for sums below 2^22. The bytes are stored
 * plus 128, without a sign; 128 times the sum of the inputs is taken off first. */
#ifndef TVM_TINY_RUNTIME_BYTE_PRODUCTS_H_
#define TVM_TINY_RUNTIME_BYTE_PRODUCTS_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"

/* The kernels take all registers that there are: only an optimising compiler can give them. */
#if defined(__GNUC__) && defined(__thumb__) && defined(__OPTIMIZE__)
#define TVM_TINY_BYTE_PRODUCTS_THUMB 1
#else
#define TVM_TINY_BYTE_PRODUCTS_THUMB 0
#endif

/* sums[0..3] += A, B, C, D. */
static inline void tvm_tiny_add_byte_products(int32_t *sums, uint32_t word, uint32_t half, uint32_t reversed,
                                              uint32_t inputs) {
  const uint32_t excess = inputs << 7;
  const uint32_t cd = half - excess * 0x0101u;
  const uint32_t ab = word - excess * 0x01010101u - (cd << 16);
  const uint32_t a = ab & 0xFFu;
  const uint32_t c = cd & 0xFFu;
  const int32_t b = (int32_t)(ab - a) >> 8;
  const int32_t d = (int32_t)(cd - c) >> 8;
  /* (2^16 - 1) more_c - 2^16 more_a */
  const uint32_t rest = reversed - excess * 0x01010101u - (uint32_t)d - (c << 8) - ((uint32_t)b << 16) - (a << 24);
  const int32_t more_c = -(int32_t)(int16_t)(uint16_t)(rest & 0xFFFFu);
  const int32_t more_a = more_c - ((int32_t)(rest + (uint32_t)more_c) >> 16);
  const uint32_t whole_a = ((uint32_t)more_a << 8) + a;
  const uint32_t whole_c = ((uint32_t)more_c << 8) + c;
  sums[0] += (int32_t)whole_a;
  sums[1] += b - more_a;
  sums[2] += (int32_t)whole_c;
  sums[3] += d - more_c;
}

#if TVM_TINY_BYTE_PRODUCTS_THUMB && defined(__thumb2__)
#define TVM_TINY_BYTE_PRODUCTS_STEP                                                           \
  "ldrsb r2, [%[x]], #1\n\tldm %[w]!, {r0, r1}\n\tadd %[inputs], %[inputs], r2\n\t"           \
  "rev r3, r0\n\tmla %[r0], r3, r2, %[r0]\n\tlsr r3, r0, #16\n\tmla %[h0], r3, r2, %[h0]\n\t" \
  "mla %[w0], r0, r2, %[w0]\n\t"                                                              \
  "rev r3, r1\n\tmla %[r1], r3, r2, %[r1]\n\tlsr r3, r1, #16\n\tmla %[h1], r3, r2, %[h1]\n\t" \
  "mla %[w1], r1, r2, %[w1]\n\t"
#elif TVM_TINY_BYTE_PRODUCTS_THUMB
#define TVM_TINY_BYTE_PRODUCTS_STEP                                                                \
  "ldrsb r2, [r5, r6]\n\tldm r4!, {r0, r1}\n\tadds r7, r7, r2\n\t"                                 \
  "rev r3, r0\n\tmuls r3, r2\n\tadd r8, r3\n\tlsrs r3, r0, #16\n\tmuls r3, r2\n\tadd r9, r3\n\t"   \
  "muls r0, r2\n\tadd r10, r0\n\t"                                                                 \
  "rev r3, r1\n\tmuls r3, r2\n\tadd r11, r3\n\tlsrs r3, r1, #16\n\tmuls r3, r2\n\tadd r12, r3\n\t" \
  "muls r1, r2\n\tadd lr, r1\n\tadds r6, #1\n\t"
#endif

/* acc[channel] += weights of the channel . inputs, for 8 channels. w: for every input, a byte of each channel, plus
 * 128; it lies on a word. */
static TVM_TINY_KERNEL void tvm_tiny_byte_products_8(int32_t *acc, const int8_t *x, const uint8_t *w, int32_t depth) {
#if TVM_TINY_BYTE_PRODUCTS_THUMB && defined(__thumb2__)
  uint32_t w0 = 0;
  uint32_t h0 = 0;
  uint32_t r0 = 0;
  uint32_t w1 = 0;
  uint32_t h1 = 0;
  uint32_t r1 = 0;
  uint32_t inputs = 0;
  const int8_t *const end = x + depth;
  __asm__ volatile("1:\n\t" TVM_TINY_BYTE_PRODUCTS_STEP "cmp %[x], %[end]\n\tbne 1b"
                   : [w0] "+r"(w0), [h0] "+r"(h0), [r0] "+r"(r0), [w1] "+r"(w1), [h1] "+r"(h1), [r1] "+r"(r1),
                     [inputs] "+r"(inputs), [x] "+r"(x), [w] "+r"(w)
                   : [end] "r"(end)
                   : "r0", "r1", "r2", "r3", "cc", "memory");
#elif TVM_TINY_BYTE_PRODUCTS_THUMB
  /* r8 to r11 are saved by hand, because a compiler that optimises for size takes them for nobody's. */
  uint32_t sums[7];
  register const uint8_t *ws __asm__("r4") = w;
  register const int8_t *end __asm__("r5") = x + depth;
  register int32_t k __asm__("r6") = -depth;
  register uint32_t *results __asm__("r7") = sums;
  __asm__ volatile(
      ".syntax unified\n\t"
      "mov r0, r8\n\tmov r1, r9\n\tmov r2, r10\n\tmov r3, r11\n\tpush {r0, r1, r2, r3, r7}\n\t"
      "movs r7, #0\n\tmov r8, r7\n\tmov r9, r7\n\tmov r10, r7\n\tmov r11, r7\n\tmov r12, r7\n\tmov lr, r7\n"
      "1:\n\t" TVM_TINY_BYTE_PRODUCTS_STEP
      "bne 1b\n\t"
      "mov r0, r7\n\tldr r7, [sp, #16]\n\t"
      "mov r1, r8\n\tmov r2, r9\n\tmov r3, r10\n\tstm r7!, {r0, r1, r2, r3}\n\t"
      "mov r1, r11\n\tmov r2, r12\n\tmov r3, lr\n\tstm r7!, {r1, r2, r3}\n\t"
      "pop {r0, r1, r2, r3, r7}\n\tmov r8, r0\n\tmov r9, r1\n\tmov r10, r2\n\tmov r11, r3"
      : "+l"(ws), "+l"(k), "+l"(results)
      : "l"(end)
      : "r0", "r1", "r2", "r3", "r12", "lr", "cc", "memory");
  const uint32_t inputs = sums[0];
  const uint32_t r0 = sums[1];
  const uint32_t h0 = sums[2];
  const uint32_t w0 = sums[3];
  const uint32_t r1 = sums[4];
  const uint32_t h1 = sums[5];
  const uint32_t w1 = sums[6];
#else
  uint32_t w0 = 0;
  uint32_t h0 = 0;
  uint32_t r0 = 0;
  uint32_t w1 = 0;
  uint32_t h1 = 0;
  uint32_t r1 = 0;
  uint32_t inputs = 0;
  for (int32_t k = 0; k < depth; ++k) {
    const uint8_t *const bytes = &w[8 * k];
    const uint32_t value = (uint32_t)(int32_t)x[k];
    const uint32_t ab0 = bytes[0] | ((uint32_t)bytes[1] << 8);
    const uint32_t cd0 = bytes[2] | ((uint32_t)bytes[3] << 8);
    const uint32_t ab1 = bytes[4] | ((uint32_t)bytes[5] << 8);
    const uint32_t cd1 = bytes[6] | ((uint32_t)bytes[7] << 8);
    const uint32_t dc0 = bytes[3] | ((uint32_t)bytes[2] << 8);
    const uint32_t ba0 = bytes[1] | ((uint32_t)bytes[0] << 8);
    const uint32_t dc1 = bytes[7] | ((uint32_t)bytes[6] << 8);
    const uint32_t ba1 = bytes[5] | ((uint32_t)bytes[4] << 8);
    inputs += value;
    w0 += value * (ab0 | (cd0 << 16));
    h0 += value * cd0;
    r0 += value * (dc0 | (ba0 << 16));
    w1 += value * (ab1 | (cd1 << 16));
    h1 += value * cd1;
    r1 += value * (dc1 | (ba1 << 16));
  }
#endif
  tvm_tiny_add_byte_products(acc, w0, h0, r0, inputs);
  tvm_tiny_add_byte_products(acc + 4, w1, h1, r1, inputs);
}

#endif /* TVM_TINY_RUNTIME_BYTE_PRODUCTS_H_ */
