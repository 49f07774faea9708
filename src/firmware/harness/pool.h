/* The memory that the harness gives to the model: pools between guards. */
#ifndef TVM_TINY_FIRMWARE_POOL_H_
#define TVM_TINY_FIRMWARE_POOL_H_

#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* `size` bytes from `start` for the model, with `guard` bytes in front of them and behind them. `copy` is NULL, or has
 * room for all of it: what was there after the last layer. */
struct harness_pool {
  uint8_t *start, *copy;
  uint32_t size, guard;
};

#if defined(TVM_TINY_CHECK_ARENA)
#define HARNESS_GUARD(alignment) ((alignment) > 256u ? (alignment) : 256u)
#define HARNESS_COPY(name, room, alignment) static uint8_t name##_copy[(room) + 2u * HARNESS_GUARD(alignment)];
#define HARNESS_COPY_OF(name) name##_copy
#else
#define HARNESS_GUARD(alignment) ((alignment) > 64u ? (alignment) : 64u)
#define HARNESS_COPY(name, room, alignment)
#define HARNESS_COPY_OF(name) 0
#endif

/* Defines a pool, and makes it a row of a table of struct harness_pool. */
#define HARNESS_POOL(name, room, alignment)   \
  static struct {                             \
    uint8_t below[HARNESS_GUARD(alignment)];  \
    uint8_t start[(room) > 0u ? (room) : 1u]; \
    uint8_t above[HARNESS_GUARD(alignment)];  \
  } name __attribute__((aligned(alignment))); \
  HARNESS_COPY(name, room, alignment)
#define HARNESS_POOL_ROW(name, room, alignment) \
  { name.start, HARNESS_COPY_OF(name), (room), HARNESS_GUARD(alignment) }

#endif /* TVM_TINY_FIRMWARE_POOL_H_ */
