/* Runs a model over samples from a file.
 *
 * Every sample is one call of <model>_run. The calls take turns in how they pass tensors, so that all ways are tried:
 * both structs NULL; pointers to buffers outside the arena (aligned to their element and no better); structs of NULL
 * pointers (where a tensor has a place in the arena). Before each call the arena is filled with a pattern that differs
 * from the last one's: a run that reads what it did not write gives itself away. A
 * model that takes frames keeps its arena, and is reset before the first. */
#include <stddef.h>
#include <stdint.h>

#include "arena_check.h"
#include "console.h"
#include "harness.h"
#include "harness_io.h"
#include "measure.h"
#include "model_glue.h" /* generated: TVM_TINY_MODEL_*, harness_pools, _memory, _inputs, _outputs, _point, _function */

#if SANITIZED
void __asan_poison_memory_region(const volatile void *start, size_t size);
#endif

enum { POOLS = sizeof harness_pools / sizeof harness_pools[0], GUARD_BYTE = 0xB7, OUTSIDE_FILL = 0x6B, NOT_READY = 3 };

#if TVM_TINY_MODEL_OUTSIDE_SIZE > 0
static uint8_t outside[TVM_TINY_MODEL_OUTSIDE_SIZE] __attribute__((aligned(8)));
#else
static uint8_t *const outside = NULL;
#endif

static uint32_t current_sample;
static uint32_t way; /* 0: structs NULL; 1: tensors outside the arena; 2: structs of NULL pointers */
static bool is_outside;
static uint32_t hash; /* of the inputs outside the arena, before the run */

static void stop(const char *message) {
  console_text("tvm_tiny: error ");
  console_text(message);
  console_text("\n");
  console_exit(HARNESS_IO_FAILED);
}

static void fill(uint8_t *to, uint8_t value, uint32_t size) {
  for (uint32_t i = 0; i < size; ++i)
    to[i] = value;
}

static bool holds(const uint8_t *from, uint8_t value, uint32_t size) {
  for (uint32_t i = 0; i < size; ++i)
    if (from[i] != value)
      return false;
  return true;
}

static void guard_arena(void) {
  for (uint32_t i = 0; i < POOLS; ++i) {
    const struct harness_pool *const pool = &harness_pools[i];
#if SANITIZED
    __asan_poison_memory_region(pool->start - pool->guard, pool->guard);
    __asan_poison_memory_region(pool->start + pool->size, pool->guard);
#else
    fill(pool->start - pool->guard, GUARD_BYTE, pool->guard);
    fill(pool->start + pool->size, GUARD_BYTE, pool->guard);
#endif
  }
}

static uint32_t damage_of_arena(void) {
  uint32_t damage = 0;
#if !SANITIZED
  for (uint32_t i = 0; i < POOLS; ++i) {
    const struct harness_pool *const pool = &harness_pools[i];
    if (!holds(pool->start - pool->guard, GUARD_BYTE, pool->guard))
      damage |= HARNESS_BELOW_ARENA;
    if (!holds(pool->start + pool->size, GUARD_BYTE, pool->guard))
      damage |= HARNESS_ABOVE_ARENA;
  }
#endif
  return damage;
}

static uint8_t *place(const struct harness_tensor *tensor) {
  return is_outside || tensor->offset == HARNESS_NO_PLACE ? &outside[tensor->outside]
                                                          : &harness_pools[tensor->pool].start[tensor->offset];
}

/* Fowler-Noll-Vo, FNV-1a, over the inputs outside the arena. */
static uint32_t hash_of_inputs(void) {
  uint32_t hash = 2166136261u;
  for (uint32_t i = 0; i < TVM_TINY_MODEL_INPUTS; ++i)
    for (uint32_t byte = 0; byte < harness_inputs[i].size; ++byte)
      hash = (hash ^ outside[harness_inputs[i].outside + byte]) * 16777619u;
  return hash;
}

/* The bytes between the tensors outside the arena are as they were filled. */
static bool outside_gaps_whole(void) {
  uint32_t end = 0;
  for (uint32_t i = 0; i < TVM_TINY_MODEL_INPUTS + TVM_TINY_MODEL_OUTPUTS; ++i) {
    const struct harness_tensor *tensor =
        i < TVM_TINY_MODEL_INPUTS ? &harness_inputs[i] : &harness_outputs[i - TVM_TINY_MODEL_INPUTS];
    if (!holds(&outside[end], OUTSIDE_FILL, tensor->outside - end))
      return false;
    end = tensor->outside + tensor->size;
  }
  return holds(&outside[end], OUTSIDE_FILL, TVM_TINY_MODEL_OUTSIDE_SIZE - end);
}

static uint32_t damage_outside(void) {
  uint32_t damage = 0;
  if (is_outside && hash != hash_of_inputs())
    damage |= HARNESS_INPUT;
  if (is_outside && !outside_gaps_whole())
    damage |= HARNESS_AROUND_OUTPUT;
  return damage;
}

#if defined(TVM_TINY_TRACE)
void tvm_tiny_trace(int layer, const void *output, size_t size);

#if defined(TVM_TINY_CHECK_ARENA)
static const struct arena_check arena = {harness_pools, harness_writes, POOLS, TVM_TINY_MODEL_WRITES};

static void check_layer(uint32_t layer) {
  struct harness_check found = {HARNESS_CHECK_MAGIC, current_sample, layer, damage_outside(), 0, 0, 0, 0, 0, 0};
  arena_check_layer(&arena, layer, is_outside, &found);
  if (!io_write_trace(&found, sizeof found))
    stop("cannot write the findings");
}

void tvm_tiny_trace(int layer, const void *output, size_t size) {
  (void)output;
  (void)size;
  check_layer((uint32_t)layer);
}
#else
void tvm_tiny_trace(int layer, const void *output, size_t size) {
  const struct harness_trace trace = {HARNESS_TRACE_MAGIC, current_sample, (uint32_t)layer, (uint32_t)size};
  if (!io_write_trace(&trace, sizeof trace) || !io_write_trace(output, (uint32_t)size))
    stop("cannot write the trace");
}
#endif
#endif

static void run_sample(uint32_t sample) {
  struct harness_record record = {HARNESS_RECORD_MAGIC, sample, 0, 0, 0, 0, 0, 0};
  struct measurement measurement;

  is_outside = way == 1u && TVM_TINY_MODEL_OUTSIDE_SIZE > 0;
  for (uint32_t i = 0; i < POOLS && !(TVM_TINY_MODEL_STREAM && sample > 0u); ++i)
    fill(harness_pools[i].start, (uint8_t)(0x5Au + 0x1Du * sample), harness_pools[i].size);
  if (is_outside)
    fill(outside, OUTSIDE_FILL, TVM_TINY_MODEL_OUTSIDE_SIZE);
  for (uint32_t i = 0; i < TVM_TINY_MODEL_INPUTS; ++i)
    if (!io_read_input(place(&harness_inputs[i]), harness_inputs[i].size))
      stop("the input ends early");

  hash = is_outside ? hash_of_inputs() : 0u;
  harness_point(outside, is_outside);
#if defined(TVM_TINY_CHECK_ARENA)
  arena_check_start(&arena);
#endif
  if (TVM_TINY_MODEL_STREAM && sample == 0u && harness_reset(harness_memory()) != 0u)
    stop("the model cannot be reset");
  record.status = measure_call(harness_function, harness_memory(), way == 0u ? NULL : &harness_input_pointers,
                               way == 0u ? NULL : &harness_output_pointers, &measurement);
  record.stack = measurement.stack;
  record.tick_start = measurement.tick_start;
  record.tick_end = measurement.tick_end;
  record.tick_wraps = measurement.tick_wraps;
#if defined(TVM_TINY_CHECK_ARENA)
  check_layer(TVM_TINY_MODEL_LAYERS);
#endif
  record.damage = damage_of_arena() | damage_outside();
  if (!measure_stack_guard_whole())
    record.damage |= HARNESS_STACK_GUARD;

  if (!io_write_output(&record, sizeof record))
    stop("cannot write the output");
  for (uint32_t i = 0; i < TVM_TINY_MODEL_OUTPUTS; ++i)
    if (!io_write_output(place(&harness_outputs[i]), harness_outputs[i].size))
      stop("cannot write the output");
  if (record.damage != 0u || (record.status != 0u && !(TVM_TINY_MODEL_STREAM && record.status == NOT_READY))) {
    io_close();
    console_exit(HARNESS_STOPPED);
  }
}

int main(void) {
  struct harness_header header = {0, 0, 0};
  if (!io_open())
    stop("cannot open input.bin or output.bin");
  if (!io_read_input(&header, sizeof header) || header.magic != HARNESS_INPUT_MAGIC)
    stop("input.bin is not for this harness");
  if ((header.options & HARNESS_TICKS) != 0u)
    measure_start_ticks();
  measure_guard_stack();
  guard_arena();
  way = TVM_TINY_MODEL_ALL_IN_ARENA ? 0u : 1u;
  for (current_sample = 0; current_sample < header.samples; ++current_sample) {
    run_sample(current_sample);
    if (++way == 3u)
      way = TVM_TINY_MODEL_ALL_IN_ARENA ? 0u : 1u;
  }
  io_close();
  console_exit(HARNESS_DONE);
}
