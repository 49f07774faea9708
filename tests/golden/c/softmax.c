/* The model m: its layers, and m_run, which calls them in their order. */
#include "m.h"

#include <stddef.h>
#include <stdint.h>

#include "m_weights.h"
#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/fixed_point.h"
#include "tvm_tiny/runtime/integer.h"
#include "tvm_tiny/runtime/reciprocal.h"
#include "tvm_tiny/runtime/scalar.h"
#include "tvm_tiny/runtime/trace.h"

/* softmax (1, 10) -> (1, 10): y */
static TVM_TINY_NOINLINE void m_softmax_0(const int8_t *x, int8_t *output) {
  int32_t total = 0;
  int8_t largest = -128;
  for (int32_t i = 0; i < 10; ++i) {
    largest = (int8_t)(tvm_tiny_max_i32(largest, x[i]));
  }
  for (int32_t i = 0; i < 10; ++i) {
    total += tvm_tiny_rounding_shift_right(m_softmax_0_exponentials[largest - x[i]], 12);
  }
  int32_t inverse = tvm_tiny_reciprocal_q0_31(total);
  for (int32_t i1 = 0; i1 < 10; ++i1) {
    output[i1] = (int8_t)tvm_tiny_clamp(tvm_tiny_rounding_shift_right(tvm_tiny_doubling_high_mul(inverse,
        m_softmax_0_exponentials[largest - x[i1]]), tvm_tiny_reciprocal_bits(total, 12) + 23) - 128, -128, 127);
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

  /* 0: softmax_0, 1x10 int8, "y" */
  TVM_TINY_BEGIN_LAYER(0);
  m_softmax_0(x, y);
  TVM_TINY_TRACE_LAYER(0, y, 10u);

  return M_OK;
}
