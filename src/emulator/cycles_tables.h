/* The cycle models: one file each, cycles_<core>.c. A new core is a new file and its row in cores.c. */
#ifndef TVM_TINY_EMULATOR_CYCLES_TABLES_H_
#define TVM_TINY_EMULATOR_CYCLES_TABLES_H_

#include "core.h"
#include "pipeline.h"

extern const struct core cycles_m0;
extern const struct core cycles_m0plus;
extern const struct core cycles_m3;
extern const struct core cycles_m4;
extern const struct core cycles_m7;
extern const struct core cycles_m33;
extern const struct core cycles_m55;

#endif /* TVM_TINY_EMULATOR_CYCLES_TABLES_H_ */
