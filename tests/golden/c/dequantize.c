/* The model m: its layers, and m_run, which calls them in their order. */
#include "m.h"

#include <stddef.h>
#include <stdint.h>

#include "m_weights.h"
#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/quantize.h"
#include "tvm_tiny/runtime/trace.h"

/* dequantize (1, 10) -> (1, 10): y */
static TVM_TINY_NOINLINE void m_dequantize_0(const int8_t *x, float *output) {
  for (int32_t i = 0; i < 10; ++i) {
    output[i] = tvm_tiny_dequantize(x[i], 0.1f, 3);
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

  const int8_t *const x = ((inputs != NULL) && (inputs->x != NULL)) ? inputs->x : memory + 32;
  float *const y = ((outputs != NULL) && (outputs->y != NULL)) ? outputs->y : (float *)(void *)memory;

  /* 0: dequantize_0, 1x10 float32, "y" */
  TVM_TINY_BEGIN_LAYER(0);
  m_dequantize_0(x, y);
  TVM_TINY_TRACE_LAYER(0, y, 40u);

  return M_OK;
}
