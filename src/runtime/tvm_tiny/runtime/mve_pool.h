/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums over the windows of an image with its channels last on MVE. */
#ifndef TVM_TINY_RUNTIME_MVE_POOL_H_
#define TVM_TINY_RUNTIME_MVE_POOL_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/mve.h"

#if TVM_TINY_MVE
/* Over the whole window: "load" reads a pixel, "add" adds it up. */
#define TVM_TINY_MVE_WINDOW(load, add)                                                                            \
  "movw r12, #%c[rows]\n1:\n\tmovw lr, #%c[columns]\n\tdls lr, lr\n2:\n\t" load TVM_TINY_MVE_ADD("%[x]", "r11",   \
                                                                                                 "%c[pitch]") add \
      "le lr, 2b\n\t" TVM_TINY_MVE_ADD("%[x]", "r11",                                                             \
                                       "%c[row_pitch] - %c[columns] * %c[pitch]") "subs r12, r12, #1\n\tbne 1b\n\t"
#endif

/* sums[channel] += the sum of x[row * row_pitch + column * pitch + channel]: eight channels at a time, and what remains
 * of them four at a time under a predicate. */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_sum_window(int32_t *sums, const int8_t *x, int32_t channels,
                                                                  int32_t rows, int32_t columns, int32_t row_pitch,
                                                                  int32_t pitch) {
#if TVM_TINY_MVE
  int32_t c = 0;
  for (; c + 8 <= channels; c += 8) {
    const int8_t *from = &x[c];
    __asm__ volatile(
        "vldrw.u32 q0, [%[sums]]\n\tvldrw.u32 q1, [%[sums], #16]\n\t" TVM_TINY_MVE_WINDOW(
            "vldrb.s32 q2, [%[x]]\n\tvldrb.s32 q3, [%[x], #4]\n\t",
            "vadd.i32 q0, q0, q2\n\tvadd.i32 q1, q1, q3\n\t") "vstrw.32 q0, [%[sums]]\n\tvstrw.32 q1, [%[sums], #16]"
        : [x] "+l"(from)
        : [sums] "r"(&sums[c]), [rows] "i"(rows), [columns] "i"(columns), [row_pitch] "i"(row_pitch), [pitch] "i"(pitch)
        : "r11", "r12", "lr", "q0", "q1", "q2", "q3", "cc", "memory");
  }
  for (; c < channels; c += 4) {
    const int8_t *from = &x[c];
    __asm__ volatile(
        "vctp.32 %[left]\n\tvpst\n\tvldrwt.u32 q0, [%[sums]]\n\t" TVM_TINY_MVE_WINDOW(
            "vpst\n\tvldrbt.s32 q1, [%[x]]\n\t", "vadd.i32 q0, q0, q1\n\t") "vpst\n\tvstrwt.32 q0, [%[sums]]"
        : [x] "+l"(from)
        : [sums] "r"(&sums[c]), [left] "r"(channels - c), [rows] "i"(rows), [columns] "i"(columns),
          [row_pitch] "i"(row_pitch), [pitch] "i"(pitch)
        : "r11", "r12", "lr", "q0", "q1", TVM_TINY_MVE_PREDICATE, "cc", "memory");
  }
#else
  for (int32_t c = 0; c < channels; ++c) {
    for (int32_t row = 0; row < rows; ++row) {
      for (int32_t column = 0; column < columns; ++column) {
        sums[c] += x[row * row_pitch + column * pitch + c];
      }
    }
  }
#endif
}

#endif /* TVM_TINY_RUNTIME_MVE_POOL_H_ */
