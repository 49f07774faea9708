/* SPDX-License-Identifier: Apache-2.0
 *
 * The inner loops for MVE in a small form: one copy of each for all layers, with numbers that are known when they run
 * instead of when they are compiled. What they compute is told in mve_dot.h, mve_depthwise.h and mve_columns.h. "roles"
 * is 3 where negative sums have units, else 2, and outputs are held within [low, high] in either case. */
#ifndef TVM_TINY_RUNTIME_MVE_SMALL_H_
#define TVM_TINY_RUNTIME_MVE_SMALL_H_

#include <stddef.h>
#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/mve.h"
#include "tvm_tiny/runtime/mve_columns.h"
#include "tvm_tiny/runtime/mve_depthwise.h"
#include "tvm_tiny/runtime/mve_dot.h"

#if TVM_TINY_MVE
#include <arm_mve.h>

/* Four sums to outputs; those that are stored are chosen by the caller. */
static inline TVM_TINY_ALWAYS_INLINE int32x4_t tvm_tiny_mve_small_scale(int32x4_t sum, int32x4_t bias,
                                                                        int32x4_t multiplier, int32x4_t unit,
                                                                        int32_t left, int32_t offset, int32_t shift,
                                                                        int32_t low, int32_t high) {
  sum = vaddq_s32(vshlq_r_s32(sum, left), bias);
  sum = vsubq_s32(sum, vandq_s32(vshrq_n_s32(sum, 31), unit));
  sum = vrshlq_n_s32(vqdmlashq_n_s32(sum, multiplier, offset), -shift);
  return vminq_s32(vmaxq_s32(sum, vdupq_n_s32(low)), vdupq_n_s32(high));
}

/* What the loop over groups of four channels works with: it moves weights, parameters and outputs along. */
struct tvm_tiny_mve_pair {
  const int8_t *x;
  const int8_t *other;
  int32_t steps; /* whole vectors of the depth */
  int32_t rest;
  const int8_t *w;
  const int32_t *parameters;
  int32_t left;
  int32_t offset;
  int32_t low;
  int32_t high;
  int8_t *out;
  int8_t *other_out;
  int32_t back; /* the shift to the right, negative */
  int32_t roles;
  int32_t groups;
};

/* Two pixels against all groups. */
#define TVM_TINY_MVE_SMALL_REST(first, second) \
  "vpst\n\tvldrbt.u8 q2, [%[w]]\n\tadd %[w], %[w], r9\n\t" TVM_TINY_MVE_PAIR("vmladava", "q2", first, second)
#define TVM_TINY_MVE_SMALL_UNIT(q) "vshr.s32 q4, " q ", #31\n\tvand q4, q4, q2\n\tvsub.i32 " q ", " q ", q4\n\t"

static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_small_groups(struct tvm_tiny_mve_pair *pair) {
  register struct tvm_tiny_mve_pair *at __asm__("r1") = pair;
  register const int8_t *x __asm__("r3");
  register const int8_t *w __asm__("r5");
  __asm__ volatile(
      "push {r7, r9, r11}\n1:\n\tldrd %[x], r11, [%[at]]\n\tldrd r7, r9, [%[at], #8]\n\tldr %[w], [%[at], #16]\n\t"
      "mov r0, #0\n\tmov r2, #0\n\tmov r4, #0\n\tmov r6, #0\n\tmov r8, #0\n\tmov r10, #0\n\tmov r12, #0\n\tmov lr, #0\n\t"
      "cmp r7, #0\n\tbeq 3f\n2:\n\t" TVM_TINY_MVE_STEP_2X4("vmladava") "subs r7, r7, #1\n\tbne 2b\n3:\n\t"
      "cmp r9, #0\n\tbeq 4f\n\tvctp.8 r9\n\tvpstt\n\tvldrbt.u8 q0, [%[x]]\n\tvldrbt.u8 q1, [r11]\n\t"
      TVM_TINY_MVE_SMALL_REST("r0", "r8") TVM_TINY_MVE_SMALL_REST("r2", "r10")
      TVM_TINY_MVE_SMALL_REST("r4", "r12") TVM_TINY_MVE_SMALL_REST("r6", "lr")
      "4:\n\tstr %[w], [%[at], #16]\n\t" TVM_TINY_MVE_LANES_2X4
      "ldr %[x], [%[at], #20]\n\tvldrw.u32 q2, [%[x]], #16\n\tvldrw.u32 q3, [%[x]], #16\n\tldrd r0, r2, [%[at], #24]\n\t"
      "vshl.s32 q0, r0\n\tvshl.s32 q1, r0\n\tvadd.i32 q0, q0, q2\n\tvadd.i32 q1, q1, q2\n\t"
      "ldrd r4, r6, [%[at], #48]\n\tcmp r6, #3\n\tbne 5f\n\tvldrw.u32 q2, [%[x]], #16\n\t"
      TVM_TINY_MVE_SMALL_UNIT("q0") TVM_TINY_MVE_SMALL_UNIT("q1")
      "5:\n\tstr %[x], [%[at], #20]\n\tvqdmlash.s32 q0, q3, r2\n\tvqdmlash.s32 q1, q3, r2\n\tldrd r0, r2, [%[at], #32]\n\t"
      "vrshl.s32 q0, r4\n\tvrshl.s32 q1, r4\n\tvdup.32 q2, r0\n\tvdup.32 q3, r2\n\t"
      "vmax.s32 q0, q0, q2\n\tvmax.s32 q1, q1, q2\n\tvmin.s32 q0, q0, q3\n\tvmin.s32 q1, q1, q3\n\t"
      "ldrd r0, r2, [%[at], #40]\n\tvstrb.32 q0, [r0], #4\n\tvstrb.32 q1, [r2], #4\n\tstrd r0, r2, [%[at], #40]\n\t"
      "ldr r0, [%[at], #56]\n\tsubs r0, r0, #1\n\tstr r0, [%[at], #56]\n\tbne 1b\n\tpop {r7, r9, r11}"
      : [x] "=r"(x), [w] "=r"(w)
      : [at] "r"(at)
      : "r0", "r2", "r4", "r6", "r8", "r10", "r12", "lr", "q0", "q1", "q2", "q3", "q4", TVM_TINY_MVE_PREDICATE, "cc",
        "memory");
}

static inline TVM_TINY_ALWAYS_INLINE int32_t tvm_tiny_mve_small_sum(const int8_t *x, const int8_t *w, int32_t depth) {
  int32_t sum = 0;
  for (int32_t k = 0; k < depth; k += 16) {
    const mve_pred16_t chosen = vctp8q((uint32_t)depth - (uint32_t)k);
    sum = vmladavaq_s8(sum, vldrbq_z_s8(&x[k], chosen), vldrbq_z_s8(&w[k], chosen));
  }
  return sum;
}
#endif

/* Groups of four channels or of one. */
static TVM_TINY_KERNEL void tvm_tiny_mve_dot_small(int8_t *out, const int8_t *x, const int8_t *w,
                                                   const int32_t *parameters, int32_t pixels, int32_t groups,
                                                   int32_t channels, int32_t pitch, int32_t depth, int32_t width,
                                                   int32_t roles, int32_t left, int32_t offset, int32_t shift,
                                                   int32_t low, int32_t high) {
#if TVM_TINY_MVE
  if (channels == 4) {
    for (int32_t pixel = 0; pixel < pixels; pixel += 2) {
      const int32_t next = ((pixel + 1) < pixels) ? (pixel + 1) : pixel;
      struct tvm_tiny_mve_pair pair = {
          &x[pixel * pitch],   &x[next * pitch],   depth / 16, depth % 16, w,     parameters, left, offset, low, high,
          &out[pixel * width], &out[next * width], -shift,     roles,      groups};
      tvm_tiny_mve_small_groups(&pair);
    }
    return;
  }
  for (int32_t group = 0; group < groups; ++group) {
    for (int32_t pixel = 0; pixel < pixels; ++pixel) {
      const int32x4_t sum = vdupq_n_s32(tvm_tiny_mve_small_sum(&x[pixel * pitch], w, depth));
      const int32x4_t scaled =
          tvm_tiny_mve_small_scale(sum, vdupq_n_s32(parameters[0]), vdupq_n_s32(parameters[1]),
                                   vdupq_n_s32((roles == 3) ? parameters[2] : 0), left, offset, shift, low, high);
      out[pixel * width + group] = (int8_t)vgetq_lane_s32(scaled, 0);
    }
    w = &w[depth];
    parameters += roles;
  }
#else
  if (roles == 3) {
    tvm_tiny_mve_dot_portable_signed(out, x, w, parameters, pixels, groups, channels, pitch, depth, width, left, offset,
                                     shift, low, high);
  } else {
    tvm_tiny_mve_dot_portable(out, x, w, parameters, pixels, groups, channels, pitch, depth, width, left, offset,
                              shift);
  }
#endif
}

#if TVM_TINY_MVE
/* The sums of the windows of four pixels. */
static inline TVM_TINY_ALWAYS_INLINE int32x4_t tvm_tiny_mve_small_windows(const int8_t *x, int32_t step,
                                                                          int8x16_t filter) {
  int32x4_t sums;
  int8x16_t window;
  __asm__(
      "vldrb.u8 %q[window], [%[x]]\n\tadd %[x], %[x], %[step]\n\tvmladav.s8 r0, %q[window], %q[filter]\n\t"
      "vldrb.u8 %q[window], [%[x]]\n\tadd %[x], %[x], %[step]\n\tvmladav.s8 r2, %q[window], %q[filter]\n\t"
      "vldrb.u8 %q[window], [%[x]]\n\tadd %[x], %[x], %[step]\n\tvmladav.s8 r4, %q[window], %q[filter]\n\t"
      "vldrb.u8 %q[window], [%[x]]\n\tvmladav.s8 r6, %q[window], %q[filter]\n\t"
      "vmov %q[sums][2], %q[sums][0], r0, r4\n\tvmov %q[sums][3], %q[sums][1], r2, r6"
      : [sums] "=&w"(sums), [window] "=&w"(window), [x] "+r"(x)
      : [step] "r"(step), [filter] "w"(filter)
      : "r0", "r2", "r4", "r6", "memory");
  return sums;
}
#endif

/* Channel after channel, four pixels at a time; the last of them go with others that are computed again. The parameters
 * of a channel lie together. */
static TVM_TINY_KERNEL void tvm_tiny_mve_depthwise_small(int8_t *out, const int8_t *x, const int8_t *w,
                                                         const uint8_t *rotation, const int32_t *parameters,
                                                         int32_t pixels, int32_t channels, int32_t step, int32_t plane,
                                                         int32_t taps, int32_t width, int32_t roles, int32_t left,
                                                         int32_t offset, int32_t shift, int32_t low, int32_t high) {
#if TVM_TINY_MVE
  const mve_pred16_t tap = vctp8q((uint32_t)taps);
  const uint8x16_t turned = vldrbq_z_u8(rotation, tap);
  const uint32x4_t places = vmulq_n_u32(vidupq_n_u32(0, 1), (uint32_t)width);
  for (int32_t c = 0; c < channels; ++c) {
    const int8x16_t filter = vldrbq_gather_offset_z_s8(w, turned, tap);
    const int32_t unit = (roles == 3) ? parameters[2] : 0;
    const int32x4_t multiplier = vdupq_n_s32(parameters[1]);
    int32_t pixel = 0;
    for (;;) {
      const int32_t count = ((pixels - pixel) < 4) ? (pixels - pixel) : 4;
      const mve_pred16_t chosen = vctp32q((uint32_t)count);
      const int8_t *window = &x[pixel * step];
      int32x4_t sum = vdupq_n_s32(vmladavq_s8(vldrbq_s8(window), filter));
      if (count == 4) {
        sum = tvm_tiny_mve_small_windows(window, step, filter);
      } else {
        for (int32_t i = 1; i < count; ++i) {
          window = &window[step];
          sum = vdupq_m_n_s32(sum, vmladavq_s8(vldrbq_s8(window), filter), vctp32q((uint32_t)i) ^ 0xffffu);
        }
      }
      sum = vaddq_n_s32(vshlq_r_s32(sum, left), parameters[0]);
      sum = vmlaq_n_s32(sum, vshrq_n_s32(sum, 31), unit);
      sum = vrshlq_n_s32(vqdmlashq_n_s32(sum, multiplier, offset), -shift);
      sum = vminq_s32(vmaxq_s32(sum, vdupq_n_s32(low)), vdupq_n_s32(high));
      vstrbq_scatter_offset_p_s32(&out[pixel * width + c], places, sum, chosen);
      if ((pixel + 4) >= pixels) {
        break;
      }
      pixel = ((pixel + 8) <= pixels) ? (pixel + 4) : (pixels - 4);
    }
    x = &x[plane];
    w = &w[taps];
    parameters += roles;
  }
#else
  for (int32_t c = 0; c < channels; ++c) {
    if (roles == 3) {
      tvm_tiny_mve_depthwise_portable_signed(&out[c], &x[c * plane], &w[c * taps], rotation, &parameters[c * 3], pixels,
                                             1, step, plane, taps, width, left, offset, shift, low, high);
    } else {
      tvm_tiny_mve_depthwise_portable(&out[c], &x[c * plane], &w[c * taps], rotation, &parameters[c * 2], pixels, 1,
                                      step, plane, taps, width, left, offset, shift);
    }
  }
#endif
}

/* to[column * pitch + channel] = from[column * channels + channel]; "value" everywhere where there is no "from". */
static TVM_TINY_KERNEL void tvm_tiny_mve_small_columns_row(int8_t *to, const int8_t *from, int8_t value,
                                                           int32_t columns, int32_t channels, int32_t pitch) {
#if TVM_TINY_MVE
  int8x16_t vector = vdupq_n_s8(value);
  for (int32_t column = 0; column < columns; ++column) {
    for (int32_t c = 0; c < channels; c += 16) {
      const mve_pred16_t chosen = vctp8q((uint32_t)channels - (uint32_t)c);
      if (from != NULL) {
        vector = vldrbq_z_s8(&from[c], chosen);
      }
      vstrbq_p_s8(&to[c], vector, chosen);
    }
    from = (from != NULL) ? &from[channels] : from;
    to = &to[pitch];
  }
#else
  if (from != NULL) {
    tvm_tiny_mve_copy_columns(to, from, columns, channels, pitch);
  } else {
    tvm_tiny_mve_fill_columns(to, value, columns, channels, pitch);
  }
#endif
}

static TVM_TINY_KERNEL void tvm_tiny_mve_columns_small(int8_t *columns, const int8_t *image, int32_t first,
                                                       int32_t begin, int32_t height, int32_t width, int32_t channels,
                                                       int32_t kernel, int32_t dilation, int32_t left, int32_t count,
                                                       int32_t copied, int32_t pad, int32_t below) {
  const int32_t pitch = kernel * channels;
  if (begin != 0) {
    tvm_tiny_mve_fill(columns, pad, count * pitch);
  }
  for (int32_t tap = 0; tap < kernel; ++tap) {
    const int32_t row = first + tap * dilation;
    if ((row >= 0) && ((row < height) || (below != 0))) {
      tvm_tiny_mve_small_columns_row(&columns[left * pitch + tap * channels],
                                     (row < height) ? &image[row * width * channels] : NULL, (int8_t)pad, copied,
                                     channels, pitch);
    }
  }
}

/* to[channel * plane + column * kernel] = from[column * channels + channel]; "value" where there is no "from". */
static TVM_TINY_KERNEL void tvm_tiny_mve_small_planes_row(int8_t *to, const int8_t *from, int8_t value, int32_t columns,
                                                          int32_t channels, int32_t kernel, int32_t plane) {
#if TVM_TINY_MVE
  const uint16x8_t places = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)plane);
  int16x8_t vector = vdupq_n_s16(value);
  for (int32_t column = 0; column < columns; ++column) {
    for (int32_t c = 0; c < channels; c += 8) {
      const mve_pred16_t chosen = vctp16q((uint32_t)channels - (uint32_t)c);
      if (from != NULL) {
        vector = vldrbq_z_s16(&from[c], chosen);
      }
      vstrbq_scatter_offset_p_s16(&to[c * plane], places, vector, chosen);
    }
    from = (from != NULL) ? &from[channels] : from;
    to = &to[kernel];
  }
#else
  if (from != NULL) {
    tvm_tiny_mve_copy_planes(to, from, columns, channels, kernel, plane, channels);
  } else {
    tvm_tiny_mve_fill_planes(to, value, columns, channels, kernel, plane);
  }
#endif
}

static TVM_TINY_KERNEL void tvm_tiny_mve_planes_small(int8_t *planes, const int8_t *image, int32_t first, int32_t rows,
                                                      int32_t place, int32_t begin, int32_t height, int32_t width,
                                                      int32_t channels, int32_t kernel, int32_t dilation, int32_t left,
                                                      int32_t count, int32_t copied, int32_t pad, int32_t below) {
  const int32_t plane = count * kernel;
  if (begin != 0) {
    tvm_tiny_mve_fill(planes, pad, channels * plane + left * kernel);
  }
  for (int32_t i = 0; i < rows; ++i) {
    const int32_t row = first + i * dilation;
    const int32_t at = ((place + i) >= kernel) ? (place + i - kernel) : (place + i);
    if ((row >= 0) && ((row < height) || (below != 0))) {
      tvm_tiny_mve_small_planes_row(&planes[left * kernel + at], (row < height) ? &image[row * width * channels] : NULL,
                                    (int8_t)pad, copied, channels, kernel, plane);
    }
  }
}

#endif /* TVM_TINY_RUNTIME_MVE_SMALL_H_ */
