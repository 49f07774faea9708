/* The model m: its layers, and m_run, which calls them in their order. */
#include "m.h"

#include <stddef.h>
#include <stdint.h>

#include "m_weights.h"
#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/integer.h"
#include "tvm_tiny/runtime/trace.h"

/* average_pool2d (1, 6, 5, 4) -> (1, 3, 2, 4): y */
static TVM_TINY_NOINLINE void m_average_pool2d_0(const int8_t *x, int8_t *output) {
  for (int32_t oh = 0; oh < 3; ++oh) {
    for (int32_t ow = 0; ow < 2; ++ow) {
      for (int32_t c = 0; c < 4; ++c) {
        int32_t acc = 0;
        for (int32_t i = 0; i < 2; ++i) {
          for (int32_t j = 0; j < 2; ++j) {
            acc += x[oh * 40 + i * 20 + ow * 8 + j * 4 + c];
          }
        }
        output[oh * 8 + ow * 4 + c] = (int8_t)tvm_tiny_round_divide(acc, 4);
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

  /* 0: average_pool2d_0, 1x3x2x4 int8, "y" */
  TVM_TINY_BEGIN_LAYER(0);
  m_average_pool2d_0(x, y);
  TVM_TINY_TRACE_LAYER(0, y, 24u);

  return M_OK;
}
