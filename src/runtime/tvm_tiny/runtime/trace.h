/* SPDX-License-Identifier: Apache-2.0
 *
 * The hook after each layer. Compiled with -DTVM_TINY_TRACE, a model calls tvm_tiny_trace, which the firmware defines,
 * with the layer's index in report.json and what the layer wrote. Without it the hook leaves no code. */
#ifndef TVM_TINY_RUNTIME_TRACE_H_
#define TVM_TINY_RUNTIME_TRACE_H_

#ifdef TVM_TINY_TRACE

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void tvm_tiny_trace(int layer, const void *output, size_t size);

#ifdef __cplusplus
}
#endif

#define TVM_TINY_TRACE_LAYER(layer, output, size) tvm_tiny_trace((layer), (output), (size))
#else
#define TVM_TINY_TRACE_LAYER(layer, output, size) ((void)0)
#endif

#endif /* TVM_TINY_RUNTIME_TRACE_H_ */
