#include "cortex_m.h"
#include "measure.h"
#include "stack.h"

/* What measure_cortex_m.S leaves behind. */
volatile uint32_t measure_ticks[2];
volatile uint32_t measure_stack;

/* The address of the register that measure_cortex_m.S reads before and after the call; a debugger reads it to know what
 * counted. */
volatile uint32_t measure_counter = SYST_CVR_ADDRESS;

static volatile uint32_t wraps;

uint32_t measure_painted_call(measured_function function, void *arena, const void *inputs, const void *outputs);
void systick_handler(void);

void systick_handler(void) {
  ++wraps;
}

/* Starts the core's cycle counter; false where there is none, or where it stands still (as in emulators). */
static bool start_cycle_counter(void) {
#if CORTEX_M_MAINLINE
  DEMCR |= 1u << 24;               /* TRCENA: the DWT is on */
  DWT_LAR = 0xC5ACCE55u;           /* unlocks it on cores that lock it (M7) */
  if ((DWT_CTRL & 1u << 25) != 0u) /* NOCYCCNT */
    return false;
  DWT_CYCCNT = 0u;
  DWT_CTRL |= 1u; /* CYCCNTENA */
  cortex_m_barrier();
  const uint32_t before = DWT_CYCCNT;
  cortex_m_barrier();
  return DWT_CYCCNT != before;
#else
  return false;
#endif
}

void measure_start_ticks(void) {
  if (start_cycle_counter()) {
    measure_counter = DWT_CYCCNT_ADDRESS;
    return;
  }
  SYST_RVR = 0xFFFFFFu;
  SYST_CVR = 0u;
  SYST_CSR = 7u; /* on, with its interrupt, from the core's clock */
}

uint32_t measure_call(measured_function function, void *arena, const void *inputs, const void *outputs,
                      struct measurement *measurement) {
  const uint32_t wraps_before = wraps;
  const uint32_t status = measure_painted_call(function, arena, inputs, outputs);
  const bool counts_up = measure_counter == DWT_CYCCNT_ADDRESS;
  measurement->tick_start = counts_up ? measure_ticks[1] - measure_ticks[0] : measure_ticks[0];
  measurement->tick_end = counts_up ? 0u : measure_ticks[1];
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
