/* Counts of one inference after the other, split by layer: of instructions and, with a model of the core, of cycles.
 *
 * Which layer a block belongs to is told by the order of calls, not by addresses: <model>_run calls its layers one
 * after the other, so a layer begins where a layer's function is entered out of <model>_run and lasts until <model>_run
 * goes on. What a layer calls (memcpy, a division) is thereby counted to it, and two layers that share one function are
 * two.
 *
 * Written, a line each: `model NAME` first, where there is one; for each inference `inference TOTAL LAYER...` and with
 * a model `cycles TOTAL LAYER...`; at the end `last ADDRESS layer INDEX`. */
#ifndef TVM_TINY_EMULATOR_COUNTER_H_
#define TVM_TINY_EMULATOR_COUNTER_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "block.h"
#include "cycles.h"

struct count {
  uint64_t instructions;
  uint64_t cycles;
};

struct counter {
  bool measuring;
  bool in_layer;
  struct count total;   /* since <model>_run was entered */
  struct count *layers; /* of each layer that has begun */
  size_t layer_count;
  size_t layer_room;
  uint32_t last;         /* address of the block that ran last */
  struct cycles cycles;  /* its core is NULL where there is no model */
  struct block *pending; /* the block whose cycles are not counted yet, NULL for none */
  bool pending_in_layer; /* it belongs to the layer that began last */
};

/* Models the cycles of `core`; NULL counts instructions alone. */
void counter_model(struct counter *counter, const struct core *core, FILE *output);

/* Takes note that `block` runs; writes the counts of an inference that has ended to `output`. */
void counter_run(struct counter *counter, struct block *block, FILE *output);

/* Writes where execution stands, and in which layer (-1: in none), for a run that did not end by itself. */
void counter_last(const struct counter *counter, FILE *output);

#endif /* TVM_TINY_EMULATOR_COUNTER_H_ */
