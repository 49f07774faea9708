/* What a Cortex-M does from reset to main(). The linker script (link.ld.in) names the addresses. */
#include <stddef.h>
#include <stdint.h>

#include "cortex_m.h"
#include "fault.h"
#include "stack.h"

extern uint32_t tiny_data_start[], tiny_data_end[], tiny_bss_start[], tiny_bss_end[], tiny_ram_start[];
extern const uint32_t tiny_data_load[];

int main(void);
void reset_handler(void);
void systick_handler(void);

/* Firmware that uses SysTick defines its own. */
__attribute__((weak)) void systick_handler(void) {
  fault_handler();
}

typedef void (*vector)(void);
extern const vector tiny_vectors[16];

__attribute__((section(".vectors"), used)) const vector tiny_vectors[16] = {
    [0] = (vector)(uintptr_t)tiny_stack_top,
    [1] = reset_handler,
    [2] = fault_handler,  /* NMI */
    [3] = fault_handler,  /* HardFault */
    [4] = fault_handler,  /* MemManage */
    [5] = fault_handler,  /* BusFault */
    [6] = fault_handler,  /* UsageFault */
    [7] = fault_handler,  /* SecureFault */
    [11] = fault_handler, /* SVCall */
    [12] = fault_handler, /* DebugMonitor */
    [14] = fault_handler, /* PendSV */
    [15] = systick_handler,
};

#if CORTEX_M_MAINLINE
static void enable_faults(void) {
  SCB_SHCSR |= 1u << 16 | 1u << 17 | 1u << 18; /* MemManage, BusFault and UsageFault as themselves, not as HardFault */
#if CORTEX_M_ARMV8
  SCB_SHCSR |= 1u << 19; /* SecureFault */
#endif
  SCB_CCR |= 1u << 4; /* DIV_0_TRP: a division by zero is a fault, not a silent 0 */
}

static void enable_units(void) {
  SCB_CPACR |= 0xFu << 20; /* CP10 and CP11: the FPU, and MVE on cores that have it */
#if defined(__ARM_ARCH_8_1M_MAIN__)
  SCB_CCR |= 1u << 20; /* LOB: low-overhead loops keep their state */
#endif
  cortex_m_barrier();
}

/* Makes everything below RAM read-only, and the first kilobyte inaccessible where the MPU can say so: a write through a
 * null pointer would otherwise go unseen on boards whose code memory is RAM. Everything else keeps its default rights.
 */
static void protect_code(void) {
  const uint32_t code_end = 0x20000000u; /* of the architecture's Code region */
  if (((MPU_TYPE >> 8) & 0xFFu) < 2u || (uintptr_t)tiny_ram_start < code_end) {
    return;
  }
#if CORTEX_M_ARMV8
  MPU_MAIR0 = 0xAAu; /* normal memory, write-through */
  MPU_RNR = 0u;
  MPU_RBAR = 2u << 1;                        /* from 0; read-only for privileged code; executable */
  MPU_RLAR = ((code_end - 32u) & ~31u) | 1u; /* to the last 32 bytes; attribute 0; enabled */
#else
  const uint32_t normal = 1u << 17; /* TEX 0, C 1, B 0: normal memory, write-through */
  MPU_RNR = 0u;
  MPU_RBAR = 0u;
  MPU_RASR = 5u << 24 | normal | 28u << 1 | 1u; /* read-only for privileged code; 2^29 bytes */
  MPU_RNR = 1u;
  MPU_RBAR = 0u;
  MPU_RASR = 1u << 28 | normal | 9u << 1 | 1u; /* no access; 2^10 bytes; the vector table alone lies there */
#endif
  MPU_CTRL = 1u | 1u << 2; /* on; the default map for what no region covers */
  cortex_m_barrier();
}
#endif

/* Copies by words: both ends are word-aligned in the linker script. Not memcpy, which belongs to the model's account.
 */
static void initialise_memory(void) {
  const uint32_t *from = tiny_data_load;
  volatile uint32_t *to = tiny_data_start;
  while (to != tiny_data_end) {
    *to = *from;
    ++to;
    ++from;
  }
  to = tiny_bss_start;
  while (to != tiny_bss_end) {
    *to = 0u;
    ++to;
  }
}

void reset_handler(void) {
#if CORTEX_M_MAINLINE
#if !defined(TVM_TINY_RESIDENT) /* which forwards exceptions to these vectors, and keeps its interrupt */
  SCB_VTOR = (uint32_t)(uintptr_t)tiny_vectors;
#endif
  enable_faults();
  enable_units();
  protect_code();
#endif
#if CORTEX_M_ARMV8
  __asm volatile("msr msplim, %0" ::"r"(tiny_stack_bottom));
#endif
  initialise_memory();
  (void)main();
  for (;;) {
  }
}
