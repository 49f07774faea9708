/* The constants of the model net. */
#include "net_weights.h"

#include "net.h"
#include "tvm_tiny/runtime/compiler.h"

TVM_TINY_WEIGHTS const char net_tvm_tiny_version[sizeof(NET_TVM_TINY_VERSION)] = NET_TVM_TINY_VERSION;
TVM_TINY_WEIGHTS const char net_content_hash[sizeof(NET_CONTENT_HASH)] = NET_CONTENT_HASH;

/* 4x3x3x1 int8, 36 bytes */
TVM_TINY_WEIGHTS const int8_t net_conv2d_0_weight[36] = {
  -12, -11, -10,  -9,  -8,  -7,  -6,  -5,  -4,  -3,  -2,  -1,   0,   1,   2,
    3,   4,   5,   6,   7,   8,   9,  10,  11,  12,  13,  14,  15,  16,  17,
   18,  19,  20,  21,  22,  23
};

/* 4 int32, 16 bytes */
TVM_TINY_WEIGHTS const int32_t net_conv2d_0_bias[4] = {
  -70000,     12,      0,      3
};

/* 2 float32, 8 bytes */
TVM_TINY_WEIGHTS const float net_softmax_1_scale[2] = {
    0.1f, 1e-09f
};
