/* SPDX-License-Identifier: Apache-2.0
 *
 * From accumulators to int8, four channels at a time:
 *
 *   saturate((((acc << left) + bias - (that is negative ? unit : 0)) * multiplier / 2^31 + offset) / 2^shift)
 *
 * The first quotient is rounded down, the second to the nearest, halves up. (The shift that would round down, VQSHRN,
 * is assembled as the one that rounds by GNU's assembler 2.40.) Bias, multiplier and unit are those of the channel, and
 * so chosen that the result is the reference's for every accumulator that can occur. They lie behind one another: the
 * bias of all channels of the call, then their multipliers, then their units. */
#ifndef TVM_TINY_RUNTIME_MVE_REQUANTIZE_H_
#define TVM_TINY_RUNTIME_MVE_REQUANTIZE_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/integer.h"
#include "tvm_tiny/runtime/mve.h"

/* What becomes of one accumulator where no channel has a unit. */
static inline int32_t tvm_tiny_mve_requantize(int32_t acc, int32_t bias, int32_t multiplier, int32_t left,
                                              int32_t offset, int32_t shift) {
  const int32_t sum = (int32_t)(((uint32_t)acc << left) + (uint32_t)bias);
  const int32_t high = (int32_t)(((int64_t)sum * multiplier) >> 31) + offset;
  return tvm_tiny_clamp((high + (1 << (shift - 1))) >> shift, -128, 127);
}

/* What becomes of one accumulator where negative ones round the other way, held within [low, high] besides. */
static inline int32_t tvm_tiny_mve_requantize_signed(int32_t acc, int32_t bias, int32_t multiplier, int32_t unit,
                                                     int32_t left, int32_t offset, int32_t shift, int32_t low,
                                                     int32_t high) {
  const int32_t sum = (int32_t)(((uint32_t)acc << left) + (uint32_t)bias);
  const int32_t corrected = (sum < 0) ? (sum - unit) : sum;
  return tvm_tiny_clamp(tvm_tiny_mve_requantize(corrected, 0, multiplier, 0, offset, shift), low, high);
}

#if TVM_TINY_MVE
/* In place: accumulators in q, biases in q0, multipliers in q1, units in q4, limits in q5 and q6. */
#define TVM_TINY_MVE_SUM(q) \
  ".if %c[left]\n\tvshl.i32 " q ", " q ", #%c[left]\n\t.endif\n\tvadd.i32 " q ", " q ", q0\n\t"
#define TVM_TINY_MVE_SCALE(q)                                   \
  "vqdmlash.s32 " q ", q1, %[offset]\n\tvqrshrnb.s32 " q ", " q \
  ", #%c[shift]\n\t"                                            \
  "vqmovnb.s16 " q ", " q "\n\t"
#define TVM_TINY_MVE_CORRECT(q) "vshr.s32 q3, " q ", #31\n\tvand q3, q3, q4\n\tvsub.i32 " q ", " q ", q3\n\t"
#define TVM_TINY_MVE_HOLD(q)                \
  ".if %c[low] > -128\n\tvmax.s8 " q ", " q \
  ", q5\n\t.endif\n\t"                      \
  ".if %c[high] < 127\n\tvmin.s8 " q ", " q ", q6\n\t.endif\n\t"
#define TVM_TINY_MVE_LIMITS                                               \
  ".if %c[low] > -128\n\tmov lr, #%c[low]\n\tvdup.8 q5, lr\n\t.endif\n\t" \
  ".if %c[high] < 127\n\tmov lr, #%c[high]\n\tvdup.8 q6, lr\n\t.endif\n\t"

/* Four channels of a pixel, or, under a predicate, fewer of them. */
#define TVM_TINY_MVE_CHANNELS_BEGIN ".if %c[channels] != 4\n\tmov lr, #%c[channels]\n\tvctp.32 lr\n\t.endif\n\t"
#define TVM_TINY_MVE_CHANNELS_LOAD(q, address)         \
  ".if %c[channels] == 4\n\tvldrw.u32 " q ", " address \
  "\n\t"                                               \
  ".else\n\tvpst\n\tvldrwt.u32 " q ", " address "\n\t.endif\n\t"
#define TVM_TINY_MVE_TILE_LOAD(q) TVM_TINY_MVE_CHANNELS_LOAD(q, "[%[acc]], #4 * %c[channels]")
#define TVM_TINY_MVE_TILE_STORE(q)                                                   \
  ".if %c[channels] != 4\n\tvpst\n\tvstrbt.32 " q ", [%[out]]\n\t" TVM_TINY_MVE_ADD( \
      "%[out]", "r12", "%c[pitch]") ".elseif %c[pitch] < 128\n\tvstrb.32 " q         \
                                    ", [%[out]], #%c[pitch]\n\t"                     \
                                    ".else\n\tvstrb.32 " q                           \
                                    ", [%[out]]\n\t" TVM_TINY_MVE_ADD("%[out]", "r12", "%c[pitch]") ".endif\n\t"
#endif

/* out[pixel * pitch + channel] of acc[pixel * channels + channel], for one to four channels. */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_requantize_tile(int8_t *out, const int32_t *acc,
                                                                       const int32_t *parameters, int32_t pixels,
                                                                       int32_t channels, int32_t pitch, int32_t left,
                                                                       int32_t offset, int32_t shift) {
#if TVM_TINY_MVE
  __asm__ volatile(TVM_TINY_MVE_CHANNELS_BEGIN
                   TVM_TINY_MVE_CHANNELS_LOAD("q0", "[%[parameters]]")
                   TVM_TINY_MVE_CHANNELS_LOAD("q1", "[%[parameters], #4 * %c[channels]]")
                   ".if %c[pixels] > 1\n\tmovw lr, #%c[pixels] / 2\n\tdls lr, lr\n1:\n\t"
                   TVM_TINY_MVE_TILE_LOAD("q2") TVM_TINY_MVE_TILE_LOAD("q3")
                   TVM_TINY_MVE_SUM("q2") TVM_TINY_MVE_SUM("q3")
                   TVM_TINY_MVE_SCALE("q2") TVM_TINY_MVE_SCALE("q3")
                   TVM_TINY_MVE_TILE_STORE("q2") TVM_TINY_MVE_TILE_STORE("q3")
                   "le lr, 1b\n\t.endif\n\t"
                   ".if %c[pixels] & 1\n\t"
                   TVM_TINY_MVE_TILE_LOAD("q2") TVM_TINY_MVE_SUM("q2") TVM_TINY_MVE_SCALE("q2")
                   TVM_TINY_MVE_TILE_STORE("q2")
                   ".endif"
                   : [out] "+l"(out), [acc] "+r"(acc)
                   : [parameters] "r"(parameters), [offset] "r"(offset), [pixels] "i"(pixels),
                     [channels] "i"(channels), [pitch] "i"(pitch), [left] "i"(left), [shift] "i"(shift)
                   : "r12", "lr", "q0", "q1", "q2", "q3", TVM_TINY_MVE_PREDICATE, "cc", "memory");
#else
  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    for (int32_t c = 0; c < channels; ++c) {
      out[pixel * pitch + c] = (int8_t)tvm_tiny_mve_requantize(acc[pixel * channels + c], parameters[c],
                                                               parameters[channels + c], left, offset, shift);
    }
  }
#endif
}

static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_requantize_tile_signed(
    int8_t *out, const int32_t *acc, const int32_t *parameters, int32_t pixels, int32_t channels, int32_t pitch,
    int32_t left, int32_t offset, int32_t shift, int32_t low, int32_t high) {
#if TVM_TINY_MVE
  __asm__ volatile(TVM_TINY_MVE_CHANNELS_BEGIN TVM_TINY_MVE_CHANNELS_LOAD("q0", "[%[parameters]]")
                       TVM_TINY_MVE_CHANNELS_LOAD("q1", "[%[parameters], #4 * %c[channels]]")
                           TVM_TINY_MVE_CHANNELS_LOAD("q4", "[%[parameters], #8 * %c[channels]]") TVM_TINY_MVE_LIMITS
                   "movw lr, #%c[pixels]\n\tdls lr, lr\n1:\n\t" TVM_TINY_MVE_TILE_LOAD("q2") TVM_TINY_MVE_SUM("q2")
                       TVM_TINY_MVE_CORRECT("q2") TVM_TINY_MVE_SCALE("q2") TVM_TINY_MVE_HOLD("q2")
                           TVM_TINY_MVE_TILE_STORE("q2") "le lr, 1b"
                   : [out] "+l"(out), [acc] "+r"(acc)
                   : [parameters] "r"(parameters), [offset] "r"(offset), [pixels] "i"(pixels), [channels] "i"(channels),
                     [pitch] "i"(pitch), [left] "i"(left), [shift] "i"(shift), [low] "i"(low), [high] "i"(high)
                   : "r12", "lr", "q0", "q1", "q2", "q3", "q4", "q5", "q6", TVM_TINY_MVE_PREDICATE, "cc", "memory");
#else
  for (int32_t pixel = 0; pixel < pixels; ++pixel) {
    for (int32_t c = 0; c < channels; ++c) {
      out[pixel * pitch + c] =
          (int8_t)tvm_tiny_mve_requantize_signed(acc[pixel * channels + c], parameters[c], parameters[channels + c],
                                                 parameters[2 * channels + c], left, offset, shift, low, high);
    }
  }
#endif
}

/* out[channel] of acc[channel], for any number of channels. */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_requantize_row(int8_t *out, const int32_t *acc,
                                                                      const int32_t *parameters, int32_t channels,
                                                                      int32_t left, int32_t offset, int32_t shift) {
  const int32_t *multiplier = &parameters[channels];
#if TVM_TINY_MVE
  __asm__ volatile(
      "dlstp.32 lr, %[channels]\n1:\n\tvldrw.u32 q2, [%[acc]], #16\n\tvldrw.u32 q0, [%[bias]], #16\n\t"
      "vldrw.u32 q1, [%[multiplier]], #16\n\t" TVM_TINY_MVE_SUM("q2")
          TVM_TINY_MVE_SCALE("q2") "vstrb.32 q2, [%[out]], #4\n\tletp lr, 1b"
      : [out] "+l"(out), [acc] "+r"(acc), [bias] "+r"(parameters), [multiplier] "+r"(multiplier)
      : [channels] "r"(channels), [offset] "r"(offset), [left] "i"(left), [shift] "i"(shift)
      : "lr", "q0", "q1", "q2", "cc", "memory");
#else
  for (int32_t c = 0; c < channels; ++c) {
    out[c] = (int8_t)tvm_tiny_mve_requantize(acc[c], parameters[c], multiplier[c], left, offset, shift);
  }
#endif
}

static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_requantize_row_signed(int8_t *out, const int32_t *acc,
                                                                             const int32_t *parameters,
                                                                             int32_t channels, int32_t left,
                                                                             int32_t offset, int32_t shift, int32_t low,
                                                                             int32_t high) {
  const int32_t *multiplier = &parameters[channels];
  const int32_t *unit = &parameters[2 * channels];
#if TVM_TINY_MVE
  __asm__ volatile(
      TVM_TINY_MVE_LIMITS
      "dlstp.32 lr, %[channels]\n1:\n\tvldrw.u32 q2, [%[acc]], #16\n\tvldrw.u32 q0, [%[bias]], #16\n\t"
      "vldrw.u32 q1, [%[multiplier]], #16\n\tvldrw.u32 q4, [%[unit]], #16\n\t" TVM_TINY_MVE_SUM("q2")
          TVM_TINY_MVE_CORRECT("q2") TVM_TINY_MVE_SCALE("q2")
              TVM_TINY_MVE_HOLD("q2") "vstrb.32 q2, [%[out]], #4\n\tletp lr, 1b"
      : [out] "+l"(out), [acc] "+r"(acc), [bias] "+r"(parameters), [multiplier] "+r"(multiplier), [unit] "+r"(unit)
      : [channels] "r"(channels), [offset] "r"(offset), [left] "i"(left), [shift] "i"(shift), [low] "i"(low),
        [high] "i"(high)
      : "lr", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "cc", "memory");
#else
  for (int32_t c = 0; c < channels; ++c) {
    out[c] = (int8_t)tvm_tiny_mve_requantize_signed(acc[c], parameters[c], multiplier[c], unit[c], left, offset, shift,
                                                    low, high);
  }
#endif
}

#endif /* TVM_TINY_RUNTIME_MVE_REQUANTIZE_H_ */
