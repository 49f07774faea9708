/* SPDX-License-Identifier: Apache-2.0
 *
 * Fully connected layers on cores with the DSP extension: the inputs are read as they lie in memory and unpacked once
 * for eight channels, so that nothing is kept but the accumulators. dsp.h tells the arithmetic; the kernel has a
 * portable twin. */
#ifndef TVM_TINY_RUNTIME_DSP_DENSE_H_
#define TVM_TINY_RUNTIME_DSP_DENSE_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/dsp.h"

/* The kernel takes all registers that there are: only an optimising compiler can give them. */
#if TVM_TINY_DSP && defined(__OPTIMIZE__)
#define TVM_TINY_DSP_DENSE 1
#else
#define TVM_TINY_DSP_DENSE 0
#endif

#if TVM_TINY_DSP_DENSE
/* A word of weights in r2 and one in r3, against the even lanes r12 and the odd lanes lr of four inputs. */
#define TVM_TINY_DENSE_PAIR(unpack, a, b)                                                                            \
  "smlad " a ", r12, r2, " a "\n\tsmlad " b ", r12, r3, " b "\n\t" unpack " r2, r2\n\t" unpack " r3, r3\n\tsmlad " a \
  ", lr, r2, " a "\n\tsmlad " b ", lr, r3, " b "\n\t"

/* Four inputs at r1, eight words of weights at r0 + 8. */
#define TVM_TINY_DENSE_STEP(unpack) \
  "ldr lr, [r1], #4\n\tldr r2, [r0, #8]\n\tldr r3, [r0, #12]\n\t"                    \
  "sxtb16 r12, lr\n\teor lr, lr, #0x007F007F\n\t"                                    \
  TVM_TINY_DENSE_PAIR(unpack, "r4", "r5")                                            \
  "ldrd r2, r3, [r0, #16]\n\t" TVM_TINY_DENSE_PAIR(unpack, "r6", "r7")               \
  "ldrd r2, r3, [r0, #24]\n\t" TVM_TINY_DENSE_PAIR(unpack, "r8", "r9")               \
  "ldrd r2, r3, [r0, #32]!\n\t" TVM_TINY_DENSE_PAIR(unpack, "r10", "r11")

/* Single words up to a multiple of 16, then 16 to a turn. On the stack: acc, x, where the turns of 16 begin, start, the
 * blocks left, and the end of x. */
#define TVM_TINY_DENSE_RUN(unpack) \
  __asm__ volatile(                                                                                                    \
      "add r6, r1, r3, lsl #2\n\tand r3, r3, #15\n\tadd r3, r1, r3, lsl #2\n\tpush {r0, r1, r3, r4, r5, r6}\n\t"       \
      "sub r0, r2, #8\n"                                                                                               \
      "0:\n\tldr r2, [sp, #12]\n\tldm r2!, {r4, r5, r6, r7, r8, r9, r10, r11}\n\tstr r2, [sp, #12]\n\t"                \
      "ldr r1, [sp, #4]\n\tldr r2, [sp, #8]\n\tcmp r1, r2\n\tbeq 2f\n"                                                 \
      "1:\n\t" TVM_TINY_DENSE_STEP(unpack) "ldr r2, [sp, #8]\n\tcmp r1, r2\n\tbne 1b\n"                                \
      "2:\n\tldr r2, [sp, #20]\n\tcmp r1, r2\n\tbeq 4f\n"                                                              \
      "3:\n\t.rept 16\n\t" TVM_TINY_DENSE_STEP(unpack) ".endr\n\tldr r2, [sp, #20]\n\tcmp r1, r2\n\tbne 3b\n"          \
      "4:\n\tldr r2, [sp]\n\tstm r2!, {r4, r5, r6, r7, r8, r9, r10, r11}\n\tstr r2, [sp]\n\t"                          \
      "ldr r2, [sp, #16]\n\tsubs r2, r2, #1\n\tstr r2, [sp, #16]\n\tbne 0b\n\tadd sp, sp, #24"                         \
      : "+r"(sums), "+r"(xs), "+r"(ws), "+r"(count), "+r"(from), "+r"(left)                                            \
      :                                                                                                                \
      : "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory")
#endif

/* acc[channel] = start[channel] + weights of the channel . inputs, for blocks of 8 channels over 4 * words inputs. w:
 * for each block, for every 4 inputs a word of each channel. */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_dense_8(int32_t *acc, const int8_t *x, const int32_t *w,
                                                           const int32_t *start, int32_t words, int32_t blocks,
                                                           int32_t is_signed) {
#if TVM_TINY_DSP_DENSE
  register int32_t *sums __asm__("r0") = acc;
  register const int8_t *xs __asm__("r1") = x;
  register const int32_t *ws __asm__("r2") = w;
  register int32_t count __asm__("r3") = words;
  register const int32_t *from __asm__("r4") = start;
  register int32_t left __asm__("r5") = blocks;
  if (is_signed != 0) {
    TVM_TINY_DENSE_RUN("sxtb16");
  } else {
    TVM_TINY_DENSE_RUN("uxtb16");
  }
#else
  for (int32_t channel = 0; channel < 8 * blocks; ++channel) {
    const int32_t *const weights = &w[(channel / 8) * 8 * words + channel % 8];
    int32_t sum = start[channel];
    for (int32_t k = 0; k < words; ++k) {
      const uint32_t word = tvm_tiny_load_s8x4(&x[4 * k]);
      sum = tvm_tiny_dot_x8x4(tvm_tiny_even_lanes(word), tvm_tiny_odd_lanes(word), weights[8 * k], sum, is_signed);
    }
    acc[channel] = sum;
  }
#endif
}

static TVM_TINY_KERNEL void tvm_tiny_dense_s8x8(int32_t *acc, const int8_t *x, const int32_t *w, const int32_t *start,
                                                int32_t words, int32_t blocks) {
  tvm_tiny_dense_8(acc, x, w, start, words, blocks, 1);
}

/* The same for weights whose odd ones are stored plus 128. */
static TVM_TINY_KERNEL void tvm_tiny_dense_u8x8(int32_t *acc, const int8_t *x, const int32_t *w, const int32_t *start,
                                                int32_t words, int32_t blocks) {
  tvm_tiny_dense_8(acc, x, w, start, words, blocks, 0);
}

/* The same for one block of 4 channels. */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_dense_4(int32_t *acc, const int8_t *x, const int32_t *w,
                                                           const int32_t *start, int32_t words, int32_t is_signed) {
  int32_t a = start[0];
  int32_t b = start[1];
  int32_t c = start[2];
  int32_t d = start[3];
  for (int32_t k = 0; k < words; ++k) {
    const uint32_t word = tvm_tiny_load_s8x4(&x[4 * k]);
    const int32_t even = tvm_tiny_even_lanes(word);
    const int32_t odd = tvm_tiny_odd_lanes(word);
    a = tvm_tiny_dot_x8x4(even, odd, w[0], a, is_signed);
    b = tvm_tiny_dot_x8x4(even, odd, w[1], b, is_signed);
    c = tvm_tiny_dot_x8x4(even, odd, w[2], c, is_signed);
    d = tvm_tiny_dot_x8x4(even, odd, w[3], d, is_signed);
    w += 4;
  }
  acc[0] = a;
  acc[1] = b;
  acc[2] = c;
  acc[3] = d;
}

static TVM_TINY_KERNEL void tvm_tiny_dense_s8x4(int32_t *acc, const int8_t *x, const int32_t *w, const int32_t *start,
                                                int32_t words) {
  tvm_tiny_dense_4(acc, x, w, start, words, 1);
}

static TVM_TINY_KERNEL void tvm_tiny_dense_u8x4(int32_t *acc, const int8_t *x, const int32_t *w, const int32_t *start,
                                                int32_t words) {
  tvm_tiny_dense_4(acc, x, w, start, words, 0);
}

#endif /* TVM_TINY_RUNTIME_DSP_DENSE_H_ */
