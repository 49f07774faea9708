/* SPDX-License-Identifier: Apache-2.0
 *
 * The registers of the NPU, as driver and device see them: 32-bit words, at these offsets in bytes. docs/npu.md tells
 * how they are used. */
#ifndef TVM_TINY_NPU_REGISTERS_H_
#define TVM_TINY_NPU_REGISTERS_H_

enum etpu_register {
  ETPU_ID = 0x00,          /* reads ETPU_ID_VALUE */
  ETPU_SIZE = 0x04,        /* rows of the array: 16, 32 or 64 */
  ETPU_STATUS = 0x08,      /* enum etpu_state */
  ETPU_COMMAND = 0x0c,     /* enum etpu_order; reads 0 when it has been taken */
  ETPU_TOKEN = 0x10,       /* what the parameter cache holds, 0 for nothing */
  ETPU_STREAM = 0x14,      /* bus address of the command stream */
  ETPU_STREAM_SIZE = 0x18, /* its bytes */
  ETPU_FAULT = 0x1c,       /* why a stream was refused or ended: enum etpu_fault_code of the device model */
  ETPU_FAULT_AT = 0x20,    /* at which of its commands */
  ETPU_CYCLES_LOW = 0x24,  /* cycles of the last stream */
  ETPU_CYCLES_HIGH = 0x28,
  ETPU_INTERRUPT = 0x2c, /* enum etpu_interrupt_bit: the line is up while both are set */
  ETPU_LOCK = 0x30,      /* reads 1 to the one who takes it, 0 while it is taken; writing 0 gives it back */
  ETPU_REGIONS = 0x34,   /* how many of the following pairs the stream uses */
  ETPU_REGION = 0x40,    /* ETPU_REGION + 8 * i: bus address of region i; 4 behind it: its bytes */
};

enum {
  ETPU_ID_VALUE = 0x45545055, /* "ETPU" */
  ETPU_MAX_REGIONS = 16,
  ETPU_REGISTERS_SIZE = ETPU_REGION + 8 * ETPU_MAX_REGIONS, /* bytes */
};

enum etpu_state { ETPU_IDLE = 0, ETPU_RUNNING = 1, ETPU_DONE = 2, ETPU_FAULTED = 3 };

/* The end of a stream sets PENDING, enabled or not: who enables late misses nothing. Writing a 1 to it clears it. */
enum etpu_interrupt_bit { ETPU_INTERRUPT_ENABLED = 1, ETPU_INTERRUPT_PENDING = 2 };

enum etpu_order { ETPU_START = 1, ETPU_RESET = 2 };

#endif /* TVM_TINY_NPU_REGISTERS_H_ */
