#include "counter.h"

#include <inttypes.h>
#include <stdlib.h>

static void begin(struct counter *counter) {
  counter->measuring = true;
  counter->in_layer = false;
  counter->total = 0;
  counter->layer_count = 0;
}

static void end(struct counter *counter, FILE *output) {
  counter->measuring = false;
  fprintf(output, "inference %" PRIu64, counter->total);
  for (size_t i = 0; i < counter->layer_count; ++i)
    fprintf(output, " %" PRIu64, counter->layers[i]);
  fputc('\n', output);
  fflush(output);
}

static void begin_layer(struct counter *counter) {
  if (counter->layer_count == counter->layer_room) {
    const size_t room = counter->layer_room == 0 ? 64 : 2 * counter->layer_room;
    uint64_t *layers = realloc(counter->layers, room * sizeof *layers);
    if (layers == NULL)
      abort();
    counter->layers = layers;
    counter->layer_room = room;
  }
  counter->layers[counter->layer_count++] = 0;
  counter->in_layer = true;
}

void counter_run(struct counter *counter, struct block *block, FILE *output) {
  counter->last = block->instructions[0].address;
  if (counter->measuring && (block->role & BLOCK_ENDS) != 0)
    end(counter, output);
  if (counter->measuring) {
    if (counter->in_layer) {
      if ((block->role & BLOCK_OF_RUN) != 0)
        counter->in_layer = false;
    } else if ((block->role & BLOCK_OF_ENTRY) != 0) {
      begin_layer(counter);
    }
    ++block->executed;
    counter->total += block->count;
    if (counter->in_layer)
      counter->layers[counter->layer_count - 1] += block->count;
  }
  if ((block->role & BLOCK_BEGINS) != 0)
    begin(counter);
}

void counter_last(const struct counter *counter, FILE *output) {
  const long layer = counter->measuring && counter->in_layer ? (long)counter->layer_count - 1 : -1;
  fprintf(output, "last 0x%08" PRIx32 " layer %ld\n", counter->last, layer);
}
