/* SPDX-License-Identifier: Apache-2.0
 *
 * The HAL of an emulated board: registers are RAM that the emulator shares with the device's model. The model works
 * when etpu_hal_wait is called (src/npu/qemu), and takes no time of the core. With ETPU_WAIT_FOR_INTERRUPT the core
 * then sleeps until the interrupt's handler (etpu_interrupt) has run. */
#include "tvm_tiny/npu/etpu_hal.h"
#include "tvm_tiny/npu/registers.h"

static volatile uint32_t *at(uint32_t offset) {
  return (volatile uint32_t *)(uintptr_t)(ETPU_BASE_ADDRESS + offset);
}

/* The lock is a word like the others here: nobody may come between reading and taking it. */
static uint32_t take_lock(void) {
  uint32_t masked = 0;
  __asm volatile("mrs %0, primask\n\tcpsid i" : "=r"(masked)::"memory");
  const uint32_t is_free = *at(ETPU_LOCK) == 0u;
  *at(ETPU_LOCK) = 1u;
  __asm volatile("msr primask, %0" ::"r"(masked) : "memory");
  return is_free;
}

uint32_t etpu_hal_read(uint32_t offset) {
  return offset == (uint32_t)ETPU_LOCK ? take_lock() : *at(offset);
}

void etpu_hal_write(uint32_t offset, uint32_t value) {
  if (offset == (uint32_t)ETPU_INTERRUPT) /* a pending one is cleared by writing 1 */
    value = (value & (uint32_t)ETPU_INTERRUPT_ENABLED) | (*at(offset) & (uint32_t)ETPU_INTERRUPT_PENDING & ~value);
  *at(offset) = value;
  if ((offset == (uint32_t)ETPU_COMMAND) && (value == (uint32_t)ETPU_START))
    *at(ETPU_STATUS) = ETPU_RUNNING;
}

uint32_t etpu_hal_address(const void *memory) {
  return (uint32_t)(uintptr_t)memory;
}

__attribute__((noinline)) bool etpu_hal_wait(uint32_t turn) {
#if defined(ETPU_WAIT_FOR_INTERRUPT)
  /* The handler takes the request away. WFI also wakes up while interrupts are masked, so that none comes between
   * looking and sleeping. The firmware has enabled the device's interrupt before. */
  __asm volatile("cpsid i" ::: "memory");
  while ((*at(ETPU_INTERRUPT) & (uint32_t)ETPU_INTERRUPT_PENDING) != 0u)
    __asm volatile("wfi\n\tcpsie i\n\tisb\n\tcpsid i" ::: "memory");
  __asm volatile("cpsie i" ::: "memory");
#else
  __asm volatile("" ::: "memory");
#endif
  return turn == 0u; /* a model that is there has done its work by now */
}

void etpu_hal_clean(const void *memory, uint32_t size) {
  (void)memory;
  (void)size;
}

void etpu_hal_invalidate(const void *memory, uint32_t size) {
  (void)memory;
  (void)size;
}
