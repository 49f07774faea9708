/* The model m: its layers, and m_run, which calls them in their order. */
#include "m.h"

#include <stddef.h>
#include <stdint.h>

#include "m_weights.h"
#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/trace.h"

/* pad (1, 6, 5, 4) -> (1, 7, 7, 4): y */
static TVM_TINY_NOINLINE void m_pad_0(const int8_t *x, int8_t *output) {
  for (int32_t i1 = 0; i1 < 7; ++i1) {
    for (int32_t i2 = 0; i2 < 7; ++i2) {
      for (int32_t i3 = 0; i3 < 4; ++i3) {
        const int32_t v1 = i2 * 4;
        output[i1 * 28 + v1 + i3] = (int8_t)(1 <= i1 && i2 < 5 ? x[i1 * 20 + v1 + i3 - 20] : -3);
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

  const int8_t *const x = ((inputs != NULL) && (inputs->x != NULL)) ? inputs->x : memory + 80;
  int8_t *const y = ((outputs != NULL) && (outputs->y != NULL)) ? outputs->y : memory;

  /* 0: pad_0, 1x7x7x4 int8, "y" */
  TVM_TINY_BEGIN_LAYER(0);
  m_pad_0(x, y);
  TVM_TINY_TRACE_LAYER(0, y, 196u);

  return M_OK;
}
