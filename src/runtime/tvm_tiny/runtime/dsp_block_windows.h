/* SPDX-License-Identifier: Apache-2.0
 *
 * The lanes of four neighbouring windows of 3x3 pixels of three channels, what the first layer of most models for
 * images reads: three runs of nine bytes each, which make seven words. For the kernels of dsp_blocks.h; each function
 * has a portable twin. */
#ifndef TVM_TINY_RUNTIME_DSP_BLOCK_WINDOWS_H_
#define TVM_TINY_RUNTIME_DSP_BLOCK_WINDOWS_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/dsp.h"

/* As tvm_tiny_block_columns, of windows ``step`` bytes apart from ``x`` on, whose rows are ``pitch`` bytes apart. */
#if TVM_TINY_DSP
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* they are in registers */
/* clang-format off */

/* Registers: r0 in the columns, r1 the window, r2 bytes from row to row, r3 from window to window, r4 to r10 words, r11
 * lanes, r12 end of the first word of columns, lr row of the window. */
#define TVM_TINY_BLOCK_WINDOW_LANES(word, at) \
  "sxtb16 r11, " word "\n\teor " word ", " word ", #0x007F007F\n\tstr r11, [r0, #(32 * " at ")]\n\t" \
  "str " word ", [r0, #(32 * " at " + 16)]\n\t"
/* clang-format on */

static TVM_TINY_NAKED void tvm_tiny_block_windows_3x9(int32_t *columns, const int8_t *x, int32_t pitch, int32_t step) {
  __asm__(
      "push {r4-r11, lr}\n\tadd r12, r0, #16\n"
      "1:\n\tadd lr, r1, r2\n\tldr r4, [r1]\n\tldr r5, [r1, #4]\n\tldrb r6, [r1, #8]\n\tldr r7, [lr]\n\t"
      "ldr r8, [lr, #3]\n\tldrh r9, [lr, #7]\n\tldrh r10, [lr, r2]\n\tadd lr, lr, r2\n\torr r6, r6, r7, lsl #8\n\t"
      "orr r9, r9, r10, lsl #16\n\tldr r10, [lr, #2]\n\tldr r7, [lr, #5]\n\tlsr r7, r7, "
      "#8\n\t" TVM_TINY_BLOCK_WINDOW_LANES("r4", "0") TVM_TINY_BLOCK_WINDOW_LANES(
          "r5", "1") TVM_TINY_BLOCK_WINDOW_LANES("r6", "2") TVM_TINY_BLOCK_WINDOW_LANES("r8", "3")
          TVM_TINY_BLOCK_WINDOW_LANES("r9", "4") TVM_TINY_BLOCK_WINDOW_LANES("r10", "5") TVM_TINY_BLOCK_WINDOW_LANES(
              "r7", "6") "add r1, r1, r3\n\tadd r0, r0, #4\n\tcmp r0, r12\n\tbne.w 1b\n\tpop {r4-r11, pc}\n\t");
}
#pragma GCC diagnostic pop
#else
static inline void tvm_tiny_block_windows_3x9(int32_t *columns, const int8_t *x, int32_t pitch, int32_t step) {
  for (int32_t pixel = 0; pixel < 4; ++pixel) {
    int8_t window[28] = {0};
    for (int32_t i = 0; i < 27; ++i) {
      window[i] = x[pixel * step + i / 9 * pitch + i % 9];
    }
    for (int32_t k = 0; k < 7; ++k) {
      const uint32_t word = tvm_tiny_load_s8x4(&window[4 * k]);
      columns[8 * k + pixel] = tvm_tiny_even_lanes(word);
      columns[8 * k + 4 + pixel] = tvm_tiny_odd_lanes(word);
    }
  }
}
#endif

/* The same of an image, from (y, z) on in steps of ``stride`` to the right; what lies outside is ``padding``. ``patch``
 * is memory for the bytes under the windows, 27 * (stride + 1) of them. */
static TVM_TINY_KERNEL void tvm_tiny_block_windows_rgb(int32_t *columns, int8_t *patch, const int8_t *x, int32_t y,
                                                       int32_t z, int32_t stride, int32_t height, int32_t width,
                                                       int32_t padding) {
  const int32_t across = 3 * stride + 3;
  if ((y >= 0) && (y + 3 <= height) && (z >= 0) && (z + across <= width)) {
    tvm_tiny_block_windows_3x9(columns, &x[3 * (y * width + z)], 3 * width, 3 * stride);
  } else {
    const int32_t bytes = 3 * across;
    for (int32_t row = 0; row < 3; ++row) {
      int8_t *const to = &patch[row * bytes];
      const int32_t above = y + row;
      const int32_t first = (z < 0) ? (-3 * z) : 0;
      const int32_t last = (z + across > width) ? (3 * (width - z)) : bytes;
      const int32_t end = ((above < 0) || (above >= height)) ? first : last;
      for (int32_t i = 0; i < first; ++i) {
        to[i] = (int8_t)padding;
      }
      for (int32_t i = first; i < end; ++i) {
        to[i] = x[3 * (above * width + z) + i];
      }
      for (int32_t i = end; i < bytes; ++i) {
        to[i] = (int8_t)padding;
      }
    }
    tvm_tiny_block_windows_3x9(columns, patch, 3 * across, 3 * stride);
  }
}

#endif /* TVM_TINY_RUNTIME_DSP_BLOCK_WINDOWS_H_ */
