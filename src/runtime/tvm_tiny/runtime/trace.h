/* SPDX-License-Identifier: Apache-2.0
 *
 * Hooks around each layer, which the firmware defines; without the macros they leave no code. The number of a layer is
 * its index in report.json.
 *
 *   -DTVM_TINY_PROFILE  tvm_tiny_profile_begin before a layer, tvm_tiny_profile_end after it
 *   -DTVM_TINY_TRACE    tvm_tiny_trace after a layer, with what it wrote */
#ifndef TVM_TINY_RUNTIME_TRACE_H_
#define TVM_TINY_RUNTIME_TRACE_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef TVM_TINY_PROFILE
void tvm_tiny_profile_begin(int layer);
void tvm_tiny_profile_end(int layer);
#define TVM_TINY_BEGIN_LAYER(layer) tvm_tiny_profile_begin(layer)
#define TVM_TINY_PROFILE_END(layer) tvm_tiny_profile_end(layer)
#else
#define TVM_TINY_BEGIN_LAYER(layer) ((void)0)
#define TVM_TINY_PROFILE_END(layer) ((void)0)
#endif

#ifdef TVM_TINY_TRACE
void tvm_tiny_trace(int layer, const void *output, size_t size);
#define TVM_TINY_TRACE_LAYER(layer, output, size) \
  (TVM_TINY_PROFILE_END(layer), tvm_tiny_trace((layer), (output), (size)))
#else
#define TVM_TINY_TRACE_LAYER(layer, output, size) TVM_TINY_PROFILE_END(layer)
#endif

#ifdef __cplusplus
}
#endif

#endif /* TVM_TINY_RUNTIME_TRACE_H_ */
