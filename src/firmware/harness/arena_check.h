/* Watches the arena layer by layer: every byte that a layer changes must belong to its outputs or its scratch memory.
 */
#ifndef TVM_TINY_FIRMWARE_ARENA_CHECK_H_
#define TVM_TINY_FIRMWARE_ARENA_CHECK_H_

#include <stdbool.h>
#include <stdint.h>

#include "harness.h"
#include "pool.h"

/* Bytes that `layer` may write. Those of a port lie outside the arena where the caller brings memory. */
struct allowed_write {
  uint32_t layer, pool, offset, size;
  bool is_port;
};

struct arena_check {
  const struct harness_pool *pools;   /* with copies */
  const struct allowed_write *writes; /* in the order of the layers */
  uint32_t pool_count, write_count;
};

/* Before the first layer. */
void arena_check_start(const struct arena_check *check);

/* After `layer`: fills `found` with the first pool that was touched, with a count of 0 where none was. Guards are put
 * right, so that each write is told once. */
void arena_check_layer(const struct arena_check *check, uint32_t layer, bool ports_are_outside,
                       struct harness_check *found);

#endif /* TVM_TINY_FIRMWARE_ARENA_CHECK_H_ */
