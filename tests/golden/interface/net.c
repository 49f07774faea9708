/* The model net: its layers, and net_run, which calls them in their order. */
#include "net.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "net_weights.h"
#include "tvm_tiny/runtime/compiler.h"
#include "tvm_tiny/runtime/trace.h"

static TVM_TINY_NOINLINE void net_conv2d_0(const int8_t *restrict x0, int8_t *restrict y0, int8_t *restrict s0) {
  (void)memset(s0, 1, 18u);
  uint32_t sum = 731u;
  for (uint32_t i = 0u; i < 20u; ++i) {
    const uint32_t value = (uint32_t)x0[i];
    sum = sum * 31u + value;
  }
  for (uint32_t i = 0u; i < 36u; ++i) {
    const uint32_t value = (uint32_t)net_conv2d_0_weight[i];
    sum = sum * 31u + value;
  }
  for (uint32_t i = 0u; i < 4u; ++i) {
    const uint32_t value = (uint32_t)net_conv2d_0_bias[i];
    sum = sum * 31u + value;
  }
  for (uint32_t i = 0u; i < 18u; ++i) {
    const uint32_t value = (uint32_t)s0[i];
    sum = sum * 31u + value;
  }
  for (uint32_t i = 0u; i < 24u; ++i) {
    sum = sum * 1664525u + 1013904223u;
    y0[i] = (int8_t)(sum >> 25);
  }
}

static TVM_TINY_NOINLINE void net_softmax_1(const int8_t *restrict x0, int8_t *restrict y0) {
  uint32_t sum = 914u;
  for (uint32_t i = 0u; i < 24u; ++i) {
    const uint32_t value = (uint32_t)x0[i];
    sum = sum * 31u + value;
  }
  for (uint32_t i = 0u; i < 2u; ++i) {
    const uint32_t value = (uint32_t)net_softmax_1_scale[i];
    sum = sum * 31u + value;
  }
  for (uint32_t i = 0u; i < 12u; ++i) {
    sum = sum * 1664525u + 1013904223u;
    y0[i] = (int8_t)(sum >> 25);
  }
}

enum net_status net_run(void *arena, const struct net_inputs *inputs, const struct net_outputs *outputs) {
  int8_t *const memory = (int8_t *)arena;

  if (memory == NULL) {
    return NET_ERROR_NULL;
  }
  if (((uintptr_t)memory % NET_ARENA_ALIGNMENT) != 0u) {
    return NET_ERROR_ALIGNMENT;
  }

  const int8_t *const serving_default_x_0 =
      ((inputs != NULL) && (inputs->serving_default_x_0 != NULL)) ? inputs->serving_default_x_0 : memory;
  int8_t *const identity = ((outputs != NULL) && (outputs->identity != NULL)) ? outputs->identity : memory + 64;
  int8_t *const identity_1 = ((outputs != NULL) && (outputs->identity_1 != NULL)) ? outputs->identity_1 : memory + 64;

  /* 0: conv2d_0, 1x3x2x4 int8, "net/conv/Relu;..." */
  TVM_TINY_BEGIN_LAYER(0);
  net_conv2d_0(serving_default_x_0, memory + 32, memory + 80);
  TVM_TINY_TRACE_LAYER(0, memory + 32, 24u);

  /* 1: softmax_1, 1x12 int8, "Identity" */
  TVM_TINY_BEGIN_LAYER(1);
  net_softmax_1(memory + 32, identity);
  TVM_TINY_TRACE_LAYER(1, identity, 12u);

  if (identity_1 != identity) {
    (void)memcpy(identity_1, identity, 12u);
  }

  return NET_OK;
}
