#include "counter.h"

#include <inttypes.h>
#include <stdlib.h>

void counter_model(struct counter *counter, const struct core *core, FILE *output) {
  counter->cycles.core = core;
  if (core != NULL)
    fprintf(output, "model %s\n", core->model);
}

static void begin(struct counter *counter) {
  counter->measuring = true;
  counter->in_layer = false;
  counter->total = (struct count){0, 0};
  counter->layer_count = 0;
  counter->pending = NULL;
  if (counter->cycles.core != NULL)
    cycles_begin(&counter->cycles);
}

static void end(struct counter *counter, FILE *output) {
  counter->measuring = false;
  fprintf(output, "inference %" PRIu64, counter->total.instructions);
  for (size_t i = 0; i < counter->layer_count; ++i)
    fprintf(output, " %" PRIu64, counter->layers[i].instructions);
  fputc('\n', output);
  if (counter->cycles.core != NULL) {
    fprintf(output, "cycles %" PRIu64, counter->total.cycles);
    for (size_t i = 0; i < counter->layer_count; ++i)
      fprintf(output, " %" PRIu64, counter->layers[i].cycles);
    fputc('\n', output);
  }
  fflush(output);
}

static void begin_layer(struct counter *counter) {
  if (counter->layer_count == counter->layer_room) {
    const size_t room = counter->layer_room == 0 ? 64 : 2 * counter->layer_room;
    struct count *layers = realloc(counter->layers, room * sizeof *layers);
    if (layers == NULL)
      abort();
    counter->layers = layers;
    counter->layer_room = room;
  }
  counter->layers[counter->layer_count++] = (struct count){0, 0};
  counter->in_layer = true;
}

/* Counts the cycles of the block before, now that the way out of it is known. */
static void settle(struct counter *counter, uint32_t next) {
  if (counter->pending == NULL)
    return;
  const unsigned cycles = cycles_settle(&counter->cycles, counter->pending, next);
  counter->total.cycles += cycles;
  if (counter->pending_in_layer)
    counter->layers[counter->layer_count - 1].cycles += cycles;
  counter->pending = NULL;
}

static void count(struct counter *counter, struct block *block) {
  if (counter->in_layer) {
    if ((block->role & BLOCK_OF_RUN) != 0)
      counter->in_layer = false;
  } else if ((block->role & BLOCK_OF_ENTRY) != 0) {
    begin_layer(counter);
  }
  ++block->executed;
  counter->total.instructions += block->count;
  if (counter->in_layer)
    counter->layers[counter->layer_count - 1].instructions += block->count;
  if (counter->cycles.core != NULL) {
    counter->pending = block;
    counter->pending_in_layer = counter->in_layer;
  }
}

void counter_run(struct counter *counter, struct block *block, FILE *output) {
  counter->last = block->instructions[0].address;
  if (counter->measuring) {
    settle(counter, counter->last);
    if ((block->role & BLOCK_ENDS) != 0)
      end(counter, output);
    else
      count(counter, block);
  }
  if ((block->role & BLOCK_BEGINS) != 0)
    begin(counter);
}

void counter_last(const struct counter *counter, FILE *output) {
  const long layer = counter->measuring && counter->in_layer ? (long)counter->layer_count - 1 : -1;
  fprintf(output, "last 0x%08" PRIx32 " layer %ld\n", counter->last, layer);
}
