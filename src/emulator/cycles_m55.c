/* Cortex-M55 with MVE and its double-precision float unit.
 *
 * The figures are those of LLVM's scheduling model, which Arm contributed on the ground of its Cortex-M55 Software
 * Optimization Guide (102692): llvm/lib/Target/ARM/ARMScheduleM55.td. Where the two differ, the larger of it and of the
 * model of Arm's SLOTHY (github.com/slothy-optimizer/slothy, slothy/targets/arm_v81m/cortex_m55r1.py). */
#include "cycles_tables.h"

/* LLVM, "Dual Issue": of two 16-bit instructions one is NOP, IT, a branch, ADD or SUB of a constant, MOV, or an
 * extension. That a taken branch does not join what sets the flags is measured on the Cortex-M33, whose pipeline this
 * one extends. */
static bool is_partner(const struct operation *operation) {
  return operation->light || operation->kind == KIND_NOP || operation->kind == KIND_IT ||
         operation->kind == KIND_BRANCH || operation->kind == KIND_COMPARE_BRANCH;
}

static bool pairs(const struct operation *older, const struct operation *younger, bool taken) {
  if (!older->narrow || !younger->narrow || (pipeline_branches(older->kind) && pipeline_branches(younger->kind)))
    return false;
  if (taken && older->sets_flags)
    return false;
  return is_partner(older) || is_partner(younger);
}

/* A vector instruction is two beats of 64 bits: it holds its unit for two cycles, and the next one can start in the
 * second if it needs another unit. Results go on beat by beat, so that most latencies are 1. */
#define BEATS(unit) .units = (unit), .busy = 2

/* Vectors that are addresses (gather, scatter) are needed 4 cycles earlier: M55GatherQRead. */
#define VECTOR(cycles, unit) .latency = (cycles), .early = (cycles) + 4, BEATS(unit)

static const struct timing m55[KIND_COUNT] = {
    [KIND_SHIFTED_REGISTER] = {.latency = 2},
    [KIND_SHIFTED_CONSTANT] = {.latency = 2},
    [KIND_BITS] = {.latency = 2},
    [KIND_EXTEND_ADD] = {.latency = 2},
    [KIND_PACKED] = {.latency = 2},
    [KIND_LONG_SHIFT] = {.latency = 2},
    [KIND_MULTIPLY] = {.latency = 2},
    [KIND_MULTIPLY_ADD] = {.latency = 2},
    [KIND_MULTIPLY_LONG] = {.latency = 2},
    [KIND_MULTIPLY_ADD_LONG] = {.latency = 2},
    [KIND_DIVIDE] = {.issue = 7}, /* as on the Cortex-M4: the mean of 2 to 12 */
    [KIND_LOAD_WORD] = {.latency = 2, .units = ON(UNIT_MEMORY)},
    [KIND_LOAD_PART] = {.latency = 2, .units = ON(UNIT_MEMORY)},
    [KIND_LOAD_PAIR] = {.latency = 2, .units = ON(UNIT_MEMORY)},                 /* SLOTHY: 64 bits in a cycle */
    [KIND_LOAD_MULTIPLE] = {.moved = 1, .latency = 2, .units = ON(UNIT_MEMORY)}, /* N, a bound: no source tells */
    [KIND_STORE] = {.units = ON(UNIT_MEMORY)},
    [KIND_STORE_PAIR] = {.units = ON(UNIT_MEMORY)},
    [KIND_STORE_MULTIPLE] = {.moved = 1, .units = ON(UNIT_MEMORY)},
    /* The refill of 2 cycles is an assumption: the Cortex-M33 takes 1 with a pipeline shorter by a stage, LLVM
       reckons 3. */
    [KIND_BRANCH] = {.taken = 2},
    [KIND_COMPARE_BRANCH] = {.taken = 2},
    [KIND_CALL] = {.taken = 2},
    [KIND_BRANCH_REGISTER] = {.taken = 2},
    [KIND_LOAD_BRANCH] = {.taken = 3},
    [KIND_POP_BRANCH] = {.moved = 1, .taken = 3},
    [KIND_TABLE_BRANCH] = {.taken = 4},
    [KIND_LOOP_START] = {.taken = 2},
    [KIND_LOOP_END] = {.taken = 2}, /* in its first pass */
    [KIND_FLOAT_MOVE] = {.latency = 2, .units = ON(UNIT_FLOAT)},
    [KIND_FLOAT_MOVE_PAIR] = {.latency = 2, .units = ON(UNIT_FLOAT)},
    [KIND_FLOAT_ADD] = {.latency = 2, .units = ON(UNIT_FLOAT)},
    [KIND_FLOAT_COMPARE] = {.units = ON(UNIT_FLOAT)},
    [KIND_FLOAT_MULTIPLY] = {.latency = 2, .units = ON(UNIT_FLOAT)},
    [KIND_FLOAT_MULTIPLY_ADD] = {.latency = 4, .units = ON(UNIT_FLOAT)},
    [KIND_FLOAT_FUSED] = {.latency = 2, .units = ON(UNIT_FLOAT)},
    [KIND_FLOAT_DIVIDE] = {.latency = 16, .units = ON(UNIT_FLOAT), .busy = 15},
    [KIND_DOUBLE_ADD] = {.latency = 15, .units = ON(UNIT_FLOAT), .busy = 14},
    [KIND_DOUBLE_MULTIPLY] = {.latency = 21, .units = ON(UNIT_FLOAT), .busy = 20},
    [KIND_DOUBLE_MULTIPLY_ADD] = {.latency = 36, .units = ON(UNIT_FLOAT), .busy = 35},
    [KIND_DOUBLE_DIVIDE] = {.latency = 30, .units = ON(UNIT_FLOAT), .busy = 29},
    [KIND_FLOAT_LOAD] = {.latency = 2, .units = ON(UNIT_MEMORY)},
    [KIND_FLOAT_STORE] = {.units = ON(UNIT_MEMORY)},
    [KIND_FLOAT_LOAD_MULTIPLE] = {.moved = 1, .latency = 2, .units = ON(UNIT_MEMORY)},
    [KIND_FLOAT_STORE_MULTIPLE] = {.moved = 1, .units = ON(UNIT_MEMORY)},
    [KIND_FLOAT_STATUS] = {.units = ON(UNIT_FLOAT)},
    [KIND_VECTOR_LOAD] = {VECTOR(1, ON(UNIT_MEMORY))},
    [KIND_VECTOR_STORE] = {BEATS(ON(UNIT_MEMORY))},
    [KIND_VECTOR_GATHER] = {VECTOR(2, ON(UNIT_MEMORY))},
    [KIND_VECTOR_SCATTER] = {BEATS(ON(UNIT_MEMORY))},
    [KIND_VECTOR_LOAD_INTERLEAVED] = {VECTOR(2, ON(UNIT_MEMORY))},
    [KIND_VECTOR_STORE_INTERLEAVED] = {BEATS(ON(UNIT_MEMORY))},
    [KIND_VECTOR_INTEGER] = {VECTOR(1, ON(UNIT_INTEGER))},
    [KIND_VECTOR_INTEGER_LONG] = {VECTOR(2, ON(UNIT_INTEGER))},
    [KIND_VECTOR_NARROW] = {VECTOR(3, ON(UNIT_INTEGER)), .stored = 3}, /* NoFwd: not earlier for stores */
    [KIND_VECTOR_EXTREME] = {.latency = 4, BEATS(ON(UNIT_INTEGER))},   /* 2 to 4 by the size of elements */
    [KIND_VECTOR_MULTIPLY] = {VECTOR(2, ON(UNIT_FLOAT))},
    [KIND_VECTOR_MULTIPLY_ACROSS] = {.latency = 2, BEATS(ON(UNIT_FLOAT))},
    [KIND_VECTOR_ADD_ACROSS] = {.latency = 2, BEATS(ON(UNIT_FLOAT))},
    [KIND_VECTOR_COMPARE] = {BEATS(ON(UNIT_FLOAT))},
    [KIND_VECTOR_FLOAT_ADD] = {VECTOR(1, ON(UNIT_FLOAT))},
    [KIND_VECTOR_FLOAT] = {VECTOR(2, ON(UNIT_FLOAT))},
    [KIND_VECTOR_LANES_IN] = {VECTOR(1, ON(UNIT_INTEGER) | ON(UNIT_FLOAT))},
    [KIND_VECTOR_LANES_OUT] = {BEATS(ON(UNIT_FLOAT))},
};

const struct core cycles_m55 = {
    .name = "cortex-m55",
    .model = "cortex-m55 zero-wait-state 1",
    .timings = m55,
    .pairs = pairs,
    .stored = 1, /* M55Read1 */
    .loops = true,
};
