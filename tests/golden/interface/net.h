/* The model net, compiled by tvm_tiny for cortex-m4. */
#ifndef NET_H_
#define NET_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What wrote these files, and a hash of all of them but this one: it changes whenever the model's C does. The constants
 * hold the same; a linker that collects garbage leaves out what nobody reads. */
#define NET_TVM_TINY_VERSION "0.1.0"
#define NET_CONTENT_HASH "0123456789abcdef"
extern const char net_tvm_tiny_version[sizeof(NET_TVM_TINY_VERSION)];
extern const char net_content_hash[sizeof(NET_CONTENT_HASH)];

/* Bytes of RAM that net_run works in, inputs and outputs included, and the alignment of their start. */
#define NET_ARENA_SIZE 98u
#define NET_ARENA_ALIGNMENT 16u

/* At file scope, behind the definition of `array`: refuses to compile if it is too small to be the arena. */
#if defined(__cplusplus) && (__cplusplus >= 201103L)
#define NET_ASSERT_ARENA(array) static_assert(sizeof(array) >= NET_ARENA_SIZE, "too small for net")
#elif defined(__STDC_VERSION__) && (__STDC_VERSION__ >= 201112L)
#define NET_ASSERT_ARENA(array) _Static_assert(sizeof(array) >= NET_ARENA_SIZE, "too small for net")
#else
#define NET_ASSERT_ARENA(array) typedef char net_arena_is_too_small[(sizeof(array) >= NET_ARENA_SIZE) ? 1 : -1]
#endif

/* Bytes of constant data: weights, biases, multipliers and tables. */
#define NET_WEIGHTS_SIZE 60u

/* The tensors: SIZE in bytes, OFFSET is the place in the arena, real = SCALE * (stored - ZERO_POINT). */

/* Input "serving_default_x:0", 1x5x4x1 int8. */
#define NET_SERVING_DEFAULT_X_0_SIZE 20u
#define NET_SERVING_DEFAULT_X_0_ELEMENTS 20u
#define NET_SERVING_DEFAULT_X_0_OFFSET 0u
#define NET_SERVING_DEFAULT_X_0_SCALE 0.5847029f
#define NET_SERVING_DEFAULT_X_0_ZERO_POINT 83

/* Output "Identity", 1x12 int8. */
#define NET_IDENTITY_SIZE 12u
#define NET_IDENTITY_ELEMENTS 12u
#define NET_IDENTITY_OFFSET 64u
#define NET_IDENTITY_SCALE 0.00390625f
#define NET_IDENTITY_ZERO_POINT (-128)

/* Output "Identity_1", 3x4 int8. */
#define NET_IDENTITY_1_SIZE 12u
#define NET_IDENTITY_1_ELEMENTS 12u
#define NET_IDENTITY_1_OFFSET 64u
#define NET_IDENTITY_1_SCALE 0.00390625f
#define NET_IDENTITY_1_ZERO_POINT (-128)

enum net_status {
  NET_OK = 0,
  /* The arena is NULL. */
  NET_ERROR_NULL = 1,
  /* The arena does not start at a multiple of NET_ARENA_ALIGNMENT. */
  NET_ERROR_ALIGNMENT = 2
};

struct net_inputs {
  const int8_t *serving_default_x_0;
};

struct net_outputs {
  int8_t *identity;
  int8_t *identity_1;
};

/* Runs the model once. A member that is NULL, and inputs or outputs that are NULL altogether, mean the tensor's place
 * in the arena, which is the arena + OFFSET. A pointer that is given is used without a copy; it must be aligned to its
 * type, and point neither into the arena, except to the tensor's own place, nor at another tensor. Nothing is kept
 * between calls. Inputs that lie in the arena are overwritten. */
enum net_status net_run(void *arena, const struct net_inputs *inputs, const struct net_outputs *outputs);

#ifdef __cplusplus
}
#endif

#endif /* NET_H_ */
