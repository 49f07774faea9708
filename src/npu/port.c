/* SPDX-License-Identifier: Apache-2.0 */
#include "port.h"

#include "tvm_tiny/npu/registers.h"

static volatile uint32_t *at(const struct etpu_port *port, uint32_t offset) {
  return &port->registers[offset / 4u];
}

void etpu_port_reset(struct etpu_port *port) {
  for (uint32_t offset = 0; offset < (uint32_t)ETPU_REGISTERS_SIZE; offset += 4u)
    *at(port, offset) = 0;
  *at(port, ETPU_ID) = ETPU_ID_VALUE;
  *at(port, ETPU_SIZE) = port->device.machine->size;
  port->device.token = 0;
}

/* The code of enum etpu_fault_code with which the stream ends. */
static uint32_t run(struct etpu_port *port) {
  struct etpu_region regions[ETPU_MAX_REGIONS];
  const uint32_t count = *at(port, ETPU_REGIONS);
  port->fault = (struct etpu_fault){ETPU_FAULT_REGIONS, ETPU_NO_COMMAND};
  if (count > (uint32_t)ETPU_MAX_REGIONS)
    return ETPU_FAULT_REGIONS;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t address = *at(port, (uint32_t)ETPU_REGION + 8u * i);
    regions[i].size = *at(port, (uint32_t)ETPU_REGION + 8u * i + 4u);
    regions[i].data = port->memory(port->context, address, regions[i].size);
    if (regions[i].data == NULL)
      return ETPU_FAULT_REGIONS;
  }
  const uint32_t bytes = *at(port, ETPU_STREAM_SIZE);
  const uint8_t *const stream = port->memory(port->context, *at(port, ETPU_STREAM), bytes);
  port->fault.code = ETPU_FAULT_HEADER;
  if (stream == NULL)
    return ETPU_FAULT_HEADER;
  const uint32_t before = port->device.token;
  port->device.overlap = 1;
  port->loaded = false;
  port->fault = (struct etpu_fault){0, ETPU_NO_COMMAND};
  (void)etpu_device_run(&port->device, stream, bytes, regions, count, &port->counters, NULL, 0, &port->fault);
  port->loaded = port->device.token != before;
  return port->fault.code;
}

bool etpu_port_interrupts(const struct etpu_port *port) {
  const uint32_t both = ETPU_INTERRUPT_ENABLED | ETPU_INTERRUPT_PENDING;
  return (*at(port, ETPU_INTERRUPT) & both) == both;
}

bool etpu_port_serve(struct etpu_port *port) {
  const uint32_t order = *at(port, ETPU_COMMAND);
  *at(port, ETPU_COMMAND) = 0;
  if (order == (uint32_t)ETPU_RESET)
    etpu_port_reset(port);
  if (order != (uint32_t)ETPU_START)
    return false;
  port->counters.cycles = 0;
  const uint32_t code = run(port);
  *at(port, ETPU_FAULT) = code;
  *at(port, ETPU_FAULT_AT) = port->fault.command;
  *at(port, ETPU_CYCLES_LOW) = (uint32_t)port->counters.cycles;
  *at(port, ETPU_CYCLES_HIGH) = (uint32_t)(port->counters.cycles >> 32);
  *at(port, ETPU_TOKEN) = port->device.token;
  *at(port, ETPU_INTERRUPT) |= ETPU_INTERRUPT_PENDING;
  *at(port, ETPU_STATUS) = code == 0u ? (uint32_t)ETPU_DONE : (uint32_t)ETPU_FAULTED;
  return true;
}
