/* microTVM's C interface to the model net. */
#ifndef TVMGEN_NET_H_
#define TVMGEN_NET_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of each tensor, and of working memory. */
#define TVMGEN_NET_SERVING_DEFAULT_X_0_SIZE 20
#define TVMGEN_NET_IDENTITY_SIZE 12
#define TVMGEN_NET_IDENTITY_1_SIZE 12
#define TVMGEN_NET_WORKSPACE_SIZE 98

struct tvmgen_net_inputs {
  void *serving_default_x_0;
};

struct tvmgen_net_outputs {
  void *Identity;
  void *Identity_1;
};

#if defined(TVM_TINY_WORKSPACE_POOLS) || defined(TVM_TINY_WORKSPACE_IO)
#define TVMGEN_NET_GLOBAL_WORKSPACE_WORKSPACE_POOL_SIZE 98

/* A pool starts at a multiple of 16 bytes. */
struct tvmgen_net_workspace_pools {
  void *global_workspace;
};
#endif

/* Runs the model once: 0 if it did, -1 if the workspace is NULL or not aligned. */
#if defined(TVM_TINY_WORKSPACE_IO)
struct tvmgen_net_inputs tvmgen_net_map_inputs(struct tvmgen_net_workspace_pools *workspace_pools);
struct tvmgen_net_outputs tvmgen_net_map_outputs(struct tvmgen_net_workspace_pools *workspace_pools);
int32_t tvmgen_net_run(struct tvmgen_net_workspace_pools *workspace_pools);
#elif defined(TVM_TINY_WORKSPACE_POOLS)
int32_t tvmgen_net_run(struct tvmgen_net_inputs *inputs, struct tvmgen_net_outputs *outputs,
                       struct tvmgen_net_workspace_pools *workspace_pools);
#else
int32_t tvmgen_net_run(struct tvmgen_net_inputs *inputs, struct tvmgen_net_outputs *outputs);
#endif

#ifdef __cplusplus
}
#endif

#endif /* TVMGEN_NET_H_ */
