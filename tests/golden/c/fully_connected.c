/* The model m: its layers, and m_run, which calls them in their order. */
#include "m.h"

#include <stddef.h>
#include <stdint.h>

#include "m_weights.h"
#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/integer.h"
#include "tvm_tiny/runtime/requantize.h"
#include "tvm_tiny/runtime/trace.h"

/* fully_connected (1, 16) -> (1, 3): y */
static TVM_TINY_NOINLINE void m_fully_connected_0(const int8_t *restrict x, int8_t *restrict output) {
  for (int32_t i1 = 0; i1 < 3; ++i1) {
    int32_t acc = 0;
    for (int32_t i = 0; i < 16; ++i) {
      acc += x[i] * m_fully_connected_0_weight[i1 * 16 + i];
    }
    output[i1] = (int8_t)tvm_tiny_clamp(tvm_tiny_requantize(acc + m_fully_connected_0_bias[i1],
        m_fully_connected_0_multiplier[0], m_fully_connected_0_shift[0]) + 5, -128, 127);
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
  int8_t *const y = ((outputs != NULL) && (outputs->y != NULL)) ? outputs->y : memory + 16;

  /* 0: fully_connected_0, 1x3 int8, "y" */
  TVM_TINY_BEGIN_LAYER(0);
  m_fully_connected_0(x, y);
  TVM_TINY_TRACE_LAYER(0, y, 3u);

  return M_OK;
}
