/* The model m: its layers, and m_run, which calls them in their order. */
#include "m.h"

#include <stddef.h>
#include <stdint.h>

#include "m_weights.h"
#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/integer.h"
#include "tvm_tiny/runtime/requantize.h"
#include "tvm_tiny/runtime/trace.h"

/* depthwise_conv2d (1, 6, 5, 4) -> (1, 3, 3, 4): y */
static TVM_TINY_NOINLINE void m_depthwise_conv2d_0(const int8_t *x, int8_t *output, int8_t *restrict padded) {
  for (int32_t oh = 0; oh < 3; ++oh) {
    for (int32_t i = 0; i < 3; ++i) {
      for (int32_t j = 0; j < 7; ++j) {
        for (int32_t k = 0; k < 4; ++k) {
          const int32_t v1 = j * 4;
          padded[i * 28 + v1 + k] = (int8_t)(i / 2 + oh < 3 && 1 <= j && j < 6 ? x[oh * 40 + i * 20 + v1 + k - 4] : -3);
        }
      }
    }
    for (int32_t ow = 0; ow < 3; ++ow) {
      for (int32_t c = 0; c < 4; ++c) {
        int32_t acc = 0;
        for (int32_t i = 0; i < 3; ++i) {
          for (int32_t j = 0; j < 3; ++j) {
            const int32_t v2 = j * 4;
            acc += padded[i * 28 + ow * 8 + v2 + c] * m_depthwise_conv2d_0_weight[i * 12 + v2 + c];
          }
        }
        output[oh * 12 + ow * 4 + c] =
            (int8_t)tvm_tiny_clamp(tvm_tiny_requantize(acc + m_depthwise_conv2d_0_bias[c],
            m_depthwise_conv2d_0_multiplier[c], m_depthwise_conv2d_0_shift[c]) + 5, -128, 127);
      }
    }
  }
}

enum m_status m_run(void *arena, const struct m_inputs *inputs, const struct m_outputs *outputs) {
  int8_t *const memory = (int8_t *)arena;

  if (memory == NULL) {
    return M_ERROR_NULL;
  }
  if (((uintptr_t)memory % M_ARENA_ALIGNMENT) != 0u) {
    return M_ERROR_ALIGNMENT;
  }

  const int8_t *const x = ((inputs != NULL) && (inputs->x != NULL)) ? inputs->x : memory;
  int8_t *const y = ((outputs != NULL) && (outputs->y != NULL)) ? outputs->y : memory;

  /* 0: depthwise_conv2d_0, 1x3x3x4 int8, "y" */
  TVM_TINY_BEGIN_LAYER(0);
  m_depthwise_conv2d_0(x, y, memory + 128);
  TVM_TINY_TRACE_LAYER(0, y, 36u);

  return M_OK;
}
