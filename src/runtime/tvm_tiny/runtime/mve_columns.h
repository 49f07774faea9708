/* SPDX-License-Identifier: Apache-2.0
 *
 * Line buffers: the columns of some rows of an image, padding included, so arranged that what lies under a window of a
 * convolution is in one piece.
 *
 * A column of the buffer takes "pitch" bytes. Its parts, "channels" bytes each, come from different rows of the image
 * and are copied, or filled with padding, row by row. */
#ifndef TVM_TINY_RUNTIME_MVE_COLUMNS_H_
#define TVM_TINY_RUNTIME_MVE_COLUMNS_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/mve.h"

#if TVM_TINY_MVE
/* Where byte i of neighbouring columns of the image belongs. */
#define TVM_TINY_MVE_PLACE(i) ((uint8_t)((i) / (uint32_t)channels * (uint32_t)pitch + (i) % (uint32_t)channels))
#define TVM_TINY_MVE_PLACES(i) \
  TVM_TINY_MVE_PLACE((i)), TVM_TINY_MVE_PLACE((i) + 1u), TVM_TINY_MVE_PLACE((i) + 2u), TVM_TINY_MVE_PLACE((i) + 3u)

/* One vector of some narrow columns at a time, as many as it holds whole; "load" brings them to q0. */
#define TVM_TINY_MVE_SCATTER(load, load_rest) \
  "vldrb.u8 q1, [%[places]]\n\t"                                                                                     \
  ".if %c[turns]\n\tmovw lr, #%c[turns]\n\tdls lr, lr\n1:\n\t" load "vstrb.8 q0, [%[to], q1]\n\t"                    \
  TVM_TINY_MVE_ADD("%[to]", "r12", "%c[advance]") "le lr, 1b\n\t.endif\n\t"                                          \
  ".if %c[rest]\n\tmov r12, #%c[rest]\n\tvctp.8 r12\n\t" load_rest "vpst\n\tvstrbt.8 q0, [%[to], q1]\n\t.endif"

/* One column at a time. */
#define TVM_TINY_MVE_GATHER(load, load_rest)                                                                  \
  ".if %c[rest]\n\tmov r12, #%c[rest]\n\tvctp.8 r12\n\t.endif\n\tmovw lr, #%c[columns]\n\tdls lr, lr\n1:\n\t" \
  ".rept %c[vectors]\n\t" load                                                                                \
  "vstrb.8 q0, [%[to]], #16\n\t.endr\n\t"                                                                     \
  ".if %c[rest]\n\t" load_rest "vpst\n\tvstrbt.8 q0, [%[to]]\n\t.endif\n\t" TVM_TINY_MVE_ADD(                 \
      "%[to]", "r12", "%c[pitch] - 16 * %c[vectors]") "le lr, 1b"
#endif

/* to[column * pitch + channel] = from[column * channels + channel] */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_copy_columns(int8_t *to, const int8_t *from, int32_t columns,
                                                                    int32_t channels, int32_t pitch) {
#if TVM_TINY_MVE
  if (channels * 2 <= 16 && 15 / channels * pitch + channels <= 256) {
    const int32_t bytes = columns * channels;
    const int32_t step = 16 / channels * channels;
    const int32_t turns = (bytes < 16) ? 0 : ((bytes - 16) / step + 1);
    const uint8_t places[16] = {TVM_TINY_MVE_PLACES(0u), TVM_TINY_MVE_PLACES(4u), TVM_TINY_MVE_PLACES(8u),
                                TVM_TINY_MVE_PLACES(12u)};
    __asm__ volatile(
        TVM_TINY_MVE_SCATTER("vldrb.u8 q0, [%[from]], #%c[step]\n\t", "vpst\n\tvldrbt.u8 q0, [%[from]]\n\t")
        : [to] "+r"(to), [from] "+r"(from)
        : [places] "r"(places), [turns] "i"(turns), [step] "i"(step), [advance] "i"(16 / channels * pitch),
          [rest] "i"(bytes - turns * step)
        : "r12", "lr", "q0", "q1", TVM_TINY_MVE_PREDICATE, "cc", "memory");
  } else {
    __asm__ volatile(
        TVM_TINY_MVE_GATHER("vldrb.u8 q0, [%[from]], #16\n\t", "vpst\n\tvldrbt.u8 q0, [%[from]], #%c[rest]\n\t")
        : [to] "+r"(to), [from] "+r"(from)
        : [columns] "i"(columns), [vectors] "i"(channels / 16), [rest] "i"(channels % 16), [pitch] "i"(pitch)
        : "r12", "lr", "q0", TVM_TINY_MVE_PREDICATE, "cc", "memory");
  }
#else
  for (int32_t column = 0; column < columns; ++column) {
    for (int32_t c = 0; c < channels; ++c) {
      to[column * pitch + c] = from[column * channels + c];
    }
  }
#endif
}

/* to[column * pitch + channel] = value */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_fill_columns(int8_t *to, int8_t value, int32_t columns,
                                                                    int32_t channels, int32_t pitch) {
#if TVM_TINY_MVE
  __asm__ volatile("vdup.8 q0, %[value]\n\t" TVM_TINY_MVE_GATHER("", "")
                   : [to] "+r"(to)
                   : [value] "r"(value), [columns] "i"(columns), [vectors] "i"(channels / 16),
                     [rest] "i"(channels % 16), [pitch] "i"(pitch)
                   : "r12", "lr", "q0", TVM_TINY_MVE_PREDICATE, "cc", "memory");
#else
  for (int32_t column = 0; column < columns; ++column) {
    for (int32_t c = 0; c < channels; ++c) {
      to[column * pitch + c] = value;
    }
  }
#endif
}

/* The columns under a row of outputs: rows first, first + dilation ... of an image of height x width pixels, "kernel"
 * of them. "copied" columns of the image begin at column "left" of the buffer, which has "count". What they leave of
 * it, and rows outside the image, are "pad": the buffer is filled with it when the first row of outputs is begun, and
 * only rows below the image come after others. */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_columns(int8_t *columns, const int8_t *image, int32_t first,
                                                               int32_t begin, int32_t height, int32_t width,
                                                               int32_t channels, int32_t kernel, int32_t dilation,
                                                               int32_t left, int32_t count, int32_t copied, int32_t pad,
                                                               int32_t below) {
  const int32_t pitch = kernel * channels;
  if (begin != 0) {
    tvm_tiny_mve_fill(columns, pad, count * pitch);
  }
  for (int32_t tap = 0; tap < kernel; ++tap) {
    const int32_t row = first + tap * dilation;
    int8_t *const to = &columns[left * pitch + tap * channels];
    if ((row >= 0) && (row < height)) {
      tvm_tiny_mve_copy_columns(to, &image[row * width * channels], copied, channels, pitch);
    } else if ((below != 0) && (row >= height)) {
      tvm_tiny_mve_fill_columns(to, (int8_t)pad, copied, channels, pitch);
    } else {
      /* above the image, or never below it */
    }
  }
}

#endif /* TVM_TINY_RUNTIME_MVE_COLUMNS_H_ */
