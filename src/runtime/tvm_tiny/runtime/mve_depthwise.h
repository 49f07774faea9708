/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution on MVE. A line buffer holds the rows under a row of outputs by planes, one for each channel; in
 * a plane the rows of a column lie side by side, so that a window of up to sixteen taps is one vector. VMLADAV
 * multiplies it with the filter and adds up.
 *
 * The buffer has as many rows as the kernel. A row of the image takes the place of one that no window needs any more,
 * so that each is copied once; which tap a place belongs to changes from one row of outputs to the next, and the filter
 * is rotated when it is loaded. */
#ifndef TVM_TINY_RUNTIME_MVE_DEPTHWISE_H_
#define TVM_TINY_RUNTIME_MVE_DEPTHWISE_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/mve.h"

#if TVM_TINY_MVE
/* Column after column, eight channels at a time to eight planes; "load" brings them to q0. */
#define TVM_TINY_MVE_PLANES(load, load_rest) \
  "mov r12, #0\n\tvidup.u16 q1, r12, #1\n\tmovw r12, #%c[plane]\n\tvmul.i16 q1, q1, r12\n\t"                       \
  ".if %c[channels] >= 16\n\tmovw r12, #8 * %c[plane]\n\tvadd.i16 q2, q1, r12\n\t.endif\n\t"                       \
  ".if %c[channels] %% 8\n\tmov r12, #%c[channels] %% 8\n\tvctp.16 r12\n\t.endif\n\t"                              \
  "movw lr, #%c[columns]\n\tdls lr, lr\n1:\n\t"                                                                    \
  ".rept %c[channels] / 16\n\t" load "vstrb.16 q0, [%[to], q1]\n\t" load "vstrb.16 q0, [%[to], q2]\n\t"            \
  TVM_TINY_MVE_ADD("%[to]", "r12", "16 * %c[plane]") ".endr\n\t"                                                   \
  ".if (%c[channels] / 8) & 1\n\t" load "vstrb.16 q0, [%[to], q1]\n\t"                                             \
  ".if %c[channels] %% 8\n\t" TVM_TINY_MVE_ADD("%[to]", "r12", "8 * %c[plane]") ".endif\n\t.endif\n\t"             \
  ".if %c[channels] %% 8\n\t" load_rest "vpst\n\tvstrbt.16 q0, [%[to], q1]\n\t.endif\n\t"                          \
  TVM_TINY_MVE_ADD("%[to]", "r12", "%c[kernel] - %c[moved] * %c[plane]") "le lr, 1b"

/* Channels by which the pointer has moved when a column is done. */
#define TVM_TINY_MVE_PLANES_MOVED(channels) \
  ((channels) / 16 * 16 + ((((channels) / 8 % 2) != 0 && (channels) % 8 != 0) ? 8 : 0))
#endif

/* to[channel * plane + column * kernel] = from[column * channels + channel] */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_copy_planes(int8_t *to, const int8_t *from, int32_t columns,
                                                                   int32_t channels, int32_t kernel, int32_t plane) {
#if TVM_TINY_MVE
  __asm__ volatile(
      TVM_TINY_MVE_PLANES("vldrb.u16 q0, [%[from]], #8\n\t",
                          "vpst\n\tvldrbt.u16 q0, [%[from]]\n\tadd %[from], %[from], #%c[channels] %% 8\n\t")
      : [to] "+r"(to), [from] "+l"(from)
      : [columns] "i"(columns), [channels] "i"(channels), [kernel] "i"(kernel), [plane] "i"(plane),
        [moved] "i"(TVM_TINY_MVE_PLANES_MOVED(channels))
      : "r12", "lr", "q0", "q1", "q2", TVM_TINY_MVE_PREDICATE, "cc", "memory");
#else
  for (int32_t column = 0; column < columns; ++column) {
    for (int32_t c = 0; c < channels; ++c) {
      to[c * plane + column * kernel] = from[column * channels + c];
    }
  }
#endif
}

/* to[channel * plane + column * kernel] = value */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_fill_planes(int8_t *to, int8_t value, int32_t columns,
                                                                   int32_t channels, int32_t kernel, int32_t plane) {
#if TVM_TINY_MVE
  __asm__ volatile("vdup.16 q0, %[value]\n\t" TVM_TINY_MVE_PLANES("", "")
                   : [to] "+r"(to)
                   : [value] "r"(value), [columns] "i"(columns), [channels] "i"(channels), [kernel] "i"(kernel),
                     [plane] "i"(plane), [moved] "i"(TVM_TINY_MVE_PLANES_MOVED(channels))
                   : "r12", "lr", "q0", "q1", "q2", TVM_TINY_MVE_PREDICATE, "cc", "memory");
#else
  for (int32_t column = 0; column < columns; ++column) {
    for (int32_t c = 0; c < channels; ++c) {
      to[c * plane + column * kernel] = value;
    }
  }
#endif
}

/* Puts "rows" rows first, first + dilation ... of an image of height x width pixels into the buffer, from place "place"
 * on. "copied" columns of the image begin at column "left" of "count". What they leave of it, and rows outside the
 * image, are "pad": the buffer is filled with it when the first row of outputs is begun, and only rows below the image
 * come after others. */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_planes(int8_t *planes, const int8_t *image, int32_t first,
                                                              int32_t rows, int32_t place, int32_t begin,
                                                              int32_t height, int32_t width, int32_t channels,
                                                              int32_t kernel, int32_t dilation, int32_t left,
                                                              int32_t count, int32_t copied, int32_t pad,
                                                              int32_t below) {
  const int32_t plane = count * kernel;
  if (begin != 0) {
    tvm_tiny_mve_fill(planes, pad, channels * plane);
  }
  for (int32_t i = 0; i < rows; ++i) {
    const int32_t row = first + i * dilation;
    int8_t *const to = &planes[left * kernel + ((place + i >= kernel) ? (place + i - kernel) : (place + i))];
    if ((row >= 0) && (row < height)) {
      tvm_tiny_mve_copy_planes(to, &image[row * width * channels], copied, channels, kernel, plane);
    } else if ((below != 0) && (row >= height)) {
      tvm_tiny_mve_fill_planes(to, (int8_t)pad, copied, channels, kernel, plane);
    } else {
      /* above the image, or never below it */
    }
  }
}

/* A weight of a filter, whose first one is given. */
#define TVM_TINY_MVE_TAP(first, tap) ((int32_t)(&(first))[tap])

/* acc[pixel * channels + channel] = sum over the taps of
 * x[channel * plane + pixel * step + tap] * w[channel * taps + rotation[tap]]. */
static inline void tvm_tiny_mve_depthwise_portable(int32_t *acc, const int8_t *x, const int8_t *w,
                                                   const uint8_t *rotation, int32_t pixels, int32_t channels,
                                                   int32_t step, int32_t plane, int32_t taps) {
  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    for (int32_t c = 0; c < channels; ++c) {
      int32_t sum = 0;
      for (int32_t tap = 0; tap < taps; ++tap) {
        sum += x[c * plane + pixel * step + tap] * TVM_TINY_MVE_TAP(w[c * taps], rotation[tap]);
      }
      acc[pixel * channels + c] = sum;
    }
  }
}

#if TVM_TINY_MVE
/* Two pixels of up to four channels at a time. Filters are in q4 to q7, the channels' inputs at r3, r7, r9 and r11; r5
 * counts pairs of pixels when the filters are loaded. */
#define TVM_TINY_MVE_FILTER_FIRST                                                                   \
  ".if %c[taps] < 16\n\tmov r0, #%c[taps]\n\tvctp.8 r0\n\tvpstt\n\tvldrbt.u8 q0, [%[rotation]]\n\t" \
  "vldrbt.u8 q4, [%[w], q0]\n\t.else\n\tvldrb.u8 q0, [%[rotation]]\n\tvldrb.u8 q4, [%[w], q0]\n\t"  \
  "mov r0, #16\n\t.endif\n\t"
#define TVM_TINY_MVE_FILTER(q)                                      \
  "vadd.i8 q0, q0, r0\n\t.if %c[taps] < 16\n\tvpst\n\tvldrbt.u8 " q \
  ", [%[w], q0]\n\t"                                                \
  ".else\n\tvldrb.u8 " q ", [%[w], q0]\n\t.endif\n\t"
#define TVM_TINY_MVE_PLANE(reg, from) "mov " reg ", " from "\n\t" TVM_TINY_MVE_ADD(reg, "r2", "%c[plane]")
#define TVM_TINY_MVE_TAPS(at, inputs, filter, sum) \
  "vldrb.u8 " inputs ", [" at "], #%c[step]\n\tvmladav.s8 " sum ", " inputs ", " filter "\n\t"

#define TVM_TINY_MVE_FILTERS_1 TVM_TINY_MVE_FILTER_FIRST
#define TVM_TINY_MVE_FILTERS_2 TVM_TINY_MVE_FILTERS_1 TVM_TINY_MVE_FILTER("q5") TVM_TINY_MVE_PLANE("r7", "%[x]")
#define TVM_TINY_MVE_FILTERS_3 TVM_TINY_MVE_FILTERS_2 TVM_TINY_MVE_FILTER("q6") TVM_TINY_MVE_PLANE("r9", "r7")
#define TVM_TINY_MVE_FILTERS_4 TVM_TINY_MVE_FILTERS_3 TVM_TINY_MVE_FILTER("q7") TVM_TINY_MVE_PLANE("r11", "r9")

#define TVM_TINY_MVE_TAPS_1(a) TVM_TINY_MVE_TAPS("%[x]", "q0", "q4", a)
#define TVM_TINY_MVE_TAPS_2(a, b) TVM_TINY_MVE_TAPS_1(a) TVM_TINY_MVE_TAPS("r7", "q1", "q5", b)
#define TVM_TINY_MVE_TAPS_3(a, b, c) TVM_TINY_MVE_TAPS_2(a, b) TVM_TINY_MVE_TAPS("r9", "q0", "q6", c)
#define TVM_TINY_MVE_TAPS_4(a, b, c, d) TVM_TINY_MVE_TAPS_3(a, b, c) TVM_TINY_MVE_TAPS("r11", "q1", "q7", d)

#define TVM_TINY_MVE_BACK_1 "sub %[x], %[x], #%c[step]\n\t"
#define TVM_TINY_MVE_BACK_2 TVM_TINY_MVE_BACK_1 "sub r7, r7, #%c[step]\n\t"
#define TVM_TINY_MVE_BACK_3 TVM_TINY_MVE_BACK_2 "sub r9, r9, #%c[step]\n\t"
#define TVM_TINY_MVE_BACK_4 TVM_TINY_MVE_BACK_3 "sub r11, r11, #%c[step]\n\t"

#define TVM_TINY_MVE_DEPTHWISE(channels, filters, both, back, sums)                                \
  "push {r7, r9, r11}\n\t" filters "movw %[w], #%c[pixels] / 2\n1:\n\t" both "stm %[acc]!, {" sums \
  "}\n\t"                                                                                          \
  "subs %[w], %[w], #1\n\tbgt 1b\n\t"                                                              \
  ".if %c[pixels] & 1\n\tbmi 2f\n\t" back "sub %[acc], %[acc], #4 * " channels                     \
  "\n\tb 1b\n2:\n\t.endif\n\t"                                                                     \
  "pop {r7, r9, r11}"

#define TVM_TINY_MVE_DEFINE_DEPTHWISE(channels, both, sums, ...)                                                     \
  static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_depthwise_2x##channels(                                     \
      int32_t *acc, const int8_t *x, const int8_t *w, const uint8_t *rotation, int32_t pixels, int32_t step,         \
      int32_t plane, int32_t taps) {                                                                                 \
    register int32_t *sums_at __asm__("r1") = acc;                                                                   \
    register const int8_t *inputs __asm__("r3") = x;                                                                 \
    register const int8_t *filters __asm__("r5") = w;                                                                \
    register const uint8_t *turned __asm__("r4") = rotation;                                                         \
    __asm__ volatile(                                                                                                \
        TVM_TINY_MVE_DEPTHWISE(#channels, TVM_TINY_MVE_FILTERS_##channels, both, TVM_TINY_MVE_BACK_##channels, sums) \
        : [acc] "+r"(sums_at), [x] "+r"(inputs), [w] "+r"(filters), [rotation] "+r"(turned)                          \
        : [pixels] "i"(pixels), [step] "i"(step), [plane] "i"(plane), [taps] "i"(taps)                               \
        : __VA_ARGS__, "q0", "q1", "q4", "q5", "q6", "q7", TVM_TINY_MVE_PREDICATE, "cc", "memory");                  \
  }

TVM_TINY_MVE_DEFINE_DEPTHWISE(1, TVM_TINY_MVE_TAPS_1("r0") TVM_TINY_MVE_TAPS_1("r2"), "r0, r2", "r0", "r2")
TVM_TINY_MVE_DEFINE_DEPTHWISE(2, TVM_TINY_MVE_TAPS_2("r0", "r2") TVM_TINY_MVE_TAPS_2("r4", "r6"), "r0, r2, r4, r6",
                              "r0", "r2", "r6")
TVM_TINY_MVE_DEFINE_DEPTHWISE(3, TVM_TINY_MVE_TAPS_3("r0", "r2", "r4") TVM_TINY_MVE_TAPS_3("r6", "r8", "r10"),
                              "r0, r2, r4, r6, r8, r10", "r0", "r2", "r6", "r8", "r10")
TVM_TINY_MVE_DEFINE_DEPTHWISE(4,
                              TVM_TINY_MVE_TAPS_4("r0", "r2", "r4", "r6") TVM_TINY_MVE_TAPS_4("r8", "r10", "r12", "lr"),
                              "r0, r2, r4, r6, r8, r10, r12, lr", "r0", "r2", "r6", "r8", "r10", "r12", "lr")
#else
#define TVM_TINY_MVE_DEFINE_DEPTHWISE(channels)                                                                 \
  static inline void tvm_tiny_mve_depthwise_2x##channels(int32_t *acc, const int8_t *x, const int8_t *w,        \
                                                         const uint8_t *rotation, int32_t pixels, int32_t step, \
                                                         int32_t plane, int32_t taps) {                         \
    tvm_tiny_mve_depthwise_portable(acc, x, w, rotation, pixels, channels, step, plane, taps);                  \
  }

TVM_TINY_MVE_DEFINE_DEPTHWISE(1)
TVM_TINY_MVE_DEFINE_DEPTHWISE(2)
TVM_TINY_MVE_DEFINE_DEPTHWISE(3)
TVM_TINY_MVE_DEFINE_DEPTHWISE(4)
#endif

#endif /* TVM_TINY_RUNTIME_MVE_DEPTHWISE_H_ */
