/* SPDX-License-Identifier: Apache-2.0
 *
 * The HAL for a device whose registers are memory at ETPU_BASE_ADDRESS, which sees memory as the core does.
 *
 *   -DETPU_BASE_ADDRESS=0x40010000u   where the registers are
 *   -DETPU_MAX_POLLS=1000000u         give up after so many polls; without it, never
 *   -DETPU_WAIT_FOR_INTERRUPT         sleep until an interrupt instead of polling (etpu_interrupt is its handler)
 *   -DETPU_HAL_CUSTOM                 leave all of this out: the firmware has functions of its own */
#include "tvm_tiny/npu/etpu_hal.h"

#ifndef ETPU_HAL_CUSTOM
#include "tvm_tiny/npu/registers.h"

#ifndef ETPU_BASE_ADDRESS
#error \
    "define ETPU_BASE_ADDRESS as the address of the NPU's registers, or ETPU_HAL_CUSTOM and write the functions of etpu_hal.h"
#endif

static volatile uint32_t *at(uint32_t offset) {
  return (volatile uint32_t *)(uintptr_t)(ETPU_BASE_ADDRESS + offset);
}

uint32_t etpu_hal_read(uint32_t offset) {
  return *at(offset);
}

void etpu_hal_write(uint32_t offset, uint32_t value) {
  *at(offset) = value;
}

uint32_t etpu_hal_address(const void *memory) {
  return (uint32_t)(uintptr_t)memory;
}

bool etpu_hal_wait(uint32_t turn) {
#if defined(ETPU_WAIT_FOR_INTERRUPT) && defined(__arm__)
  if (turn == 0u)
    *at(ETPU_INTERRUPT) = ETPU_INTERRUPT_ENABLED; /* if the stream has ended by now, the line rises at once */
  __asm volatile("wfe" ::: "memory");             /* an interrupt that came just before has set the event register */
#endif
#if defined(ETPU_MAX_POLLS)
  return turn < ETPU_MAX_POLLS;
#else
  (void)turn;
  return true;
#endif
}

/* Cores below Cortex-M7 have no data cache; on others: SCB_CleanDCache_by_Addr, SCB_InvalidateDCache_by_Addr. */
void etpu_hal_clean(const void *memory, uint32_t size) {
  (void)memory;
  (void)size;
#if defined(__arm__)
  __asm volatile("dsb" ::: "memory");
#endif
}

void etpu_hal_invalidate(const void *memory, uint32_t size) {
  (void)memory;
  (void)size;
#if defined(__arm__)
  __asm volatile("dsb" ::: "memory");
#endif
}
#else
typedef int etpu_hal_is_custom; /* C99 has no empty translation unit */
#endif
