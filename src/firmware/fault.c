#include "fault.h"

#include <stdbool.h>

#include "console.h"
#include "cortex_m.h"
#include "stack.h"

volatile struct fault tiny_fault;

/* The handler's own stack: the faulting one may be full. */
__attribute__((used)) static uint64_t fault_stack[32];

void fault_report(const uint32_t *sp, uint32_t exc_return);
void __aeabi_idiv0(void);
void __aeabi_ldiv0(void);

__attribute__((naked)) void fault_handler(void) {
  __asm volatile(
      "mrs r0, msp\n\t"
      "mov r1, lr\n\t"
      "ldr r2, =fault_stack + 256\n\t"
      "mov sp, r2\n\t"
      "bl fault_report\n\t"
      ".ltorg");
}

/* libgcc divides where the core cannot, and calls these for a division by zero; its own do nothing. */
__attribute__((naked)) void __aeabi_idiv0(void) {
  __asm volatile("udf #0");
}
__attribute__((naked)) void __aeabi_ldiv0(void) {
  __asm volatile("udf #0");
}

static void read_registers(volatile struct fault *fault) {
  fault->exception = SCB_ICSR & 0x1FFu;
#if CORTEX_M_MAINLINE
  fault->cfsr = SCB_CFSR;
  fault->hfsr = SCB_HFSR;
  fault->mmfar = SCB_MMFAR;
  fault->bfar = SCB_BFAR;
#endif
#if CORTEX_M_ARMV8
  fault->sfsr = SCB_SFSR;
#endif
}

/* The core has saved r0-r3, r12, lr, pc and xpsr at `sp`, unless saving them failed (MSTKERR, STKERR, STKOF). */
static void read_frame(volatile struct fault *fault, const uint32_t *sp) {
  const uint32_t stacking_failed = 1u << 4 | 1u << 12 | 1u << 20;
  const uintptr_t address = (uintptr_t)sp;
  const bool on_stack = address >= (uintptr_t)tiny_stack_bottom && address <= (uintptr_t)tiny_stack_top - 32u;
  fault->sp = (uint32_t)address;
  fault->framed = (fault->cfsr & stacking_failed) == 0u && on_stack;
  if (fault->framed == 0u) {
    return;
  }
  fault->lr = sp[5];
  fault->pc = sp[6];
  fault->xpsr = sp[7];
}

static void print_field(const char *name, uint32_t value) {
  console_text(name);
  console_hex(value);
}

__attribute__((used, noreturn)) void fault_report(const uint32_t *sp, uint32_t exc_return) {
  volatile struct fault *fault = &tiny_fault;
  read_registers(fault);
  read_frame(fault, sp);
  print_field("tvm_tiny: fault exception=", fault->exception);
  print_field(" cfsr=", fault->cfsr);
  print_field(" hfsr=", fault->hfsr);
  print_field(" sfsr=", fault->sfsr);
  print_field(" mmfar=", fault->mmfar);
  print_field(" bfar=", fault->bfar);
  print_field(" framed=", fault->framed);
  print_field(" pc=", fault->pc);
  print_field(" lr=", fault->lr);
  print_field(" sp=", fault->sp);
  print_field(" xpsr=", fault->xpsr);
  print_field(" exc_return=", exc_return);
  console_text("\n");
  console_exit(3);
}
