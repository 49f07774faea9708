#include "cortex_m.h"
#include "measure.h"
#include "stack.h"

/* What measure_cortex_m.S leaves behind. */
volatile uint32_t measure_ticks[2];
volatile uint32_t measure_stack;

static volatile uint32_t wraps;

uint32_t measure_painted_call(measured_function function, void *arena, const void *inputs, const void *outputs);
void systick_handler(void);

void systick_handler(void) {
  ++wraps;
}

void measure_start_ticks(void) {
  SYST_RVR = 0xFFFFFFu;
  SYST_CVR = 0u;
  SYST_CSR = 7u; /* on, with its interrupt, from the core's clock */
}

uint32_t measure_call(measured_function function, void *arena, const void *inputs, const void *outputs,
                      struct measurement *measurement) {
  const uint32_t wraps_before = wraps;
  const uint32_t status = measure_painted_call(function, arena, inputs, outputs);
  measurement->tick_start = measure_ticks[0];
  measurement->tick_end = measure_ticks[1];
  measurement->tick_wraps = wraps - wraps_before;
  measurement->stack = measure_stack;
  return status;
}

static const uint32_t guard_word = 0x5AFE57ACu;

void measure_guard_stack(void) {
  for (uint32_t *word = tiny_stack_guard; word != tiny_stack_bottom; ++word)
    *(volatile uint32_t *)word = guard_word;
}

bool measure_stack_guard_whole(void) {
  for (const uint32_t *word = tiny_stack_guard; word != tiny_stack_bottom; ++word)
    if (*(const volatile uint32_t *)word != guard_word)
      return false;
  return true;
}
