/* An in-order pipeline: which results are under way, and what the current cycle holds.
 *
 * Times count from the current cycle, in which the last instruction started (or ended to, if it takes several). */
#ifndef TVM_TINY_EMULATOR_PIPELINE_H_
#define TVM_TINY_EMULATOR_PIPELINE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core.h"
#include "operation.h"

enum use { USE_NORMAL, USE_EARLY, USE_MULTIPLY, USE_STORED, USE_COUNT };

struct pipeline {
  uint8_t ready[USE_COUNT]
               [REGISTER_COUNT]; /* cycles until a register's value can be used so; 0: it can in this cycle */
  uint8_t units[UNIT_COUNT];     /* cycles until a unit is free */
  bool after_access;             /* the last instruction was a single load or store */
  const struct operation *older; /* the only instruction of this cycle, if another may join it; else NULL */
  registers loaded;              /* what that loaded */
  uint32_t loop;                 /* the end of a low-overhead loop that the core remembers, 0 for none */
};

/* How a block of instructions was left. */
struct departure {
  uint32_t last; /* address of its last instruction */
  bool taken;    /* not to the instruction behind it */
  bool mispredicted;
};

/* Runs `count` operations through the pipeline; returns the cycles that this adds. */
unsigned pipeline_run(const struct core *core, struct pipeline *pipeline, const struct operation *operations,
                      size_t count, struct departure departure);

/* Whether an instruction of this kind can change the flow. */
bool pipeline_branches(enum kind kind);

#endif /* TVM_TINY_EMULATOR_PIPELINE_H_ */
