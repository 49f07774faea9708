/* The model m: its layers, and m_run, which calls them in their order. */
#include "m.h"

#include <stddef.h>
#include <stdint.h>

#include "m_weights.h"
#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/integer.h"
#include "tvm_tiny/runtime/trace.h"

/* add (1, 6, 5, 4) x (1, 6, 5, 4) -> (1, 6, 5, 4): y */
static TVM_TINY_NOINLINE void m_add_0(const int8_t *restrict x, const int8_t *y, int8_t *output) {
  for (int32_t i_0 = 0; i_0 < 30; ++i_0) {
    const int32_t v1 = i_0 * 4;
    output[v1] = (int8_t)tvm_tiny_clamp((x[v1] * 1497966 + y[v1] * 599186 + 3145727) >> 21, -128, 127);
    const int32_t v2 = v1 + 1;
    output[v2] = (int8_t)tvm_tiny_clamp((x[v2] * 1497966 + y[v2] * 599186 + 3145727) >> 21, -128, 127);
    const int32_t v3 = v1 + 2;
    output[v3] = (int8_t)tvm_tiny_clamp((x[v3] * 1497966 + y[v3] * 599186 + 3145727) >> 21, -128, 127);
    const int32_t v4 = v1 + 3;
    output[v4] = (int8_t)tvm_tiny_clamp((x[v4] * 1497966 + y[v4] * 599186 + 3145727) >> 21, -128, 127);
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

  /* 0: add_0, 1x6x5x4 int8, "y" */
  TVM_TINY_BEGIN_LAYER(0);
  m_add_0(x, z, y);
  TVM_TINY_TRACE_LAYER(0, y, 120u);

  return M_OK;
}
