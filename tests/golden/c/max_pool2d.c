/* The model m: its layers, and m_run, which calls them in their order. */
#include "m.h"

#include <stddef.h>
#include <stdint.h>

#include "m_weights.h"
#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/scalar.h"
#include "tvm_tiny/runtime/trace.h"

/* max_pool2d (1, 6, 5, 4) -> (1, 3, 2, 4): y */
static TVM_TINY_NOINLINE void m_max_pool2d_0(const int8_t *x, int8_t *output) {
  for (int32_t i1 = 0; i1 < 3; ++i1) {
    for (int32_t i2 = 0; i2 < 2; ++i2) {
      for (int32_t i3 = 0; i3 < 4; ++i3) {
        int32_t acc = INT32_MIN;
        for (int32_t i = 0; i < 2; ++i) {
          for (int32_t j = 0; j < 2; ++j) {
            acc = tvm_tiny_max_i32(acc, x[i1 * 40 + i * 20 + i2 * 8 + j * 4 + i3]);
          }
        }
        output[i1 * 8 + i2 * 4 + i3] = (int8_t)acc;
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

  /* 0: max_pool2d_0, 1x3x2x4 int8, "y" */
  TVM_TINY_BEGIN_LAYER(0);
  m_max_pool2d_0(x, y);
  TVM_TINY_TRACE_LAYER(0, y, 24u);

  return M_OK;
}
