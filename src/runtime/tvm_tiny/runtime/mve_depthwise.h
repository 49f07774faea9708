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
#include "tvm_tiny/runtime/mve_requantize.h"

#if TVM_TINY_MVE
/* Column after column, eight channels at a time to eight planes; "load" brings them to q0. */
#define TVM_TINY_MVE_PLANES(load, load_rest, next) \
  "mov r12, #0\n\tvidup.u16 q1, r12, #1\n\tmovw r12, #%c[plane]\n\tvmul.i16 q1, q1, r12\n\t"                       \
  ".if %c[channels] >= 16\n\tmovw r12, #8 * %c[plane]\n\tvadd.i16 q2, q1, r12\n\t.endif\n\t"                       \
  ".if %c[channels] %% 8\n\tmov r12, #%c[channels] %% 8\n\tvctp.16 r12\n\t.endif\n\t"                              \
  "movw lr, #%c[columns]\n\tdls lr, lr\n1:\n\t"                                                                    \
  ".rept %c[channels] / 16\n\t" load "vstrb.16 q0, [%[to], q1]\n\t" load "vstrb.16 q0, [%[to], q2]\n\t"            \
  TVM_TINY_MVE_ADD("%[to]", "r12", "16 * %c[plane]") ".endr\n\t"                                                   \
  ".if (%c[channels] / 8) & 1\n\t" load "vstrb.16 q0, [%[to], q1]\n\t"                                             \
  ".if %c[channels] %% 8\n\t" TVM_TINY_MVE_ADD("%[to]", "r12", "8 * %c[plane]") ".endif\n\t.endif\n\t"             \
  ".if %c[channels] %% 8\n\t" load_rest "vpst\n\tvstrbt.16 q0, [%[to], q1]\n\t.endif\n\t" next                     \
  TVM_TINY_MVE_ADD("%[to]", "r12", "%c[kernel] - %c[moved] * %c[plane]") "le lr, 1b"

/* Channels by which the pointer has moved when a column is done. */
#define TVM_TINY_MVE_PLANES_MOVED(channels) \
  ((channels) / 16 * 16 + ((((channels) / 8 % 2) != 0 && (channels) % 8 != 0) ? 8 : 0))
#endif

/* to[channel * plane + column * kernel] = from[column * apart + channel] */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_copy_planes(int8_t *to, const int8_t *from, int32_t columns,
                                                                   int32_t channels, int32_t kernel, int32_t plane,
                                                                   int32_t apart) {
#if TVM_TINY_MVE
  __asm__ volatile(
      TVM_TINY_MVE_PLANES("vldrb.u16 q0, [%[from]], #8\n\t",
                          "vpst\n\tvldrbt.u16 q0, [%[from]]\n\tadd %[from], %[from], #%c[channels] %% 8\n\t",
                          TVM_TINY_MVE_ADD("%[from]", "r12", "%c[gap]"))
      : [to] "+r"(to), [from] "+l"(from)
      : [columns] "i"(columns), [channels] "i"(channels), [kernel] "i"(kernel), [plane] "i"(plane),
        [moved] "i"(TVM_TINY_MVE_PLANES_MOVED(channels)), [gap] "i"(apart - channels)
      : "r12", "lr", "q0", "q1", "q2", TVM_TINY_MVE_PREDICATE, "cc", "memory");
#else
  for (int32_t column = 0; column < columns; ++column) {
    for (int32_t c = 0; c < channels; ++c) {
      to[c * plane + column * kernel] = from[column * apart + c];
    }
  }
#endif
}

/* to[channel * plane + column * kernel] = value */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_fill_planes(int8_t *to, int8_t value, int32_t columns,
                                                                   int32_t channels, int32_t kernel, int32_t plane) {
#if TVM_TINY_MVE
  __asm__ volatile("vdup.16 q0, %[value]\n\t" TVM_TINY_MVE_PLANES("", "", "")
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

/* Puts "rows" rows first, first + dilation ... of an image of "height" rows into the buffer, from place "place"
 * on; rows of the image are "pitch" bytes apart, columns "apart". "copied" of its columns begin at column "left" of a
 * plane, and planes are "count" columns apart: the padding behind one is that in front of the next. What they leave of
 * it, and rows outside the image, are "pad": the buffer is filled with it when the first row of outputs is begun, and
 * only rows below the image come after others. */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_planes_of(int8_t *planes, const int8_t *image, int32_t first,
                                                                 int32_t rows, int32_t place, int32_t begin,
                                                                 int32_t height, int32_t pitch, int32_t apart,
                                                                 int32_t channels, int32_t kernel, int32_t dilation,
                                                                 int32_t left, int32_t count, int32_t copied,
                                                                 int32_t pad, int32_t below) {
  const int32_t plane = count * kernel;
  if (begin != 0) {
    tvm_tiny_mve_fill(planes, pad, channels * plane + left * kernel);
  }
  for (int32_t i = 0; i < rows; ++i) {
    const int32_t row = first + i * dilation;
    int8_t *const to = &planes[left * kernel + ((place + i >= kernel) ? (place + i - kernel) : (place + i))];
    if ((row >= 0) && (row < height)) {
      tvm_tiny_mve_copy_planes(to, &image[row * pitch], copied, channels, kernel, plane, apart);
    } else if ((below != 0) && (row >= height)) {
      tvm_tiny_mve_fill_planes(to, (int8_t)pad, copied, channels, kernel, plane);
    } else {
      /* above the image, or never below it */
    }
  }
}

/* The same, of an image of height x width pixels with its channels last. */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_planes(int8_t *planes, const int8_t *image, int32_t first,
                                                              int32_t rows, int32_t place, int32_t begin,
                                                              int32_t height, int32_t width, int32_t channels,
                                                              int32_t kernel, int32_t dilation, int32_t left,
                                                              int32_t count, int32_t copied, int32_t pad,
                                                              int32_t below) {
  tvm_tiny_mve_planes_of(planes, image, first, rows, place, begin, height, width * channels, channels, channels, kernel,
                         dilation, left, count, copied, pad, below);
}

/* The same of an image of width x height pixels whose columns are taken for rows. */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_planes_turned(int8_t *planes, const int8_t *image, int32_t first,
                                                                     int32_t rows, int32_t place, int32_t begin,
                                                                     int32_t height, int32_t width, int32_t channels,
                                                                     int32_t kernel, int32_t dilation, int32_t left,
                                                                     int32_t count, int32_t copied, int32_t pad,
                                                                     int32_t below) {
  (void)width;
  tvm_tiny_mve_planes_of(planes, image, first, rows, place, begin, height, channels, height * channels, channels,
                         kernel, dilation, left, count, copied, pad, below);
}

/* The sum over the taps of x[tap] * w[rotation[tap]]. */
static inline int32_t tvm_tiny_mve_window(const int8_t *x, const int8_t *w, const uint8_t *rotation, int32_t taps) {
  int32_t sum = 0;
  for (int32_t tap = 0; tap < taps; ++tap) {
    sum += x[tap] * w[rotation[tap]];
  }
  return sum;
}

/* The same of the places of the first input, the first weight and the first tap. */
#define TVM_TINY_MVE_WINDOW_SUM(x, w, rotation, taps) tvm_tiny_mve_window(&(x), &(w), &(rotation), taps)

/* out[pixel * width + channel], of x[channel * plane + pixel * step + tap] and w[channel * taps + rotation[tap]]. The
 * parameters are the channels' biases, then their multipliers (mve_requantize.h). */
static inline void tvm_tiny_mve_depthwise_portable(int8_t *out, const int8_t *x, const int8_t *w,
                                                   const uint8_t *rotation, const int32_t *parameters, int32_t pixels,
                                                   int32_t channels, int32_t step, int32_t plane, int32_t taps,
                                                   int32_t width, int32_t left, int32_t offset, int32_t shift) {
  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    for (int32_t c = 0; c < channels; ++c) {
      const int32_t sum = tvm_tiny_mve_window(&x[c * plane + pixel * step], &w[c * taps], rotation, taps);
      out[pixel * width + c] =
          (int8_t)tvm_tiny_mve_requantize(sum, parameters[c], parameters[channels + c], left, offset, shift);
    }
  }
}

/* The same where negative sums count: their units follow the multipliers. */
static inline void tvm_tiny_mve_depthwise_portable_signed(int8_t *out, const int8_t *x, const int8_t *w,
                                                          const uint8_t *rotation, const int32_t *parameters,
                                                          int32_t pixels, int32_t channels, int32_t step, int32_t plane,
                                                          int32_t taps, int32_t width, int32_t left, int32_t offset,
                                                          int32_t shift, int32_t low, int32_t high) {
  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    for (int32_t c = 0; c < channels; ++c) {
      const int32_t sum = tvm_tiny_mve_window(&x[c * plane + pixel * step], &w[c * taps], rotation, taps);
      out[pixel * width + c] = (int8_t)tvm_tiny_mve_requantize_signed(
          sum, parameters[c], parameters[channels + c], parameters[2 * channels + c], left, offset, shift, low, high);
    }
  }
}

#if TVM_TINY_MVE
/* C99 asks of a compiler no more than 4095 characters in a string. These are longer, and cannot be two statements:
 * what they keep in registers is theirs. Compilers for this core take them. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"

/* Two pixels of up to four channels at a time. Filters are in q4 to q7, the channels' inputs at r3, r7, r9 and r11; r5
 * counts pairs of pixels when the filters are loaded. Biases are in q2, multipliers in q3; where there are units, their
 * vectors take turns with these and with q1, and one pixel is scaled after the other. [sp] is the offset of the
 * requantisation, the word behind it where the parameters lie. */
#define TVM_TINY_MVE_FILTER_FIRST                                                                   \
  ".if %c[taps] < 16\n\tmov r0, #%c[taps]\n\tvctp.8 r0\n\tvpstt\n\tvldrbt.u8 q0, [%[rotation]]\n\t" \
  "vldrbt.u8 q4, [%[w], q0]\n\t.else\n\tvldrb.u8 q0, [%[rotation]]\n\tvldrb.u8 q4, [%[w], q0]\n\t"  \
  ".endif\n\tmov r0, #%c[taps]\n\t"
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

/* A vector of parameters; r2 points to the first of them. */
#define TVM_TINY_MVE_PARAMETERS(q, channels, place)                                                   \
  ".if " channels " == 4\n\tvldrw.u32 " q ", [r2, #16 * " place "]\n\t.else\n\tvpst\n\tvldrwt.u32 " q \
  ", [r2, #4 * " channels " * " place "]\n\t.endif\n\t"
#define TVM_TINY_MVE_STORE(q, channels)                                              \
  ".if " channels " != 4\n\tvpst\n\tvstrbt.32 " q ", [%[out]]\n\t" TVM_TINY_MVE_ADD( \
      "%[out]", "r0", "%c[width]") ".elseif %c[width] < 128\n\tvstrb.32 " q          \
                                   ", [%[out]], #%c[width]\n\t.else\n\tvstrb.32 " q  \
                                   ", [%[out]]\n\t" TVM_TINY_MVE_ADD("%[out]", "r0", "%c[width]") ".endif\n\t"

#define TVM_TINY_MVE_KEEP(channels) \
  "ldr r2, [sp, #4]\n\t" TVM_TINY_MVE_PARAMETERS("q2", channels, "0") TVM_TINY_MVE_PARAMETERS("q3", channels, "1")
#define TVM_TINY_MVE_BOTH(channels, first, second)                                                       \
  first("q0") second("q1") "ldr r0, [sp]\n\t" TVM_TINY_MVE_SCALE_BOTH TVM_TINY_MVE_STORE("q0", channels) \
      TVM_TINY_MVE_STORE("q1", channels)

#define TVM_TINY_MVE_ONE_SIGNED(channels, lanes) \
  lanes("q0") "ldrd r0, r2, [sp]\n\t" TVM_TINY_MVE_PARAMETERS("q2", channels, "0") TVM_TINY_MVE_ADD_BIAS("q0") \
  TVM_TINY_MVE_PARAMETERS("q2", channels, "2") "vshr.s32 q1, q0, #31\n\tvand q1, q1, q2\n\tvsub.i32 q0, q0, q1\n\t" \
  TVM_TINY_MVE_PARAMETERS("q3", channels, "1") TVM_TINY_MVE_MULTIPLY("q0") \
  ".if %c[low] > -128\n\tmov r0, #%c[low]\n\tvdup.8 q1, r0\n\tvmax.s8 q0, q0, q1\n\t.endif\n\t" \
  ".if %c[high] < 127\n\tmov r0, #%c[high]\n\tvdup.8 q1, r0\n\tvmin.s8 q0, q0, q1\n\t.endif\n\t" \
  TVM_TINY_MVE_STORE("q0", channels)
#define TVM_TINY_MVE_KEEP_SIGNED(channels) ""
#define TVM_TINY_MVE_BOTH_SIGNED(channels, first, second) \
  TVM_TINY_MVE_ONE_SIGNED(channels, first) TVM_TINY_MVE_ONE_SIGNED(channels, second)

#define TVM_TINY_MVE_DEPTHWISE(channels, filters, sums, back, first, second, keep, both) \
  "push {r7, r9, r11}\n\tmovw r0, #(%c[offset]) & 0xffff\n\tmovt r0, #((%c[offset]) >> 16) & 0xffff\n\t" \
  "mov r2, %[parameters]\n\tpush {r0, r2}\n\t" filters \
  ".if " channels " != 4\n\tmov r0, #" channels "\n\tvctp.32 r0\n\t.endif\n\tldr %[rotation], [sp, #4]\n\t" keep(channels) \
  "movw %[w], #%c[pixels] / 2\n1:\n\t" sums both(channels, first, second) \
  "subs %[w], %[w], #1\n\tbgt 1b\n\t" \
  ".if %c[pixels] & 1\n\tbmi 2f\n\t" back TVM_TINY_MVE_ADD("%[out]", "r0", "-%c[width]") "b 1b\n2:\n\t.endif\n\t" \
  "add sp, sp, #8\n\tpop {r7, r9, r11}"

#define TVM_TINY_MVE_DEFINE_DEPTHWISE(channels, sums, first, second, ...)                                             \
  static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_depthwise_2x##channels(                                      \
      int8_t *out, const int8_t *x, const int8_t *w, const uint8_t *rotation, const int32_t *parameters,              \
      int32_t pixels, int32_t step, int32_t plane, int32_t taps, int32_t width, int32_t left, int32_t offset,         \
      int32_t shift) {                                                                                                \
    register int8_t *outputs __asm__("r1") = out;                                                                     \
    register const int8_t *inputs __asm__("r3") = x;                                                                  \
    register const int8_t *filters __asm__("r5") = w;                                                                 \
    register const uint8_t *turned __asm__("r4") = rotation;                                                          \
    register const int32_t *at __asm__("r6") = parameters;                                                            \
    __asm__ volatile(                                                                                                 \
        TVM_TINY_MVE_DEPTHWISE(#channels, TVM_TINY_MVE_FILTERS_##channels, sums, TVM_TINY_MVE_BACK_##channels, first, \
                               second, TVM_TINY_MVE_KEEP, TVM_TINY_MVE_BOTH)                                          \
        : [out] "+r"(outputs), [x] "+r"(inputs), [w] "+r"(filters), [rotation] "+r"(turned), [parameters] "+r"(at)    \
        : [pixels] "i"(pixels), [step] "i"(step), [plane] "i"(plane), [taps] "i"(taps), [width] "i"(width),           \
          [left] "i"(left), [offset] "i"(offset), [shift] "i"(shift)                                                  \
        : __VA_ARGS__, "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", TVM_TINY_MVE_PREDICATE, "cc", "memory");       \
  }                                                                                                                   \
  static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_depthwise_2x##channels##_signed(                             \
      int8_t *out, const int8_t *x, const int8_t *w, const uint8_t *rotation, const int32_t *parameters,              \
      int32_t pixels, int32_t step, int32_t plane, int32_t taps, int32_t width, int32_t left, int32_t offset,         \
      int32_t shift, int32_t low, int32_t high) {                                                                     \
    register int8_t *outputs __asm__("r1") = out;                                                                     \
    register const int8_t *inputs __asm__("r3") = x;                                                                  \
    register const int8_t *filters __asm__("r5") = w;                                                                 \
    register const uint8_t *turned __asm__("r4") = rotation;                                                          \
    register const int32_t *at __asm__("r6") = parameters;                                                            \
    __asm__ volatile(                                                                                                 \
        TVM_TINY_MVE_DEPTHWISE(#channels, TVM_TINY_MVE_FILTERS_##channels, sums, TVM_TINY_MVE_BACK_##channels, first, \
                               second, TVM_TINY_MVE_KEEP_SIGNED, TVM_TINY_MVE_BOTH_SIGNED)                            \
        : [out] "+r"(outputs), [x] "+r"(inputs), [w] "+r"(filters), [rotation] "+r"(turned), [parameters] "+r"(at)    \
        : [pixels] "i"(pixels), [step] "i"(step), [plane] "i"(plane), [taps] "i"(taps), [width] "i"(width),           \
          [left] "i"(left), [offset] "i"(offset), [shift] "i"(shift), [low] "i"(low), [high] "i"(high)                \
        : __VA_ARGS__, "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", TVM_TINY_MVE_PREDICATE, "cc", "memory");       \
  }

#define TVM_TINY_MVE_FIRST_1(q) TVM_TINY_MVE_LANES_1(q, "r0")
#define TVM_TINY_MVE_FIRST_2(q) TVM_TINY_MVE_LANES_2(q, "r0", "r2")
#define TVM_TINY_MVE_FIRST_3(q) TVM_TINY_MVE_LANES_3(q, "r0", "r2", "r4")
#define TVM_TINY_MVE_FIRST_4(q) TVM_TINY_MVE_LANES_4(q, "r0", "r2", "r4", "r6")
#define TVM_TINY_MVE_SECOND_1(q) TVM_TINY_MVE_LANES_1(q, "r4")
#define TVM_TINY_MVE_SECOND_2(q) TVM_TINY_MVE_LANES_2(q, "r4", "r6")
#define TVM_TINY_MVE_SECOND_3(q) TVM_TINY_MVE_LANES_3(q, "r6", "r8", "r10")
#define TVM_TINY_MVE_SECOND_4(q) TVM_TINY_MVE_LANES_4(q, "r8", "r10", "r12", "lr")

TVM_TINY_MVE_DEFINE_DEPTHWISE(1, TVM_TINY_MVE_TAPS_1("r0") TVM_TINY_MVE_TAPS_1("r4"), TVM_TINY_MVE_FIRST_1,
                              TVM_TINY_MVE_SECOND_1, "r0", "r2")
TVM_TINY_MVE_DEFINE_DEPTHWISE(2, TVM_TINY_MVE_TAPS_2("r0", "r2") TVM_TINY_MVE_TAPS_2("r4", "r6"), TVM_TINY_MVE_FIRST_2,
                              TVM_TINY_MVE_SECOND_2, "r0", "r2")
TVM_TINY_MVE_DEFINE_DEPTHWISE(3, TVM_TINY_MVE_TAPS_3("r0", "r2", "r4") TVM_TINY_MVE_TAPS_3("r6", "r8", "r10"),
                              TVM_TINY_MVE_FIRST_3, TVM_TINY_MVE_SECOND_3, "r0", "r2", "r8", "r10")
TVM_TINY_MVE_DEFINE_DEPTHWISE(4,
                              TVM_TINY_MVE_TAPS_4("r0", "r2", "r4", "r6") TVM_TINY_MVE_TAPS_4("r8", "r10", "r12", "lr"),
                              TVM_TINY_MVE_FIRST_4, TVM_TINY_MVE_SECOND_4, "r0", "r2", "r8", "r10", "r12", "lr")

#pragma GCC diagnostic pop
#else
#define TVM_TINY_MVE_DEFINE_DEPTHWISE(channels)                                                                        \
  static inline void tvm_tiny_mve_depthwise_2x##channels(int8_t *out, const int8_t *x, const int8_t *w,                \
                                                         const uint8_t *rotation, const int32_t *parameters,           \
                                                         int32_t pixels, int32_t step, int32_t plane, int32_t taps,    \
                                                         int32_t width, int32_t left, int32_t offset, int32_t shift) { \
    tvm_tiny_mve_depthwise_portable(out, x, w, rotation, parameters, pixels, channels, step, plane, taps, width, left, \
                                    offset, shift);                                                                    \
  }                                                                                                                    \
  static inline void tvm_tiny_mve_depthwise_2x##channels##_signed(                                                     \
      int8_t *out, const int8_t *x, const int8_t *w, const uint8_t *rotation, const int32_t *parameters,               \
      int32_t pixels, int32_t step, int32_t plane, int32_t taps, int32_t width, int32_t left, int32_t offset,          \
      int32_t shift, int32_t low, int32_t high) {                                                                      \
    tvm_tiny_mve_depthwise_portable_signed(out, x, w, rotation, parameters, pixels, channels, step, plane, taps,       \
                                           width, left, offset, shift, low, high);                                     \
  }

TVM_TINY_MVE_DEFINE_DEPTHWISE(1)
TVM_TINY_MVE_DEFINE_DEPTHWISE(2)
TVM_TINY_MVE_DEFINE_DEPTHWISE(3)
TVM_TINY_MVE_DEFINE_DEPTHWISE(4)
#endif

#endif /* TVM_TINY_RUNTIME_MVE_DEPTHWISE_H_ */
