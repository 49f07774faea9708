/* SPDX-License-Identifier: Apache-2.0
 *
 * The matrix product of mve_dot.h for four channels at a time, with its steps in another order: for a group of channels
 * all pixels, and what makes outputs of two pixels' sums stands between the multiplications of the next two.
 *
 * A VMLADAV holds the multiplier for two cycles, in which a load or an instruction of the requantisation can start.
 * What is at work with the first two pixels of a group finds no sums: it stores anything where their outputs are stored
 * next. */
#ifndef TVM_TINY_RUNTIME_MVE_DOT_PIPELINED_H_
#define TVM_TINY_RUNTIME_MVE_DOT_PIPELINED_H_

#include <stdint.h>

#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/mve.h"
#include "tvm_tiny/runtime/mve_dot.h"

#if TVM_TINY_MVE
/* Inputs of the two pixels are in q0 and q1, weights in q2 and q3, sums of the pixels before them in q4 and q5. r1
 * points to their outputs, r3 and r11 to the inputs, r5 to the weights. Without units q6 and q7 are biases and
 * multipliers and r9 counts pairs of pixels; with them q6 and q7 change and r9 points to the parameters. r7 is the
 * offset of the requantisation, then the counter of the depth.
 *
 * In memory: [sp] the offset, then the parameters, pairs of pixels, groups, and, with units, two vectors of limits. */
#define TVM_TINY_MVE_WHOLE(q, at) "vldrb.u8 " q ", [" at "], #16\n\t"
#define TVM_TINY_MVE_PART(q, at) "vpst\n\tvldrbt.u8 " q ", [" at "]\n\t"
#define TVM_TINY_MVE_WHOLE_WEIGHTS(q, channel) TVM_TINY_MVE_WHOLE(q, "%[w]")
#define TVM_TINY_MVE_PART_WEIGHTS(q, channel) TVM_TINY_MVE_PART(q, "%[w], #%c[rest] * " channel)

/* The loads of the next step that stand in this one: of a whole vector, of what remains, of nothing. */
#define TVM_TINY_MVE_NEXT(more, q, at) \
  ".if " more "\n\t" TVM_TINY_MVE_WHOLE(q, at) ".elseif %c[rest]\n\t" TVM_TINY_MVE_PART(q, at) ".endif\n\t"

/* A step of the depth. Its first inputs and weights have been loaded; s0 to s7 go between the multiplications, and so
 * do the loads of the next step, where there is one if "more". */
#define TVM_TINY_MVE_STEP(mla, weights, more, s0, s1, s2, s3, s4, s5, s6, s7)                       \
  mla ".s8 r0, q0, q2\n\t" s0 weights("q3", "1") mla ".s8 r8, q1, q2\n\t" s1 weights("q2", "2") mla \
      ".s8 r2, q0, q3\n\t" s2 mla ".s8 r10, q1, q3\n\t" s3 weights("q3", "3") mla                   \
      ".s8 r4, q0, q2\n\t" s4 mla ".s8 r6, q0, q3\n\t" s5                                           \
      TVM_TINY_MVE_NEXT(more, "q0", "%[x]") mla ".s8 r12, q1, q2\n\t" s6                            \
      TVM_TINY_MVE_NEXT(more, "q2", "%[w]") mla ".s8 lr, q1, q3\n\t" s7                             \
      TVM_TINY_MVE_NEXT(more, "q1", "r11")
/* The last step, of what remains. */
#define TVM_TINY_MVE_LAST(mla, s0, s1, s2, s3, s4, s5, s6, s7)                                      \
  mla ".s8 r0, q0, q2\n\t" s0 TVM_TINY_MVE_PART_WEIGHTS("q3", "1") mla                              \
      ".s8 r8, q1, q2\n\t" s1 TVM_TINY_MVE_PART_WEIGHTS("q2", "2") mla                              \
      ".s8 r2, q0, q3\n\t" s2 mla ".s8 r10, q1, q3\n\t" s3 TVM_TINY_MVE_PART_WEIGHTS("q3", "3") mla \
      ".s8 r4, q0, q2\n\t" s4 mla ".s8 r6, q0, q3\n\t" s5 mla ".s8 r12, q1, q2\n\t" s6 mla ".s8 lr, q1, q3\n\t" s7

/* The sums of two pixels to q4 and q5, while the first inputs and weights of the next two are loaded. */
#define TVM_TINY_MVE_SUMS_0 "vmov q4[2], q4[0], r0, r4\n\t"
#define TVM_TINY_MVE_SUMS_1 "vmov q4[3], q4[1], r2, r6\n\t"
#define TVM_TINY_MVE_SUMS_2 "vmov q5[2], q5[0], r8, r12\n\t"
#define TVM_TINY_MVE_SUMS_3 "vmov q5[3], q5[1], r10, lr\n\t"
#define TVM_TINY_MVE_HEAD(load) \
  load("q0", "%[x]") TVM_TINY_MVE_SUMS_0 load("q2", "%[w]") TVM_TINY_MVE_SUMS_1 load("q1", "r11") TVM_TINY_MVE_SUMS_2

/* Requantisation, in twelve parts; a multiplication has others around it. */
#define TVM_TINY_MVE_LEFT(q) ".if %c[left]\n\tvshl.i32 " q ", " q ", #%c[left]\n\t.endif\n\t"
#define TVM_TINY_MVE_NARROW(q) "vqrshrnb.s32 " q ", " q ", #%c[shift]\n\t"
#define TVM_TINY_MVE_PLAIN_0 TVM_TINY_MVE_SUMS_3
#define TVM_TINY_MVE_PLAIN_1 TVM_TINY_MVE_LEFT("q4")
#define TVM_TINY_MVE_PLAIN_2 TVM_TINY_MVE_LEFT("q5")
#define TVM_TINY_MVE_PLAIN_3 "vadd.i32 q4, q4, q6\n\t"
#define TVM_TINY_MVE_PLAIN_4 "vadd.i32 q5, q5, q6\n\t"
#define TVM_TINY_MVE_PLAIN_5 "vqdmlash.s32 q4, q7, r7\n\t"
#define TVM_TINY_MVE_PLAIN_6 ""
#define TVM_TINY_MVE_PLAIN_7 TVM_TINY_MVE_NARROW("q4") "vqdmlash.s32 q5, q7, r7\n\t"
#define TVM_TINY_MVE_PLAIN_8 "vqmovnb.s16 q4, q4\n\t"
#define TVM_TINY_MVE_PLAIN_9 TVM_TINY_MVE_NARROW("q5")
#define TVM_TINY_MVE_PLAIN_10 "vstrb.32 q4, [%[out]]\n\t"
#define TVM_TINY_MVE_PLAIN_11 "vqmovnb.s16 q5, q5\n\t"
#define TVM_TINY_MVE_PLAIN_12                                                                               \
  ".if %c[width] < 128\n\tvstrb.32 q5, [%[out], #%c[width]]\n\t.else\n\tadd %[out], %[out], #%c[width]\n\t" \
  "vstrb.32 q5, [%[out]]\n\t.endif\n\t"

#define TVM_TINY_MVE_SIGNED_0 TVM_TINY_MVE_SUMS_3
#define TVM_TINY_MVE_SIGNED_1 TVM_TINY_MVE_LEFT("q4") "vldrw.u32 q6, [r9]\n\t"
#define TVM_TINY_MVE_SIGNED_2 TVM_TINY_MVE_LEFT("q5")
#define TVM_TINY_MVE_SIGNED_3 "vadd.i32 q4, q4, q6\n\t"
#define TVM_TINY_MVE_SIGNED_4 "vadd.i32 q5, q5, q6\n\tvldrw.u32 q6, [r9, #32]\n\tvshr.s32 q7, q4, #31\n\t"
#define TVM_TINY_MVE_SIGNED_5 "vand q7, q7, q6\n\t"
#define TVM_TINY_MVE_SIGNED_6 "vsub.i32 q4, q4, q7\n\t"
#define TVM_TINY_MVE_SIGNED_7 "vshr.s32 q7, q5, #31\n\t"
#define TVM_TINY_MVE_SIGNED_8 "vand q7, q7, q6\n\tvldrw.u32 q6, [r9, #16]\n\t"
#define TVM_TINY_MVE_SIGNED_9 "vsub.i32 q5, q5, q7\n\tvqdmlash.s32 q4, q6, r7\n\t"
#define TVM_TINY_MVE_SIGNED_10 TVM_TINY_MVE_NARROW("q4") "vqdmlash.s32 q5, q6, r7\n\tvqmovnb.s16 q4, q4\n\t"
#define TVM_TINY_MVE_SIGNED_11 TVM_TINY_MVE_NARROW("q5")
#define TVM_TINY_MVE_SIGNED_12                                                                             \
  "vqmovnb.s16 q5, q5\n\t.if %c[low] > -128\n\tvldrb.u8 q6, [sp, #16]\n\tvmax.s8 q4, q4, q6\n\t"           \
  "vmax.s8 q5, q5, q6\n\t.endif\n\t.if %c[high] < 127\n\tvldrb.u8 q6, [sp, #32]\n\tvmin.s8 q4, q4, q6\n\t" \
  "vmin.s8 q5, q5, q6\n\t.endif\n\t" TVM_TINY_MVE_PLAIN_10 TVM_TINY_MVE_PLAIN_12

/* To the outputs of the next two pixels, but behind the first, which have yet to be stored: a comparison, and what
 * follows from it. */
#define TVM_TINY_MVE_PLAIN_FIRST "cmp r9, #%c[pixels] / 2\n\t"
#define TVM_TINY_MVE_SIGNED_FIRST "ldr r7, [sp, #8]\n\tcmp r7, #%c[pixels] / 2\n\t"
#define TVM_TINY_MVE_ADVANCE                                                          \
  ".if %c[width] < 128\n\tit ne\n\taddne %[out], %[out], #2 * %c[width]\n\t.else\n\t" \
  "ite ne\n\taddne %[out], %[out], #%c[width]\n\tsubeq %[out], %[out], #%c[width]\n\t.endif\n\t"

/* To the inputs of the next two pixels, and back to the first weights. */
#define TVM_TINY_MVE_TURN_W TVM_TINY_MVE_ADD("%[w]", "r7", "-64 * %c[vectors]")
#define TVM_TINY_MVE_TURN_X TVM_TINY_MVE_ADD("%[x]", "r7", "2 * %c[pitch] - 16 * %c[vectors]")
#define TVM_TINY_MVE_TURN_OTHER TVM_TINY_MVE_ADD("r11", "r7", "2 * %c[pitch] - 16 * %c[vectors]")
#define TVM_TINY_MVE_IF(condition, text) ".if " condition "\n\t" text ".endif\n\t"

/* Whether r7 is lost in a turn: it counts, or holds distances that are no constants of an instruction. */
#define TVM_TINY_MVE_LOST "(%c[vectors] - 3) / %c[unroll] > 1 || %c[pitch] > 2047 || %c[vectors] > 63"

#define TVM_TINY_MVE_MIDDLE \
  TVM_TINY_MVE_STEP("vmladava", TVM_TINY_MVE_WHOLE_WEIGHTS, "1", "", "", "", "", "", "", "", "")
#define TVM_TINY_MVE_MIDDLES                                                                            \
  ".if (%c[vectors] - 3) / %c[unroll] > 1\n\tmovw r7, #(%c[vectors] - 3) / %c[unroll]\n2:\n\t.rept "    \
  "%c[unroll]\n\t" TVM_TINY_MVE_MIDDLE                                                                  \
  ".endr\n\tsubs r7, r7, #1\n\tbne 2b\n\t.rept (%c[vectors] - 3) %% %c[unroll]\n\t" TVM_TINY_MVE_MIDDLE \
  ".endr\n\t.else\n\t.rept %c[vectors] - 3\n\t" TVM_TINY_MVE_MIDDLE ".endr\n\t.endif\n\t"

/* Two pixels. "form" is PLAIN or SIGNED. */
#define TVM_TINY_MVE_ENDS_2 "%c[vectors] == 2 && %c[rest] == 0"
#define TVM_TINY_MVE_ENDS "%c[rest] == 0"
#define TVM_TINY_MVE_PIPELINED_PAIR(form)                                                                             \
  TVM_TINY_MVE_IF("%c[vectors]", TVM_TINY_MVE_HEAD(TVM_TINY_MVE_WHOLE) TVM_TINY_MVE_STEP(                             \
                                     "vmladav", TVM_TINY_MVE_WHOLE_WEIGHTS, "%c[vectors] > 1", form##_0, form##_1,    \
                                     form##_2, form##_3, form##_4, form##_5, form##_6, form##_7))                     \
  TVM_TINY_MVE_IF(                                                                                                    \
      "%c[vectors] > 1",                                                                                              \
      TVM_TINY_MVE_STEP("vmladava", TVM_TINY_MVE_WHOLE_WEIGHTS, "%c[vectors] > 2", form##_8, form##_9, form##_10,     \
                        form##_11, form##_12, TVM_TINY_MVE_IF(TVM_TINY_MVE_ENDS_2, form##_FIRST TVM_TINY_MVE_TURN_W), \
                        TVM_TINY_MVE_IF(TVM_TINY_MVE_ENDS_2, TVM_TINY_MVE_ADVANCE TVM_TINY_MVE_TURN_X),               \
                        TVM_TINY_MVE_IF(TVM_TINY_MVE_ENDS_2, TVM_TINY_MVE_TURN_OTHER)))                               \
  TVM_TINY_MVE_IF("%c[vectors] > 3", TVM_TINY_MVE_MIDDLES)                                                            \
  TVM_TINY_MVE_IF("%c[vectors] > 2", TVM_TINY_MVE_STEP("vmladava", TVM_TINY_MVE_WHOLE_WEIGHTS, "0", "", "",           \
                                                       TVM_TINY_MVE_IF(TVM_TINY_MVE_ENDS, form##_FIRST), "",          \
                                                       TVM_TINY_MVE_IF(TVM_TINY_MVE_ENDS, TVM_TINY_MVE_ADVANCE),      \
                                                       TVM_TINY_MVE_IF(TVM_TINY_MVE_ENDS, TVM_TINY_MVE_TURN_W),       \
                                                       TVM_TINY_MVE_IF(TVM_TINY_MVE_ENDS, TVM_TINY_MVE_TURN_X),       \
                                                       TVM_TINY_MVE_IF(TVM_TINY_MVE_ENDS, TVM_TINY_MVE_TURN_OTHER)))  \
  TVM_TINY_MVE_IF("%c[vectors] > 1 && %c[rest]",                                                                      \
                  TVM_TINY_MVE_LAST("vmladava", "", "", form##_FIRST, "", TVM_TINY_MVE_ADVANCE, TVM_TINY_MVE_TURN_W,  \
                                    TVM_TINY_MVE_TURN_X, TVM_TINY_MVE_TURN_OTHER))                                    \
  TVM_TINY_MVE_IF("%c[vectors] == 1 && %c[rest]",                                                                     \
                  TVM_TINY_MVE_LAST("vmladava", form##_8, form##_9, form##_10, form##_11, form##_12,                  \
                                    form##_FIRST TVM_TINY_MVE_TURN_W, TVM_TINY_MVE_ADVANCE TVM_TINY_MVE_TURN_X,       \
                                    TVM_TINY_MVE_TURN_OTHER))                                                         \
  TVM_TINY_MVE_IF("%c[vectors] == 0",                                                                                 \
                  TVM_TINY_MVE_HEAD(TVM_TINY_MVE_PART) TVM_TINY_MVE_LAST(                                             \
                      "vmladav", form##_0, form##_1, form##_2, form##_3, form##_4, form##_5, form##_6, form##_7))     \
  TVM_TINY_MVE_IF("%c[vectors] == 0 || (%c[vectors] == 1 && %c[rest] == 0)",                                          \
                  form##_8 TVM_TINY_MVE_TURN_X form##_9 TVM_TINY_MVE_TURN_OTHER form##_10 TVM_TINY_MVE_TURN_W         \
                      form##_11 form##_12 form##_FIRST TVM_TINY_MVE_ADVANCE)

/* All pixels with all groups. (What is true is -1 to the assembler.) A last pixel without a partner goes with the one
 * before it, which is computed again. */
#define TVM_TINY_MVE_PIPELINED(form, begin, group, offset, count, end) \
  "push {r7, r9, r11}\n\tsub sp, sp, #48\n\tstr %[parameters], [sp, #4]\n\tmovw r7, #(%c[offset]) & 0xffff\n\t"        \
  "movt r7, #((%c[offset]) >> 16) & 0xffff\n\tstr r7, [sp]\n\tmovw r0, #%c[groups]\n\tstr r0, [sp, #12]\n\t" begin     \
  "mov r11, %[x]\n\t" TVM_TINY_MVE_ADD("r11", "r0", "%c[pitch]")                                                       \
  TVM_TINY_MVE_IF("%c[rest]", "movs r0, #%c[rest]\n\tvctp.8 r0\n\t")                                                   \
  "4:\n\t" group "1:\n\t" offset TVM_TINY_MVE_PIPELINED_PAIR(form) count "bgt 1b\n\t"                                  \
  ".if %c[pixels] & 1\n\tbmi 3f\n\t" TVM_TINY_MVE_ADD("%[x]", "r7", "-%c[pitch]")                                      \
  TVM_TINY_MVE_ADD("r11", "r7", "-%c[pitch]") "b 1b\n3:\n\tsub %[out], %[out], #%c[width]\n\t.endif\n\t"               \
  TVM_TINY_MVE_SUMS_0 TVM_TINY_MVE_SUMS_1 TVM_TINY_MVE_SUMS_2 "ldr r7, [sp]\n\t"                   \
  form##_0 form##_1 form##_2 form##_3 form##_4 form##_5 form##_6 form##_7 form##_8 form##_9 form##_10 form##_11 form##_12 end    \
  TVM_TINY_MVE_ADD("%[out]", "r0", "4 - (%c[pixels] - 2 - (%c[width] >= 128)) * %c[width]")                            \
  TVM_TINY_MVE_ADD("%[x]", "r0", "-%c[pixels] * %c[pitch]") TVM_TINY_MVE_ADD("r11", "r0", "-%c[pixels] * %c[pitch]")   \
  TVM_TINY_MVE_ADD("%[w]", "r0", "64 * %c[vectors] + 4 * %c[rest]")                                                    \
  ".if %c[groups] > 1\n\tldr r0, [sp, #12]\n\tsubs r0, r0, #1\n\tstr r0, [sp, #12]\n\tbne 4b\n\t.endif\n\t"            \
  "add sp, sp, #48\n\tpop {r7, r9, r11}"

#define TVM_TINY_MVE_GROUP_PLAIN                                                                            \
  "ldr r0, [sp, #4]\n\tvldrw.u32 q6, [r0], #16\n\tvldrw.u32 q7, [r0], #16\n\tstr r0, [sp, #4]\n\tmovs r9, " \
  "#%c[pixels] / 2\n\t"
#define TVM_TINY_MVE_OFFSET_PLAIN TVM_TINY_MVE_IF(TVM_TINY_MVE_LOST, "ldr r7, [sp]\n\t")
#define TVM_TINY_MVE_COUNT_PLAIN "subs r9, r9, #1\n\t"
#define TVM_TINY_MVE_BEGIN_SIGNED                                                                                 \
  "mov r9, %[parameters]\n\t.if %c[low] > -128\n\tmov r0, #%c[low]\n\tvdup.8 q0, r0\n\tvstrb.8 q0, [sp, #16]\n\t" \
  ".endif\n\t.if %c[high] < 127\n\tmov r0, #%c[high]\n\tvdup.8 q0, r0\n\tvstrb.8 q0, [sp, #32]\n\t.endif\n\t"
#define TVM_TINY_MVE_GROUP_SIGNED "movs r0, #%c[pixels] / 2\n\tstr r0, [sp, #8]\n\t"
#define TVM_TINY_MVE_COUNT_SIGNED "ldr r7, [sp, #8]\n\tsubs r7, r7, #1\n\tstr r7, [sp, #8]\n\t"

/* out[pixel * width + group * 4 + channel]; 2 to 511 pixels, and a width below 2048. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings" /* as in mve_dot.h */
static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_dot_pipelined(int8_t *out, const int8_t *x, const int8_t *w,
                                                                     const int32_t *parameters, int32_t pixels,
                                                                     int32_t groups, int32_t pitch, int32_t depth,
                                                                     int32_t unroll, int32_t width, int32_t left,
                                                                     int32_t offset, int32_t shift) {
  register int8_t *outputs __asm__("r1") = out;
  register const int8_t *inputs __asm__("r3") = x;
  register const int8_t *weights __asm__("r5") = w;
  register const int32_t *at __asm__("r4") = parameters;
  __asm__ volatile(TVM_TINY_MVE_PIPELINED(TVM_TINY_MVE_PLAIN, "", TVM_TINY_MVE_GROUP_PLAIN, TVM_TINY_MVE_OFFSET_PLAIN,
                                          TVM_TINY_MVE_COUNT_PLAIN, "")
                   : [out] "+r"(outputs), [x] "+r"(inputs), [w] "+r"(weights), [parameters] "+r"(at)
                   : [pixels] "i"(pixels), [groups] "i"(groups), [pitch] "i"(pitch), [vectors] "i"(depth / 16),
                     [rest] "i"(depth % 16), [unroll] "i"(unroll), [width] "i"(width), [left] "i"(left),
                     [offset] "i"(offset), [shift] "i"(shift)
                   : "r0", "r2", "r6", "r8", "r10", "r12", "lr", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7",
                     TVM_TINY_MVE_PREDICATE, "cc", "memory");
}

static inline TVM_TINY_ALWAYS_INLINE void tvm_tiny_mve_dot_pipelined_signed(
    int8_t *out, const int8_t *x, const int8_t *w, const int32_t *parameters, int32_t pixels, int32_t groups,
    int32_t pitch, int32_t depth, int32_t unroll, int32_t width, int32_t left, int32_t offset, int32_t shift,
    int32_t low, int32_t high) {
  register int8_t *outputs __asm__("r1") = out;
  register const int8_t *inputs __asm__("r3") = x;
  register const int8_t *weights __asm__("r5") = w;
  register const int32_t *at __asm__("r4") = parameters;
  __asm__ volatile(TVM_TINY_MVE_PIPELINED(TVM_TINY_MVE_SIGNED, TVM_TINY_MVE_BEGIN_SIGNED, TVM_TINY_MVE_GROUP_SIGNED,
                                          "ldr r7, [sp]\n\t", TVM_TINY_MVE_COUNT_SIGNED, "add r9, r9, #48\n\t")
                   : [out] "+r"(outputs), [x] "+r"(inputs), [w] "+r"(weights), [parameters] "+r"(at)
                   : [pixels] "i"(pixels), [groups] "i"(groups), [pitch] "i"(pitch), [vectors] "i"(depth / 16),
                     [rest] "i"(depth % 16), [unroll] "i"(unroll), [width] "i"(width), [left] "i"(left),
                     [offset] "i"(offset), [shift] "i"(shift), [low] "i"(low), [high] "i"(high)
                   : "r0", "r2", "r6", "r8", "r10", "r12", "lr", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7",
                     TVM_TINY_MVE_PREDICATE, "cc", "memory");
}
#pragma GCC diagnostic pop
#else
static inline void tvm_tiny_mve_dot_pipelined(int8_t *out, const int8_t *x, const int8_t *w, const int32_t *parameters,
                                              int32_t pixels, int32_t groups, int32_t pitch, int32_t depth,
                                              int32_t unroll, int32_t width, int32_t left, int32_t offset,
                                              int32_t shift) {
  (void)unroll;
  tvm_tiny_mve_dot_portable(out, x, w, parameters, pixels, groups, 4, pitch, depth, width, left, offset, shift);
}

static inline void tvm_tiny_mve_dot_pipelined_signed(int8_t *out, const int8_t *x, const int8_t *w,
                                                     const int32_t *parameters, int32_t pixels, int32_t groups,
                                                     int32_t pitch, int32_t depth, int32_t unroll, int32_t width,
                                                     int32_t left, int32_t offset, int32_t shift, int32_t low,
                                                     int32_t high) {
  (void)unroll;
  tvm_tiny_mve_dot_portable_signed(out, x, w, parameters, pixels, groups, 4, pitch, depth, width, left, offset, shift,
                                   low, high);
}
#endif

#endif /* TVM_TINY_RUNTIME_MVE_DOT_PIPELINED_H_ */
