#include "cycles.h"

#include <stdlib.h>
#include <string.h>

#include "decode.h"

enum { TAKEN = 1, MISPREDICTED = 2 };

struct transition {
  uint32_t from; /* state */
  uint32_t way;  /* TAKEN, MISPREDICTED, or-ed */
  uint32_t to;
  uint32_t cycles;
};

struct block_timing {
  struct transition *transitions;
  size_t count;
  size_t room;
  uint32_t target;    /* where the block's indirect branch went last */
  uint8_t confidence; /* in its conditional branch: 0 and 1 predict that it is not taken, 2 and 3 that it is */
  struct operation operations[];
};

static void *no_null(void *memory) {
  if (memory == NULL)
    abort();
  return memory;
}

static struct block_timing *timing_of(struct block *block) {
  if (block->timing == NULL) {
    struct block_timing *timing = no_null(calloc(1, sizeof *timing + block->count * sizeof timing->operations[0]));
    decode_block(block->instructions, block->count, timing->operations);
    timing->confidence = 2;
    block->timing = timing;
  }
  return block->timing;
}

/* The index of a state, which is added if it is new. All its bytes count: it came to be by memcpy from one of zeros. */
static uint32_t find_state(struct cycles *cycles, const struct pipeline *state) {
  for (size_t i = cycles->state_count; i-- > 0;)
    if (memcmp(cycles->states[i], state, sizeof *state) == 0)
      return (uint32_t)i;
  if (cycles->state_count == cycles->state_room) {
    cycles->state_room = cycles->state_room == 0 ? 256 : 2 * cycles->state_room;
    cycles->states = no_null(realloc(cycles->states, cycles->state_room * sizeof(struct pipeline *)));
  }
  struct pipeline *added = no_null(malloc(sizeof *added));
  memcpy(added, state, sizeof *added);
  cycles->states[cycles->state_count] = added;
  return (uint32_t)cycles->state_count++;
}

void cycles_begin(struct cycles *cycles) {
  struct pipeline idle;
  memset(&idle, 0, sizeof idle);
  cycles->state = find_state(cycles, &idle);
}

static bool is_conditional(enum kind kind, registers reads) {
  return kind == KIND_COMPARE_BRANCH || (reads & REGISTER_FLAGS) != 0;
}

/* A two-bit counter for each conditional branch, the last target for each indirect one; direct branches and calls are
 * always right. Without limits on how many branches the core remembers. */
static bool mispredicts(struct block_timing *timing, const struct operation *last, bool taken, uint32_t next) {
  bool wrong = false;
  if (!pipeline_branches(last->kind))
    return false;
  if (is_conditional(last->kind, last->reads)) {
    wrong = taken != (timing->confidence >= 2);
    if (taken && timing->confidence < 3)
      ++timing->confidence;
    if (!taken && timing->confidence > 0)
      --timing->confidence;
  }
  const bool direct = last->kind == KIND_BRANCH || last->kind == KIND_COMPARE_BRANCH || last->kind == KIND_CALL;
  if (taken && !direct) {
    wrong = wrong || timing->target != next;
    timing->target = next;
  }
  return wrong;
}

static struct transition *find_transition(struct block_timing *timing, uint32_t from, uint32_t way) {
  for (size_t i = 0; i < timing->count; ++i)
    if (timing->transitions[i].from == from && timing->transitions[i].way == way)
      return &timing->transitions[i];
  return NULL;
}

static struct transition *add_transition(struct cycles *cycles, struct block *block, struct block_timing *timing,
                                         uint32_t way) {
  if (timing->count == timing->room) {
    timing->room = timing->room == 0 ? 4 : 2 * timing->room;
    timing->transitions = no_null(realloc(timing->transitions, timing->room * sizeof timing->transitions[0]));
  }
  const struct departure departure = {block->instructions[block->count - 1].address, (way & TAKEN) != 0,
                                      (way & MISPREDICTED) != 0};
  struct pipeline state;
  memcpy(&state, cycles->states[cycles->state], sizeof state);
  struct transition *added = &timing->transitions[timing->count++];
  added->from = cycles->state;
  added->way = way;
  added->cycles = pipeline_run(cycles->core, &state, timing->operations, block->count, departure);
  added->to = find_state(cycles, &state);
  return added;
}

unsigned cycles_settle(struct cycles *cycles, struct block *block, uint32_t next) {
  struct block_timing *timing = timing_of(block);
  const struct instruction *last = &block->instructions[block->count - 1];
  const bool taken = next != last->address + last->size;
  uint32_t way = taken ? TAKEN : 0;
  if (cycles->core->mispredicted != 0 && mispredicts(timing, &timing->operations[block->count - 1], taken, next))
    way |= MISPREDICTED;
  struct transition *transition = find_transition(timing, cycles->state, way);
  if (transition == NULL)
    transition = add_transition(cycles, block, timing, way);
  cycles->state = transition->to;
  return transition->cycles;
}
