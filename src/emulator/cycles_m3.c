/* Cortex-M3. */
#include "cycles_tables.h"

/* Cortex-M3 Technical Reference Manual, DDI 0337I, table 3-1, and section 3.3.2 for loads behind each other. The refill
 * of the pipeline, 1 to 3 cycles there, is 2. Multiplication with a long result and division end early for small
 * operands: taken are the upper bound of 3 to 5 and 4 to 7, which factors of 31 bits (requantisation) come to, and the
 * mean of 2 to 12. */
static const struct timing m3[KIND_COUNT] = {
    [KIND_MULTIPLY_ADD] = {.issue = 2},
    [KIND_MULTIPLY_LONG] = {.issue = 5},
    [KIND_MULTIPLY_ADD_LONG] = {.issue = 7},
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
};

const struct core cycles_m3 = {
    .name = "cortex-m3",
    .model = "cortex-m3 zero-wait-state 1",
    .timings = m3,
    .overlaps = true,
};
