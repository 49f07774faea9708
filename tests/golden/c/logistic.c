/* The model m: its layers, and m_run, which calls them in their order. */
#include "m.h"

#include <stddef.h>
#include <stdint.h>

#include "m_weights.h"
#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/trace.h"

/* lookup (1, 6, 5, 4) -> (1, 6, 5, 4): y */
static TVM_TINY_NOINLINE void m_lookup_0(const int8_t *x, int8_t *output) {
  for (int32_t i = 0; i < 120; ++i) {
    output[i] = m_lookup_0_table[x[i] + 128];
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

  /* 0: lookup_0, 1x6x5x4 int8, "y" */
  TVM_TINY_BEGIN_LAYER(0);
  m_lookup_0(x, y);
  TVM_TINY_TRACE_LAYER(0, y, 120u);

  return M_OK;
}
