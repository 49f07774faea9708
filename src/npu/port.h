/* SPDX-License-Identifier: Apache-2.0
 *
 * The device's side of its registers (driver/tvm_tiny/npu/registers.h): takes orders, runs streams on the model of the
 * device, and answers. */
#ifndef TVM_TINY_NPU_PORT_H_
#define TVM_TINY_NPU_PORT_H_

#include <stdbool.h>
#include <stdint.h>

#include "device.h"

struct etpu_port {
  struct etpu_device device;
  volatile uint32_t *registers;

  /* `size` bytes of memory at a bus address; NULL where there are not so many. */
  uint8_t *(*memory)(void *context, uint32_t address, uint32_t size);
  void *context;

  /* Of the stream that ran last. */
  struct etpu_counters counters;
  struct etpu_fault fault;
  bool loaded; /* it has filled the parameter cache */
};

/* What the registers hold after a reset of the device. */
ETPU_API void etpu_port_reset(struct etpu_port *port);

/* Whether the device's interrupt line is up. */
ETPU_API bool etpu_port_interrupts(const struct etpu_port *port);

/* Obeys the order in the command register. Returns whether a stream has run or was refused. */
ETPU_API bool etpu_port_serve(struct etpu_port *port);

#endif /* TVM_TINY_NPU_PORT_H_ */
