/* Cortex-M4 with its floating-point unit. */
#include "cycles_tables.h"

/* Cortex-M4 Technical Reference Manual, DDI 0439 (100166): table 3-1 and section 3.3.3 for the core's instructions,
 * table 7-1 for the float unit's. The refill of the pipeline, 1 to 3 cycles there, is 2. Division, 2 to 12 cycles there
 * by the leading bits of its operands, is the mean. */
static const struct timing m4[KIND_COUNT] = {
    [KIND_DIVIDE] = {.issue = 7},
    [KIND_LOAD_WORD] = {.issue = 2},
    [KIND_LOAD_PART] = {.issue = 2},
    [KIND_LOAD_PAIR] = {.issue = 1, .moved = 1}, /* 1 + N */
    [KIND_LOAD_MULTIPLE] = {.issue = 1, .moved = 1},
    [KIND_STORE] = {.issue = 1},
    [KIND_STORE_PAIR] = {.issue = 1, .moved = 1},
    [KIND_STORE_MULTIPLE] = {.issue = 1, .moved = 1},
    [KIND_BRANCH] = {.issue = 1, .taken = 2},
    [KIND_COMPARE_BRANCH] = {.issue = 1, .taken = 2},
    [KIND_CALL] = {.issue = 1, .taken = 2},
    [KIND_BRANCH_REGISTER] = {.issue = 1, .taken = 2},
    [KIND_LOAD_BRANCH] = {.issue = 2, .taken = 2},
    [KIND_POP_BRANCH] = {.issue = 1, .moved = 1, .taken = 2},
    [KIND_TABLE_BRANCH] = {.issue = 2, .taken = 2},
    [KIND_FLOAT_MOVE_PAIR] = {.issue = 2},
    [KIND_FLOAT_MULTIPLY_ADD] = {.issue = 3},
    [KIND_FLOAT_FUSED] = {.issue = 3},
    [KIND_FLOAT_DIVIDE] = {.issue = 14},
    [KIND_FLOAT_LOAD] = {.issue = 1, .moved = 1}, /* 2, a double 3 */
    [KIND_FLOAT_STORE] = {.issue = 1, .moved = 1},
    [KIND_FLOAT_LOAD_MULTIPLE] = {.issue = 1, .moved = 1},
    [KIND_FLOAT_STORE_MULTIPLE] = {.issue = 1, .moved = 1},
};

const struct core cycles_m4 = {
    .name = "cortex-m4",
    .model = "cortex-m4 zero-wait-state 1",
    .timings = m4,
    .overlaps = true,
};
