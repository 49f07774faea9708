/* Calls <model>_run so that the stack it uses and the time it takes can be told. */
#ifndef TVM_TINY_FIRMWARE_MEASURE_H_
#define TVM_TINY_FIRMWARE_MEASURE_H_

#include <stdbool.h>
#include <stdint.h>

/* <model>_run as the harness sees it: arena, inputs, outputs, status. */
typedef uint32_t (*measured_function)(void *arena, const void *inputs, const void *outputs);

struct measurement {
  uint32_t stack;                /* bytes below the caller's stack pointer; MEASURE_UNKNOWN where it cannot be told */
  uint32_t tick_start, tick_end; /* SysTick, which counts down from 0xFFFFFF; from DWT->CYCCNT, cycles and 0 */
  uint32_t tick_wraps;           /* how often it passed 0 in between */
};

enum { MEASURE_UNKNOWN = -1 };

/* Lets DWT->CYCCNT run from now on where the core has it, else SysTick; where neither does, ticks are 0. */
void measure_start_ticks(void);

uint32_t measure_call(measured_function function, void *arena, const void *inputs, const void *outputs,
                      struct measurement *measurement);

/* Writes the guard words below the stack, once; says later whether they are as they were. */
void measure_guard_stack(void);
bool measure_stack_guard_whole(void);

#endif /* TVM_TINY_FIRMWARE_MEASURE_H_ */
