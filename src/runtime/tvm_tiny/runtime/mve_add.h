/* SPDX-License-Identifier: Apache-2.0
 *
 * Addition of two int8 tensors on MVE, four elements at a time: as a linear form of both, or with one of them through a
 * table of 256 words. */
#ifndef TVM_TINY_RUNTIME_MVE_ADD_H_
#define TVM_TINY_RUNTIME_MVE_ADD_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/integer.h"
#include "tvm_tiny/runtime/mve.h"

/* (x * a + y * b + c) / 2^shift to the nearest, halves up, held within [low, high]; nothing leaves int32. 1 <= shift.
 */
static inline int32_t tvm_tiny_mve_linear(int32_t x, int32_t y, int32_t a, int32_t b, int32_t c, int32_t shift,
                                          int32_t low, int32_t high) {
  return tvm_tiny_clamp((x * a + y * b + c + (1 << (shift - 1))) >> shift, low, high);
}

/* The word of a table that belongs to the int8 value x; "first" is that of -128. */
#define TVM_TINY_MVE_ENTRY(first, x) ((&(first))[(x) + 128])

#if TVM_TINY_MVE
/* Sums in q0; limits in q3 and q4. The narrowing shift takes at most 16 bits off; what is more goes before it. */
#define TVM_TINY_MVE_ADD_LIMITS                                           \
  ".if %c[low] > -128\n\tmov lr, #%c[low]\n\tvdup.8 q3, lr\n\t.endif\n\t" \
  ".if %c[high] < 127\n\tmov lr, #%c[high]\n\tvdup.8 q4, lr\n\t.endif\n\t"
#define TVM_TINY_MVE_ADD_STORE                                                             \
  ".if %c[shift] > 16\n\tvshr.s32 q0, q0, #%c[shift] - 16\n\tvqrshrnb.s32 q0, q0, #16\n\t" \
  ".else\n\tvqrshrnb.s32 q0, q0, #%c[shift]\n\t.endif\n\tvqmovnb.s16 q0, q0\n\t"           \
  ".if %c[low] > -128\n\tvmax.s8 q0, q0, q3\n\t.endif\n\t"                                 \
  ".if %c[high] < 127\n\tvmin.s8 q0, q0, q4\n\t.endif\n\t"                                 \
  "vstrb.32 q0, [%[out]], #4\n\t"
#endif

/* out[i] = (x[i] * a + y[i] * b + c) / 2^shift */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_linear_row(int8_t *out, const int8_t *x, const int8_t *y,
                                                                  int32_t size, int32_t a, int32_t b, int32_t c,
                                                                  int32_t shift, int32_t low, int32_t high) {
#if TVM_TINY_MVE
  __asm__ volatile(
      "vdup.32 q2, %[a]\n\t" TVM_TINY_MVE_ADD_LIMITS
      "dlstp.32 lr, %[size]\n1:\n\t"
      "vldrb.s32 q0, [%[x]], #4\n\tvldrb.s32 q1, [%[y]], #4\n\t"
      "vmlas.s32 q0, q2, %[c]\n\tvmla.s32 q0, q1, %[b]\n\t" TVM_TINY_MVE_ADD_STORE "letp lr, 1b"
      : [out] "+l"(out), [x] "+l"(x), [y] "+l"(y)
      : [size] "r"(size), [a] "r"(a), [b] "r"(b), [c] "r"(c), [shift] "i"(shift), [low] "i"(low), [high] "i"(high)
      : "lr", "q0", "q1", "q2", "q3", "q4", "cc", "memory");
#else
  for (int32_t i = 0; i < size; ++i) {
    out[i] = (int8_t)tvm_tiny_mve_linear(x[i], y[i], a, b, c, shift, low, high);
  }
#endif
}

/* out[i] = (entry of x[i] + y[i] * b) / 2^shift */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_table_row(int8_t *out, const int8_t *x, const int8_t *y,
                                                                 const int32_t *table, int32_t size, int32_t b,
                                                                 int32_t shift, int32_t low, int32_t high) {
#if TVM_TINY_MVE
  __asm__ volatile(
      TVM_TINY_MVE_ADD_LIMITS
      "dlstp.32 lr, %[size]\n1:\n\t"
      "vldrb.s32 q1, [%[x]], #4\n\tvldrb.s32 q2, [%[y]], #4\n\tvldrw.u32 q0, [%[zero], q1, uxtw #2]\n\t"
      "vmla.s32 q0, q2, %[b]\n\t" TVM_TINY_MVE_ADD_STORE "letp lr, 1b"
      : [out] "+l"(out), [x] "+l"(x), [y] "+l"(y)
      : [size] "r"(size), [b] "r"(b), [zero] "r"(&table[128]), [shift] "i"(shift), [low] "i"(low), [high] "i"(high)
      : "lr", "q0", "q1", "q2", "q3", "q4", "cc", "memory");
#else
  for (int32_t i = 0; i < size; ++i) {
    out[i] = (int8_t)tvm_tiny_mve_linear(0, y[i], 0, b, TVM_TINY_MVE_ENTRY(table[0], x[i]), shift, low, high);
  }
#endif
}

#endif /* TVM_TINY_RUNTIME_MVE_ADD_H_ */
