/* SPDX-License-Identifier: Apache-2.0
 *
 * Moving rows of int8 tensors. The C library's memmove is a loop over bytes where it is built to be small. */
#ifndef TVM_TINY_RUNTIME_ROWS_H_
#define TVM_TINY_RUNTIME_ROWS_H_

#include <stdint.h>
#include <string.h>

#if defined(__GNUC__) || defined(__clang__)
#define TVM_TINY_ON_A_WORD(pointer) __builtin_assume_aligned(pointer, 4)
#else
#define TVM_TINY_ON_A_WORD(pointer) (pointer)
#endif

enum { TVM_TINY_ROWS_WORDS = 4 };

/* Copies `bytes` bytes from `from` to `to`. The two may overlap if `to` is the lower address. */
static inline void tvm_tiny_rows_move(int8_t *to, const int8_t *from, int32_t bytes) {
  int32_t i = 0;
  if ((((uintptr_t)to | (uintptr_t)from) & 3u) == 0u) {
    /* All words of a turn are read before the first is written: no compiler takes this for a call of memcpy. */
    for (; i + 4 * TVM_TINY_ROWS_WORDS <= bytes; i += 4 * TVM_TINY_ROWS_WORDS) {
      uint32_t words[TVM_TINY_ROWS_WORDS];
      (void)memcpy(words, TVM_TINY_ON_A_WORD(from + i), sizeof words);
      (void)memcpy(TVM_TINY_ON_A_WORD(to + i), words, sizeof words);
    }
  }
  for (; i < bytes; ++i) {
    to[i] = from[i];
  }
}

#endif /* TVM_TINY_RUNTIME_ROWS_H_ */
