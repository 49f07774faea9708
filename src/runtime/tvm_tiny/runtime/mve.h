/* SPDX-License-Identifier: Apache-2.0
 *
 * What the inner loops for Arm's vector extension MVE (Helium: Cortex-M55, M85) share.
 *
 * Every loop is one block of assembly, because the compilers that know MVE spill its eight vector registers, and has a
 * portable twin, which is what other compilers and a build without optimisation get. Numbers that shape a loop are
 * constants of the call: the assembler unrolls with them. */
#ifndef TVM_TINY_RUNTIME_MVE_H_
#define TVM_TINY_RUNTIME_MVE_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"

#if defined(__ARM_FEATURE_MVE) && ((__ARM_FEATURE_MVE & 1) == 1) && defined(__GNUC__) && defined(__OPTIMIZE__)
#define TVM_TINY_MVE 1
#else
#define TVM_TINY_MVE 0
#endif

#if TVM_TINY_MVE
/* Clang has no name for the predicate register, and keeps nothing in it across assembly. */
#if defined(__clang__)
#define TVM_TINY_MVE_PREDICATE "cc"
#else
#define TVM_TINY_MVE_PREDICATE "p0"
#endif

/* reg += constant, whatever its size; "temporary" is a register that may be lost. */
#define TVM_TINY_MVE_ADD(reg, temporary, constant)                                   \
  ".if (" constant ") > 4095 || (" constant                                          \
  ") < -4095\n\t"                                                                    \
  "movw " temporary ", #(" constant ") & 0xffff\n\tmovt " temporary ", #((" constant \
  ") >> 16) & 0xffff\n\t"                                                            \
  "add " reg ", " reg ", " temporary                                                 \
  "\n\t"                                                                             \
  ".elseif (" constant ") != 0\n\tadd " reg ", " reg ", #(" constant ")\n\t.endif\n\t"

/* reg = other + constant, which is not negative. */
#define TVM_TINY_MVE_SUM_OF(reg, other, constant)                                                     \
  ".if (" constant ") > 4095\n\tmovw " reg ", #(" constant ") & 0xffff\n\tmovt " reg ", #((" constant \
  ") >> 16) & 0xffff\n\t"                                                                             \
  "add " reg ", " reg ", " other "\n\t.else\n\tadd " reg ", " other ", #(" constant ")\n\t.endif\n\t"
#endif

/* to[0 .. size - 1] = value */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_fill(int8_t *to, int32_t value, int32_t size) {
#if TVM_TINY_MVE
  __asm__ volatile("vdup.8 q0, %[value]\n\tdlstp.8 lr, %[size]\n1:\n\tvstrb.8 q0, [%[to]], #16\n\tletp lr, 1b"
                   : [to] "+r"(to)
                   : [value] "r"(value), [size] "r"(size)
                   : "lr", "q0", "cc", "memory");
#else
  for (int32_t i = 0; i < size; ++i) {
    to[i] = (int8_t)value;
  }
#endif
}

#endif /* TVM_TINY_RUNTIME_MVE_H_ */
