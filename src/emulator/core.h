/* What a cycle model knows of a core: tables and a few numbers, which pipeline.c interprets. */
#ifndef TVM_TINY_EMULATOR_CORE_H_
#define TVM_TINY_EMULATOR_CORE_H_

#include <stdbool.h>
#include <stdint.h>

#include "operation.h"

/* What only one instruction at a time can use. */
enum unit { UNIT_MEMORY, UNIT_INTEGER, UNIT_FLOAT, UNIT_COUNT };
#define ON(unit) (1u << (unit))

/* Of one kind of instruction. Zero stands for what most instructions have. */
struct timing {
  uint8_t issue; /* cycles until the next instruction can start when nothing else holds it up; at least 1 with moved */
  uint8_t moved; /* registers that a transfer of several moves in a cycle, on top of issue; 0: it moves none */
  uint8_t
      latency;   /* cycles from the last cycle of issue until an instruction can use the result; 0: 1, the next cycle */
  uint8_t early; /* the same for an instruction that needs it as an address or to shift it; 0: as latency */
  uint8_t multiply; /* the same for one that multiplies it; 0: as latency */
  uint8_t stored;   /* the same for one that stores it; 0: as latency, less the core's number of that name */
  uint8_t flags;    /* more cycles of issue where it sets the flags */
  uint8_t taken;    /* more cycles of issue where it changes the flow */
  uint8_t units;    /* ON(unit) | ON(other): any of these; 0: it needs none */
  uint8_t busy;     /* cycles for which it holds that unit; 0: 1 */
};

struct core {
  const char *name;  /* the target's name */
  const char *model; /* the name of this model; its number changes with what it computes */
  const struct timing *timings;
  /* Whether `younger` can start in the cycle of `older`, given that no result and no unit holds it up; `taken`: it
   * changes the flow. NULL where the core starts one instruction in a cycle. */
  bool (*pairs)(const struct operation *older, const struct operation *younger, bool taken);
  uint8_t addend;       /* cycles by which an addend can come after the factors */
  uint8_t stored;       /* cycles by which the data of a store can come after its address */
  uint8_t mispredicted; /* cycles that a wrongly predicted branch costs on top; 0: the core predicts none */
  bool overlaps; /* a single load takes one cycle behind a single load or store that its address does not depend on */
  bool loops;    /* from its second pass on, the end of a low-overhead loop takes no cycle */
};

/* The core called `name`, NULL where there is no model of it. */
const struct core *core_find(const char *name);

#endif /* TVM_TINY_EMULATOR_CORE_H_ */
