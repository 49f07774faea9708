/* The model m: its layers, and m_run, which calls them in their order. */
#include "m.h"

#include <stddef.h>
#include <stdint.h>

#include "m_weights.h"
#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/integer.h"
#include "tvm_tiny/runtime/requantize.h"
#include "tvm_tiny/runtime/trace.h"

/* mul (1, 6, 5, 4) x (1, 6, 5, 4) -> (1, 6, 5, 4): y */
static TVM_TINY_NOINLINE void m_mul_0(const int8_t *restrict x, const int8_t *y, int8_t *output) {
  for (int32_t i1 = 0; i1 < 6; ++i1) {
    for (int32_t i2 = 0; i2 < 5; ++i2) {
      for (int32_t i3 = 0; i3 < 4; ++i3) {
        const int32_t v1 = i1 * 20 + i2 * 4 + i3;
        output[v1] = (int8_t)tvm_tiny_clamp(tvm_tiny_requantize((x[v1] + 3) * (y[v1] - 11), 1963413598, -6) + 2, -128,
            127);
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

  const int8_t *const z = ((inputs != NULL) && (inputs->z != NULL)) ? inputs->z : memory;
  const int8_t *const x = ((inputs != NULL) && (inputs->x != NULL)) ? inputs->x : memory + 128;
  int8_t *const y = ((outputs != NULL) && (outputs->y != NULL)) ? outputs->y : memory;

  /* 0: mul_0, 1x6x5x4 int8, "y" */
  TVM_TINY_BEGIN_LAYER(0);
  m_mul_0(x, z, y);
  TVM_TINY_TRACE_LAYER(0, y, 120u);

  return M_OK;
}
