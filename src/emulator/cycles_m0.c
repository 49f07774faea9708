/* Cortex-M0 and Cortex-M0+, with the fast multiplier that parts on the market have (the small one takes 32 cycles). */
#include "cycles_tables.h"

/* Cortex-M0 Technical Reference Manual, DDI 0432C, table 3-1. What is not listed takes one cycle. */
static const struct timing m0[KIND_COUNT] = {
    [KIND_LOAD_WORD] = {.issue = 2},
    [KIND_LOAD_PART] = {.issue = 2},
    [KIND_STORE] = {.issue = 2},
    [KIND_LOAD_MULTIPLE] = {.issue = 1, .moved = 1}, /* 1 + N */
    [KIND_STORE_MULTIPLE] = {.issue = 1, .moved = 1},
    [KIND_POP_BRANCH] = {.issue = 1, .moved = 1, .taken = 3}, /* 4 + N, PC being one of the N */
    [KIND_BRANCH] = {.issue = 1, .taken = 2},
    [KIND_BRANCH_REGISTER] = {.issue = 1, .taken = 2},
    [KIND_CALL] = {.issue = 1, .taken = 3},
    [KIND_SPECIAL] = {.issue = 4},
    [KIND_BARRIER] = {.issue = 4},
};

const struct core cycles_m0 = {.name = "cortex-m0", .model = "cortex-m0 zero-wait-state 1", .timings = m0};

/* Cortex-M0+ Technical Reference Manual, DDI 0484C, table 3-1; data behind the bus, not the single-cycle port. */
static const struct timing m0plus[KIND_COUNT] = {
    [KIND_LOAD_WORD] = {.issue = 2},
    [KIND_LOAD_PART] = {.issue = 2},
    [KIND_STORE] = {.issue = 2},
    [KIND_LOAD_MULTIPLE] = {.issue = 1, .moved = 1},
    [KIND_STORE_MULTIPLE] = {.issue = 1, .moved = 1},
    [KIND_POP_BRANCH] = {.issue = 1, .moved = 1, .taken = 2}, /* 3 + N */
    [KIND_BRANCH] = {.issue = 1, .taken = 1},
    [KIND_BRANCH_REGISTER] = {.issue = 1, .taken = 1},
    [KIND_CALL] = {.issue = 1, .taken = 2},
    [KIND_SPECIAL] = {.issue = 3},
    [KIND_BARRIER] = {.issue = 3},
};

const struct core cycles_m0plus = {
    .name = "cortex-m0plus", .model = "cortex-m0plus zero-wait-state 1", .timings = m0plus};
