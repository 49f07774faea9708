#include "pipeline.h"

static uint8_t later(uint8_t one, uint8_t other) {
  return one > other ? one : other;
}

static uint8_t less(uint8_t cycles, uint8_t by) {
  return (uint8_t)(cycles > by ? cycles - by : 0);
}

static uint8_t or_else(uint8_t value, uint8_t otherwise) {
  return value != 0 ? value : otherwise;
}

bool pipeline_branches(enum kind kind) {
  switch (kind) {
    case KIND_BRANCH:
    case KIND_COMPARE_BRANCH:
    case KIND_CALL:
    case KIND_BRANCH_REGISTER:
    case KIND_LOAD_BRANCH:
    case KIND_POP_BRANCH:
    case KIND_TABLE_BRANCH:
    case KIND_LOOP_START:
    case KIND_LOOP_END:
      return true;
    default:
      return false;
  }
}

static bool is_single_access(const struct operation *operation) {
  switch (operation->kind) {
    case KIND_LOAD_WORD:
    case KIND_LOAD_PART:
    case KIND_STORE:
      return true;
    case KIND_FLOAT_LOAD:
    case KIND_FLOAT_STORE:
      return operation->words == 1;
    default:
      return false;
  }
}

static bool multiplies(enum kind kind) {
  return kind == KIND_MULTIPLY || kind == KIND_MULTIPLY_ADD || kind == KIND_MULTIPLY_LONG ||
         kind == KIND_MULTIPLY_ADD_LONG;
}

static void advance(struct pipeline *pipeline, unsigned cycles) {
  const uint8_t by = (uint8_t)(cycles < UINT8_MAX ? cycles : UINT8_MAX);
  for (size_t use = 0; use < USE_COUNT; ++use)
    for (size_t i = 0; i < REGISTER_COUNT; ++i)
      pipeline->ready[use][i] = less(pipeline->ready[use][i], by);
  for (size_t i = 0; i < UNIT_COUNT; ++i)
    pipeline->units[i] = less(pipeline->units[i], by);
}

static uint8_t all_ready(const struct pipeline *pipeline, enum use use, registers set) {
  uint8_t cycles = 0;
  for (size_t i = 0; i < REGISTER_COUNT; ++i)
    if ((set & REGISTER(i)) != 0)
      cycles = later(cycles, pipeline->ready[use][i]);
  return cycles;
}

/* The unit of `units` that is free first; UNIT_COUNT where none is needed. */
static size_t choose_unit(const struct pipeline *pipeline, unsigned units) {
  size_t chosen = UNIT_COUNT;
  for (size_t i = 0; i < UNIT_COUNT; ++i)
    if ((units & ON(i)) != 0 && (chosen == UNIT_COUNT || pipeline->units[i] < pipeline->units[chosen]))
      chosen = i;
  return chosen;
}

/* Cycles until nothing but the order of the instructions keeps the operation back. */
static uint8_t held_up(const struct core *core, const struct pipeline *pipeline, const struct operation *operation) {
  const enum use factors = multiplies(operation->kind) ? USE_MULTIPLY : USE_NORMAL;
  uint8_t cycles = all_ready(pipeline, factors, operation->reads);
  cycles = later(cycles, all_ready(pipeline, USE_EARLY, operation->address | operation->shifted));
  cycles = later(cycles, less(all_ready(pipeline, USE_NORMAL, operation->addend), core->addend));
  cycles = later(cycles, all_ready(pipeline, USE_STORED, operation->stored));
  const size_t unit = choose_unit(pipeline, core->timings[operation->kind].units);
  return unit == UNIT_COUNT ? cycles : later(cycles, pipeline->units[unit]);
}

/* A branch that shares a cycle with what sets its flags is decided later on. */
static bool can_join(const struct core *core, const struct pipeline *pipeline, const struct operation *operation,
                     bool taken) {
  if (core->pairs == NULL || pipeline->older == NULL)
    return false;
  struct operation joining = *operation;
  if (joining.kind == KIND_BRANCH)
    joining.reads &= ~REGISTER_FLAGS;
  return held_up(core, pipeline, &joining) == 0 && core->pairs(pipeline->older, operation, taken);
}

static unsigned cycles_of_issue(const struct core *core, const struct pipeline *pipeline,
                                const struct operation *operation) {
  const struct timing *timing = &core->timings[operation->kind];
  if (core->overlaps && pipeline->after_access && is_single_access(operation) &&
      (operation->address & pipeline->loaded) == 0)
    return 1;
  unsigned cycles = timing->issue;
  if (timing->moved != 0)
    cycles += (operation->words + timing->moved - 1u) / timing->moved;
  if (operation->sets_flags)
    cycles += timing->flags;
  return cycles != 0 ? cycles : 1;
}

static void give(const struct core *core, struct pipeline *pipeline, const struct operation *operation) {
  const struct timing *timing = &core->timings[operation->kind];
  const uint8_t latency = or_else(timing->latency, 1);
  const uint8_t cycles[USE_COUNT] = {
      [USE_NORMAL] = latency,
      [USE_EARLY] = or_else(timing->early, latency),
      [USE_MULTIPLY] = or_else(timing->multiply, latency),
      [USE_STORED] = or_else(timing->stored, less(latency, core->stored)),
  };
  for (size_t use = 0; use < USE_COUNT; ++use)
    for (size_t i = 0; i < REGISTER_COUNT; ++i) {
      if ((operation->writes & REGISTER(i)) != 0)
        pipeline->ready[use][i] = cycles[use];
      else if ((operation->updated & REGISTER(i)) != 0)
        pipeline->ready[use][i] = 1;
    }
}

static unsigned start(const struct core *core, struct pipeline *pipeline, const struct operation *operation,
                      bool skipped, bool taken) {
  const struct timing *timing = &core->timings[operation->kind];
  const unsigned issue = skipped ? 1 : cycles_of_issue(core, pipeline, operation);
  unsigned cycles = issue - 1;
  const bool joins = can_join(core, pipeline, operation, taken);
  if (!joins) {
    const unsigned wait = later(1, held_up(core, pipeline, operation));
    advance(pipeline, wait);
    cycles += wait;
  }
  const size_t unit = choose_unit(pipeline, timing->units);
  if (unit != UNIT_COUNT)
    pipeline->units[unit] = or_else(timing->busy, 1);
  advance(pipeline, issue - 1);
  if (!skipped)
    give(core, pipeline, operation);
  pipeline->older = core->pairs == NULL || joins ? NULL : operation;
  pipeline->after_access = core->overlaps && is_single_access(operation);
  pipeline->loaded = pipeline->after_access && operation->stored == 0 ? operation->writes : 0;
  return cycles;
}

/* Whether the core goes on behind or before a loop's end without executing it, having passed it before: it then knows
 * where the loop begins (DDI 0553, LE, LO_BRANCH_INFO). */
static bool passes_loop_end(struct pipeline *pipeline, struct departure departure) {
  const bool known = pipeline->loop == departure.last;
  pipeline->loop = departure.taken ? departure.last : 0;
  return known;
}

unsigned pipeline_run(const struct core *core, struct pipeline *pipeline, const struct operation *operations,
                      size_t count, struct departure departure) {
  unsigned cycles = 0;
  for (size_t i = 0; i < count; ++i) {
    const struct operation *operation = &operations[i];
    const bool decides = i + 1 == count && pipeline_branches(operation->kind);
    const bool taken = decides && departure.taken;
    if (core->loops && decides && operation->kind == KIND_LOOP_END && passes_loop_end(pipeline, departure))
      continue;
    cycles += start(core, pipeline, operation, decides && !taken, taken);
    if (!decides)
      continue;
    unsigned refill = taken ? core->timings[operation->kind].taken : 0;
    if (departure.mispredicted)
      refill += core->mispredicted;
    advance(pipeline, refill);
    cycles += refill;
    if (taken || departure.mispredicted)
      pipeline->older = NULL;
  }
  return cycles;
}
