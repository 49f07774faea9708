/* The model net: its layers, and net_run, which calls them in their order. */
#include "net.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "net_weights.h"
#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/integer.h"
#include "tvm_tiny/runtime/requantize.h"
#include "tvm_tiny/runtime/rows.h"
#include "tvm_tiny/runtime/trace.h"

/* conv2d (1, 12, 12, 3) -> (1, 12, 12, 8): conv2 */
static TVM_TINY_NOINLINE void net_conv2d_0(const int8_t *x, int8_t *output, int8_t *restrict padded) {
  for (int32_t oh = 0; oh < 12; ++oh) {
    for (int32_t i = 0; i < 3; ++i) {
      for (int32_t j = 0; j < 14; ++j) {
        for (int32_t k = 0; k < 3; ++k) {
          const int32_t v1 = oh + i;
          const int32_t v2 = j * 3;
          padded[i * 42 + v2 + k] =
              (int8_t)(1 <= v1 && v1 < 13 && 1 <= j && j < 13 ? x[oh * 36 + i * 36 + v2 + k - 39] : -7);
        }
      }
    }
    for (int32_t ow = 0; ow < 12; ++ow) {
      for (int32_t oc = 0; oc < 8; ++oc) {
        int32_t acc = 0;
        for (int32_t i = 0; i < 3; ++i) {
          for (int32_t j = 0; j < 3; ++j) {
            for (int32_t k = 0; k < 3; ++k) {
              const int32_t v3 = j * 3;
              acc += padded[i * 42 + ow * 3 + v3 + k] * net_conv2d_0_weight[oc * 27 + i * 9 + v3 + k];
            }
          }
        }
        output[oh * 96 + ow * 8 + oc] =
            (int8_t)tvm_tiny_clamp(tvm_tiny_requantize(acc + net_conv2d_0_bias[oc], net_conv2d_0_multiplier[oc],
            net_conv2d_0_shift[oc]) + 3, -128, 127);
      }
    }
  }
}

/* conv2d_1: conv2d (1, 3, 12, 8) -> (1, 1, 12, 8): conv4 */
/* conv2d_2: conv2d (1, 3, 12, 8) -> (1, 1, 12, 8): conv6 */
static TVM_TINY_NOINLINE void net_conv2d_like_1(const int8_t *restrict x,
                                                int8_t *restrict output,
                                                int8_t *restrict padded,
                                                const int8_t *restrict weight,
                                                const int32_t *restrict bias,
                                                const int32_t *restrict multiplier,
                                                const int8_t *restrict shift) {
  for (int32_t i = 0; i < 3; ++i) {
    for (int32_t j = 0; j < 14; ++j) {
      for (int32_t k = 0; k < 8; ++k) {
        const int32_t v1 = j * 8;
        padded[i * 112 + v1 + k] = (int8_t)(1 <= j && j < 13 ? x[i * 96 + v1 + k - 8] : 3);
      }
    }
  }
  for (int32_t ow = 0; ow < 12; ++ow) {
    for (int32_t oc = 0; oc < 8; ++oc) {
      int32_t acc = 0;
      const int32_t v2 = ow * 8;
      for (int32_t i = 0; i < 3; ++i) {
        for (int32_t j = 0; j < 3; ++j) {
          for (int32_t k = 0; k < 8; ++k) {
            const int32_t v3 = j * 8;
            acc += padded[i * 112 + v2 + v3 + k] * weight[oc * 72 + i * 24 + v3 + k];
          }
        }
      }
      output[v2 + oc] = (int8_t)tvm_tiny_clamp(tvm_tiny_requantize(acc + bias[oc], multiplier[oc], shift[oc]) + 3,
          -128, 127);
    }
  }
}

/* add (1, 1, 12, 8) x (1, 1, 12, 8) -> (1, 1, 12, 8): sum7 */
static TVM_TINY_NOINLINE void net_add_3(const int8_t *x, const int8_t *restrict y, int8_t *output) {
  for (int32_t i_0 = 0; i_0 < 24; ++i_0) {
    const int32_t v1 = i_0 * 4;
    output[v1] = (int8_t)tvm_tiny_clamp((y[v1] * 1779492 + x[v1] * 1089712 - 18044867) >> 21, -5, 127);
    const int32_t v2 = v1 + 1;
    output[v2] = (int8_t)tvm_tiny_clamp((y[v2] * 1779492 + x[v2] * 1089712 - 18044867) >> 21, -5, 127);
    const int32_t v3 = v1 + 2;
    output[v3] = (int8_t)tvm_tiny_clamp((y[v3] * 1779492 + x[v3] * 1089712 - 18044867) >> 21, -5, 127);
    const int32_t v4 = v1 + 3;
    output[v4] = (int8_t)tvm_tiny_clamp((y[v4] * 1779492 + x[v4] * 1089712 - 18044867) >> 21, -5, 127);
  }
}

/* conv2d (1, 12, 12, 8) -> (1, 12, 12, 4): conv9 */
static TVM_TINY_NOINLINE void net_conv2d_4(const int8_t *restrict x, int8_t *restrict output) {
  for (int32_t oh = 0; oh < 12; ++oh) {
    for (int32_t ow = 0; ow < 12; ++ow) {
      for (int32_t oc = 0; oc < 4; ++oc) {
        int32_t acc = 0;
        for (int32_t i = 0; i < 8; ++i) {
          acc += x[oh * 96 + ow * 8 + i] * net_conv2d_4_weight[oc * 8 + i];
        }
        output[oh * 48 + ow * 4 + oc] =
            (int8_t)tvm_tiny_clamp(tvm_tiny_requantize(acc + net_conv2d_4_bias[oc], net_conv2d_4_multiplier[oc],
            net_conv2d_4_shift[oc]) + 3, -128, 127);
      }
    }
  }
}

/* row by row: conv2d_1, conv2d_2, add_3 */
static TVM_TINY_NOINLINE void net_conv2d_1_to_add_3(const int8_t *conv2,
                                                    int8_t *sum7,
                                                    int8_t *conv2_rows,
                                                    int8_t *conv4_rows,
                                                    int8_t *conv6_rows,
                                                    int8_t *work) {
  (void)memset(conv2_rows + 192, 3, 96u);
  (void)memset(conv4_rows + 192, 3, 96u);
  for (int32_t tick = 0; tick < 14; ++tick) {
    if (tick < 13) {
      tvm_tiny_rows_move(conv2_rows, conv2_rows + 96, 192);
      if (tick < 12) {
        tvm_tiny_rows_move(conv2_rows + 192, conv2 + tick * 96, 96);
      } else {
        (void)memset(conv2_rows + 192, 3, 96u);
      }
    }
    if (tick >= 1 && tick < 14) {
      tvm_tiny_rows_move(conv4_rows, conv4_rows + 96, 192);
      if (tick < 13) {
        net_conv2d_like_1(conv2_rows, conv4_rows + 192, work, net_conv2d_1_weight, net_conv2d_1_bias,
            net_conv2d_1_multiplier, net_conv2d_1_shift);
      } else {
        (void)memset(conv4_rows + 192, 3, 96u);
      }
    }
    if (tick >= 2 && tick < 14) {
      net_conv2d_like_1(conv4_rows, conv6_rows, work, net_conv2d_2_weight, net_conv2d_2_bias, net_conv2d_2_multiplier,
          net_conv2d_2_shift);
      net_add_3(conv2 + (tick - 2) * 96, conv6_rows, sum7 + (tick - 2) * 96);
    }
  }
}

enum net_status net_run(void *arena, const struct net_inputs *inputs, const struct net_outputs *outputs) {
  int8_t *const memory = (int8_t *)arena;

  if (memory == NULL) {
    return NET_ERROR_NULL;
  }
  if (((uintptr_t)memory % NET_ARENA_ALIGNMENT) != 0u) {
    return NET_ERROR_ALIGNMENT;
  }

  const int8_t *const x = ((inputs != NULL) && (inputs->x != NULL)) ? inputs->x : memory + 704;
  int8_t *const conv9 = ((outputs != NULL) && (outputs->conv9 != NULL)) ? outputs->conv9 : memory + 1152;

  /* 0: conv2d_0, 1x12x12x8 int8, "conv2" */
  TVM_TINY_BEGIN_LAYER(0);
  net_conv2d_0(x, memory, memory + 1152);
  TVM_TINY_TRACE_LAYER(0, memory, 1152u);

  /* 1: conv2d_1_to_add_3, 1x12x12x8 int8, "sum7" */
  TVM_TINY_BEGIN_LAYER(1);
  net_conv2d_1_to_add_3(memory, memory, memory + 1488, memory + 1776, memory + 2064, memory + 1152);
  TVM_TINY_TRACE_LAYER(1, memory, 1152u);

  /* 2: conv2d_4, 1x12x12x4 int8, "conv9" */
  TVM_TINY_BEGIN_LAYER(2);
  net_conv2d_4(memory, conv9);
  TVM_TINY_TRACE_LAYER(2, conv9, 576u);

  return NET_OK;
}
