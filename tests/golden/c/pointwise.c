/* The model m: its layers, and m_run, which calls them in their order. */
#include "m.h"

#include <stddef.h>
#include <stdint.h>

#include "m_weights.h"
#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/integer.h"
#include "tvm_tiny/runtime/requantize.h"
#include "tvm_tiny/runtime/trace.h"

/* conv2d (1, 6, 5, 4) -> (1, 6, 5, 8): y */
static TVM_TINY_NOINLINE void m_conv2d_0(const int8_t *x, int8_t *output) {
  for (int32_t oh = 0; oh < 6; ++oh) {
    for (int32_t ow = 0; ow < 5; ++ow) {
      for (int32_t oc = 0; oc < 8; ++oc) {
        int32_t acc = 0;
        for (int32_t i = 0; i < 4; ++i) {
          acc += x[oh * 20 + ow * 4 + i] * m_conv2d_0_weight[oc * 4 + i];
        }
        output[oh * 40 + ow * 8 + oc] =
            (int8_t)tvm_tiny_clamp(tvm_tiny_requantize(acc + m_conv2d_0_bias[oc], m_conv2d_0_multiplier[oc],
            m_conv2d_0_shift[oc]) + 5, -128, 127);
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

  const int8_t *const x = ((inputs != NULL) && (inputs->x != NULL)) ? inputs->x : memory + 128;
  int8_t *const y = ((outputs != NULL) && (outputs->y != NULL)) ? outputs->y : memory;

  /* 0: conv2d_0, 1x6x5x8 int8, "y" */
  TVM_TINY_BEGIN_LAYER(0);
  m_conv2d_0(x, y);
  TVM_TINY_TRACE_LAYER(0, y, 240u);

  return M_OK;
}
