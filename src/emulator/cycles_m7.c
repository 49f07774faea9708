/* Cortex-M7, with its double-precision float unit and its branch prediction.
 *
 * Arm publishes no cycles of this core. The figures are those of LLVM's scheduling model, which Arm contributed
 * (llvm/lib/Target/ARM/ARMScheduleM7.td, "LLVM" below), where measurements agree with it or say nothing, else
 * measurements of an STM32H743, "pipeline cycle test", doc/cortex_m7.md, at github.com/jnk0le/random ("measured"). */
#include "cycles_tables.h"

/* Load and store multiples and pairs, divisions, system instructions. LLVM: SingleIssue. */
static bool is_alone(const struct operation *operation) {
  switch (operation->kind) {
    case KIND_DIVIDE:
    case KIND_LOAD_PAIR:
    case KIND_LOAD_MULTIPLE:
    case KIND_STORE_PAIR:
    case KIND_STORE_MULTIPLE:
    case KIND_LOAD_BRANCH:
    case KIND_POP_BRANCH:
    case KIND_TABLE_BRANCH:
    case KIND_SPECIAL:
    case KIND_BARRIER:
    case KIND_TRAP:
    case KIND_FLOAT_MOVE_PAIR:
    case KIND_FLOAT_LOAD_MULTIPLE:
    case KIND_FLOAT_STORE_MULTIPLE:
      return true;
    case KIND_FLOAT_LOAD:
    case KIND_FLOAT_STORE:
      return operation->words > 1;
    default:
      return false;
  }
}

/* Bit fields, extensions, parallel arithmetic: only as the first of two, and one in a cycle. Measured; LLVM:
 * M7Slot0Only, BeginGroup. */
static bool is_first(enum kind kind) {
  return kind == KIND_BITS || kind == KIND_INSERT || kind == KIND_EXTEND || kind == KIND_EXTEND_ADD ||
         kind == KIND_PACKED;
}

static bool is_shifted(enum kind kind) {
  return kind == KIND_SHIFTED_REGISTER || kind == KIND_SHIFTED_CONSTANT;
}

static bool is_multiplication(enum kind kind) {
  return kind == KIND_MULTIPLY || kind == KIND_MULTIPLY_ADD || kind == KIND_MULTIPLY_LONG ||
         kind == KIND_MULTIPLY_ADD_LONG;
}

static bool is_store(enum kind kind) {
  return kind == KIND_STORE || kind == KIND_FLOAT_STORE;
}

static bool is_load(enum kind kind) {
  return kind == KIND_LOAD_WORD || kind == KIND_LOAD_PART || kind == KIND_FLOAT_LOAD;
}

/* Memory has two banks, for even and for odd words. Of addresses only offsets are known here: two loads are taken to
 * meet in one bank unless their common base tells that they do not. */
static bool on_two_banks(const struct operation *one, const struct operation *other) {
  return one->displaced && other->displaced && one->base == other->base && ((one->offset ^ other->offset) & 4) != 0;
}

static bool pairs(const struct operation *older, const struct operation *younger, bool taken) {
  (void)taken;
  if (is_alone(older) || is_alone(younger) || is_first(younger->kind))
    return false;
  /* One shifter. Measured: the table of second operands. */
  if (is_shifted(younger->kind) && (is_shifted(older->kind) || older->kind == KIND_SHIFT || is_first(older->kind)))
    return false;
  /* One multiplier, one store, and not both. Measured. */
  if ((is_multiplication(older->kind) || is_store(older->kind)) &&
      (is_multiplication(younger->kind) || is_store(younger->kind)))
    return false;
  if (is_load(older->kind) && is_load(younger->kind))
    return on_two_banks(older, younger);
  return !(pipeline_branches(older->kind) && pipeline_branches(younger->kind));
}

/* There are an early and a late adder, one cycle apart. Addresses and shifted operands are needed early; additions,
 * moves and shifts are done early, so that their results are in time for them in the next cycle; the other results are
 * not. */
static const struct timing m7[KIND_COUNT] = {
    [KIND_LOGIC] = {.early = 2},
    [KIND_SHIFTED_REGISTER] = {.early = 2},
    [KIND_SHIFTED_CONSTANT] = {.early = 2},
    [KIND_BITS] = {.early = 2},
    [KIND_INSERT] = {.early = 2},
    [KIND_EXTEND] = {.early = 2},
    [KIND_EXTEND_ADD] = {.early = 2},
    [KIND_PACKED] = {.latency = 2, .early = 3}, /* LLVM: 1 for some of them, 2 for saturating ones */
    [KIND_MULTIPLY] = {.latency = 2, .early = 3},
    [KIND_MULTIPLY_ADD] = {.latency = 2, .early = 3},
    [KIND_MULTIPLY_LONG] = {.latency = 2, .early = 3},
    [KIND_MULTIPLY_ADD_LONG] = {.latency = 2, .early = 3},
    [KIND_DIVIDE] = {.issue = 7},                                             /* LLVM */
    [KIND_LOAD_WORD] = {.latency = 1, .early = 2, .multiply = 2},             /* measured */
    [KIND_LOAD_PART] = {.latency = 2, .early = 3, .multiply = 3},             /* measured; the last by analogy */
    [KIND_LOAD_PAIR] = {.moved = 2, .latency = 1, .early = 2, .multiply = 2}, /* measured: N / 2, rounded up */
    [KIND_LOAD_MULTIPLE] = {.moved = 2, .latency = 1, .early = 2, .multiply = 2},
    [KIND_STORE_PAIR] = {.moved = 2},
    [KIND_STORE_MULTIPLE] = {.moved = 2},
    [KIND_POP_BRANCH] = {.moved = 2},
    [KIND_TABLE_BRANCH] = {.issue = 2}, /* LLVM */
    [KIND_FLOAT_MOVE] = {.latency = 3}, /* LLVM: WriteFPMOV */
    [KIND_FLOAT_MOVE_PAIR] = {.latency = 3},
    [KIND_FLOAT_ADD] = {.latency = 3, .units = ON(UNIT_FLOAT)},
    [KIND_FLOAT_COMPARE] = {.latency = 3, .units = ON(UNIT_FLOAT)},
    [KIND_FLOAT_MULTIPLY] = {.latency = 3, .units = ON(UNIT_FLOAT)},
    [KIND_FLOAT_MULTIPLY_ADD] = {.latency = 6, .units = ON(UNIT_FLOAT)}, /* LLVM and measured */
    [KIND_FLOAT_FUSED] = {.latency = 5, .units = ON(UNIT_FLOAT)},        /* measured */
    [KIND_FLOAT_DIVIDE] = {.issue = 16, .units = ON(UNIT_FLOAT), .busy = 16},
    [KIND_DOUBLE_ADD] = {.issue = 2, .latency = 4, .units = ON(UNIT_FLOAT)}, /* measured: without denormals */
    [KIND_DOUBLE_MULTIPLY] = {.issue = 5, .latency = 3, .units = ON(UNIT_FLOAT)},
    [KIND_DOUBLE_MULTIPLY_ADD] = {.issue = 8, .latency = 4, .units = ON(UNIT_FLOAT)},
    [KIND_DOUBLE_DIVIDE] = {.issue = 30, .units = ON(UNIT_FLOAT)},
    [KIND_FLOAT_LOAD_MULTIPLE] = {.moved = 2},
    [KIND_FLOAT_STORE_MULTIPLE] = {.moved = 2},
};

const struct core cycles_m7 = {
    .name = "cortex-m7",
    .model = "cortex-m7 zero-wait-state 1",
    .timings = m7,
    .pairs = pairs,
    .addend = 1,       /* measured: products chain every cycle, a sum of the same cycle can be added to */
    .stored = 2,       /* measured: any result can be stored in the cycle in which it is computed */
    .mispredicted = 8, /* measured, where the flags are set right before; 6 where they are set 3 cycles before */
};
