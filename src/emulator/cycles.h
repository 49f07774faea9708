/* Modelled cycles of blocks, as they run one after the other.
 *
 * What a block costs depends on nothing but the state in which the pipeline is when it starts and the way it is left,
 * and there are few of both: each is computed once and looked up from then on. A block is settled when the next one
 * starts, because only then the way out of it is known. */
#ifndef TVM_TINY_EMULATOR_CYCLES_H_
#define TVM_TINY_EMULATOR_CYCLES_H_

#include <stddef.h>
#include <stdint.h>

#include "block.h"
#include "core.h"
#include "pipeline.h"

struct cycles {
  const struct core *core;
  struct pipeline **states; /* all that have occurred; the first is an idle pipeline */
  size_t state_count;
  size_t state_room;
  uint32_t state; /* index of the one that holds now */
};

/* Starts over with an idle pipeline; branch predictions are kept. */
void cycles_begin(struct cycles *cycles);

/* The cycles of a block that ran, given the address at which execution went on. */
unsigned cycles_settle(struct cycles *cycles, struct block *block, uint32_t next);

#endif /* TVM_TINY_EMULATOR_CYCLES_H_ */
