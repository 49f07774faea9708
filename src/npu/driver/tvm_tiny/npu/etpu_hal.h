/* SPDX-License-Identifier: Apache-2.0
 *
 * What the NPU's driver needs of a chip: access to registers, waiting, and caches. etpu_hal_mmio.c has it for a device
 * behind memory-mapped registers; a silicon team replaces what differs. */
#ifndef TVM_TINY_NPU_ETPU_HAL_H_
#define TVM_TINY_NPU_ETPU_HAL_H_

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Registers, by their offset in bytes (registers.h). */
uint32_t etpu_hal_read(uint32_t offset);
void etpu_hal_write(uint32_t offset, uint32_t value);

/* The address under which the device sees `memory`. */
uint32_t etpu_hal_address(const void *memory);

/* Called again and again while a stream runs, `turn` counting from 0: returns at once to poll, or sleeps until the
 * interrupt. False gives up. */
bool etpu_hal_wait(uint32_t turn);

/* Data caches: writes the core's changes of `size` bytes back before the device reads them; forgets what the core holds
 * of them after the device has written them. */
void etpu_hal_clean(const void *memory, uint32_t size);
void etpu_hal_invalidate(const void *memory, uint32_t size);

#ifdef __cplusplus
}
#endif

#endif /* TVM_TINY_NPU_ETPU_HAL_H_ */
