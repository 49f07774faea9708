/* SPDX-License-Identifier: Apache-2.0
 *
 * The HAL of a program of the host, with the model of the device in the same process. The device's addresses have 32
 * bits, so each buffer of a job gets a number instead. */
#include <stdlib.h>

#include "port.h"
#include "tvm_tiny/npu/etpu_hal.h"
#include "tvm_tiny/npu/registers.h"

enum { BUFFERS = 2 * ETPU_MAX_REGIONS, SHIFT = 24 };

static uint32_t registers[ETPU_REGISTERS_SIZE / 4];
static const void *buffers[BUFFERS];
static uint32_t next_buffer;
static struct etpu_port port;

static uint8_t *memory_of(void *context, uint32_t address, uint32_t size) {
  (void)context;
  const uint32_t index = address >> SHIFT;
  if (index == 0u || index > (uint32_t)BUFFERS || size > 1u << SHIFT)
    return NULL;
  return (uint8_t *)(uintptr_t)buffers[index - 1u];
}

static void make_device(void) {
  if (port.registers != NULL)
    return;
  port.device.machine = etpu_machine(ETPU_VARIANT);
  port.device.sram = calloc(1, port.device.machine->sram);
  if (port.device.sram == NULL)
    abort();
  port.registers = registers;
  port.memory = memory_of;
  etpu_port_reset(&port);
}

uint32_t etpu_hal_read(uint32_t offset) {
  make_device();
  if (offset == (uint32_t)ETPU_LOCK) {
    const uint32_t is_free = registers[ETPU_LOCK / 4] == 0u;
    registers[ETPU_LOCK / 4] = 1u;
    return is_free;
  }
  return registers[offset / 4u];
}

void etpu_hal_write(uint32_t offset, uint32_t value) {
  registers[offset / 4u] = value;
  if ((offset == (uint32_t)ETPU_COMMAND) && (value == (uint32_t)ETPU_START))
    registers[ETPU_STATUS / 4] = ETPU_RUNNING;
}

uint32_t etpu_hal_address(const void *memory) {
  buffers[next_buffer] = memory;
  next_buffer = (next_buffer + 1u) % (uint32_t)BUFFERS;
  return ((next_buffer + (uint32_t)BUFFERS - 1u) % (uint32_t)BUFFERS + 1u) << SHIFT;
}

bool etpu_hal_wait(uint32_t turn) {
  (void)etpu_port_serve(&port);
  return turn == 0u;
}

void etpu_hal_clean(const void *memory, uint32_t size) {
  (void)memory;
  (void)size;
}

void etpu_hal_invalidate(const void *memory, uint32_t size) {
  (void)memory;
  (void)size;
}
