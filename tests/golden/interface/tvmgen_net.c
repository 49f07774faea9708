/* microTVM's C interface to the model net, on top of net_run. */
#include "tvmgen_net.h"

#include <stddef.h>

#include "net.h"
#include "tvm_tiny/runtime/compiler.h"

#if defined(TVM_TINY_WORKSPACE_IO)

struct tvmgen_net_inputs tvmgen_net_map_inputs(struct tvmgen_net_workspace_pools *workspace_pools) {
  struct tvmgen_net_inputs tensors;
  uint8_t *const memory = (uint8_t *)workspace_pools->global_workspace;
  tensors.serving_default_x_0 = memory;
  return tensors;
}

struct tvmgen_net_outputs tvmgen_net_map_outputs(struct tvmgen_net_workspace_pools *workspace_pools) {
  struct tvmgen_net_outputs tensors;
  uint8_t *const memory = (uint8_t *)workspace_pools->global_workspace;
  tensors.Identity = memory + 64;
  tensors.Identity_1 = memory + 64;
  return tensors;
}

int32_t tvmgen_net_run(struct tvmgen_net_workspace_pools *workspace_pools) {
  return (net_run(workspace_pools->global_workspace, NULL, NULL) == NET_OK) ? 0 : -1;
}

#elif defined(TVM_TINY_WORKSPACE_POOLS)

int32_t tvmgen_net_run(struct tvmgen_net_inputs *inputs, struct tvmgen_net_outputs *outputs,
                       struct tvmgen_net_workspace_pools *workspace_pools) {
  struct net_inputs from;
  struct net_outputs to;
  from.serving_default_x_0 = (const int8_t *)inputs->serving_default_x_0;
  to.identity = (int8_t *)outputs->Identity;
  to.identity_1 = (int8_t *)outputs->Identity_1;
  return (net_run(workspace_pools->global_workspace, &from, &to) == NET_OK) ? 0 : -1;
}

#else

static TVM_TINY_WORKSPACE TVM_TINY_ALIGNED(16) uint8_t tvmgen_net_workspace[NET_ARENA_SIZE];

int32_t tvmgen_net_run(struct tvmgen_net_inputs *inputs, struct tvmgen_net_outputs *outputs) {
  struct net_inputs from;
  struct net_outputs to;
  from.serving_default_x_0 = (const int8_t *)inputs->serving_default_x_0;
  to.identity = (int8_t *)outputs->Identity;
  to.identity_1 = (int8_t *)outputs->Identity_1;
  return (net_run(tvmgen_net_workspace, &from, &to) == NET_OK) ? 0 : -1;
}

#endif
