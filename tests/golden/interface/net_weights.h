/* The constants of the model net: what its layers read. */
#ifndef NET_WEIGHTS_H_
#define NET_WEIGHTS_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

extern const int8_t net_conv2d_0_weight[36];
extern const int32_t net_conv2d_0_bias[4];
extern const float net_softmax_1_scale[2];

#ifdef __cplusplus
}
#endif

#endif /* NET_WEIGHTS_H_ */
