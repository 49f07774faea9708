/* Cortex-M33.
 *
 * Its Technical Reference Manual (DDI 100230) names the pipeline's features ("limited dual-issue of common 16-bit
 * instruction pairs", section A1.4.1) and no cycles. The figures are measurements of a Cortex-M33 r1p0 (RP2350),
 * published as "pipeline cycle test", doc/cortex_m33.md, at github.com/jnk0le/random. */
#include "cycles_tables.h"

/* Two 16-bit instructions, of which the second is a branch or IT or the first does nothing. A taken branch does not
 * join what sets the flags; section "limited dual issue and branching" there. */
static bool pairs(const struct operation *older, const struct operation *younger, bool taken) {
  if (!older->narrow || !younger->narrow || pipeline_branches(older->kind))
    return false;
  switch (younger->kind) {
    case KIND_IT:
      return true;
    case KIND_BRANCH:
    case KIND_COMPARE_BRANCH:
      return !taken || !older->sets_flags;
    default:
      return older->kind == KIND_NOP;
  }
}

/* From the sections "overall" and "load/store" there. Not measured there and taken from the Cortex-M4 (DDI 0439, tables
 * 3-1 and 7-1): division, float division, the latency of 2 of float additions. Assumed: that branches by register
 * refill like others, and 1 cycle more where the address comes from memory. */
static const struct timing m33[KIND_COUNT] = {
    [KIND_SHIFTED_REGISTER] = {.latency = 2},
    [KIND_SHIFTED_CONSTANT] = {.issue = 1, .latency = 2, .flags = 1},
    [KIND_EXTEND_ADD] = {.latency = 2},
    [KIND_MULTIPLY] = {.issue = 1, .latency = 2, .flags = 1},
    [KIND_MULTIPLY_ADD] = {.latency = 2},
    [KIND_MULTIPLY_LONG] = {.latency = 2},
    [KIND_MULTIPLY_ADD_LONG] = {.latency = 2},
    [KIND_DIVIDE] = {.issue = 7},
    [KIND_LOAD_WORD] = {.latency = 2},
    [KIND_LOAD_PART] = {.latency = 2},
    [KIND_LOAD_PAIR] = {.moved = 1, .latency = 2}, /* N */
    [KIND_LOAD_MULTIPLE] = {.moved = 1, .latency = 2},
    [KIND_STORE_PAIR] = {.moved = 1},
    [KIND_STORE_MULTIPLE] = {.moved = 1},
    [KIND_BRANCH] = {.taken = 1},
    [KIND_COMPARE_BRANCH] = {.taken = 1},
    [KIND_CALL] = {.taken = 1},
    [KIND_BRANCH_REGISTER] = {.taken = 1},
    [KIND_LOAD_BRANCH] = {.taken = 2},
    [KIND_POP_BRANCH] = {.moved = 1, .taken = 2},
    [KIND_TABLE_BRANCH] = {.taken = 3},
    [KIND_FLOAT_MOVE] = {.units = ON(UNIT_FLOAT)},
    [KIND_FLOAT_MOVE_PAIR] = {.issue = 2, .units = ON(UNIT_FLOAT)},
    [KIND_FLOAT_ADD] = {.latency = 2, .units = ON(UNIT_FLOAT)},
    [KIND_FLOAT_COMPARE] = {.units = ON(UNIT_FLOAT)},
    [KIND_FLOAT_MULTIPLY] = {.latency = 2, .units = ON(UNIT_FLOAT)},
    [KIND_FLOAT_MULTIPLY_ADD] = {.latency = 3, .units = ON(UNIT_FLOAT), .busy = 3},
    [KIND_FLOAT_FUSED] = {.latency = 3, .units = ON(UNIT_FLOAT), .busy = 3},
    [KIND_FLOAT_DIVIDE] = {.issue = 14, .units = ON(UNIT_FLOAT), .busy = 14},
    [KIND_FLOAT_LOAD] = {.moved = 1, .latency = 2},
    [KIND_FLOAT_STORE] = {.moved = 1},
    [KIND_FLOAT_LOAD_MULTIPLE] = {.moved = 1, .latency = 2},
    [KIND_FLOAT_STORE_MULTIPLE] = {.moved = 1},
};

const struct core cycles_m33 = {
    .name = "cortex-m33",
    .model = "cortex-m33 zero-wait-state 1",
    .timings = m33,
    .pairs = pairs,
    .addend = 1, /* products and loads are added one cycle after they could be used otherwise */
    .stored = 1, /* and stored */
};
