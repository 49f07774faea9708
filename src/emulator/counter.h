/* Counts of one inference after the other, split by layer.
 *
 * Which layer a block belongs to is told by the order of calls, not by addresses: <model>_run calls its layers one
 * after the other, so a layer begins where a layer's function is entered out of <model>_run and lasts until <model>_run
 * goes on. What a layer calls (memcpy, a division) is thereby counted to it, and two layers that share one function are
 * two. */
#ifndef TVM_TINY_EMULATOR_COUNTER_H_
#define TVM_TINY_EMULATOR_COUNTER_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "block.h"

struct counter {
  bool measuring;
  bool in_layer;
  uint64_t total;   /* instructions since <model>_run was entered */
  uint64_t *layers; /* instructions of each layer that has begun */
  size_t layer_count;
  size_t layer_room;
  uint32_t last; /* address of the block that ran last */
};

/* Takes note that `block` runs; writes the counts of an inference that has ended to `output`. */
void counter_run(struct counter *counter, struct block *block, FILE *output);

/* Writes where execution stands, and in which layer (-1: in none), for a run that did not end by itself. */
void counter_last(const struct counter *counter, FILE *output);

#endif /* TVM_TINY_EMULATOR_COUNTER_H_ */
