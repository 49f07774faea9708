/* What happens when the core takes a fault: one line on the console, and the end of the run. */
#ifndef TVM_TINY_FIRMWARE_FAULT_H_
#define TVM_TINY_FIRMWARE_FAULT_H_

#include <stdint.h>

/* The facts of a fault, left in RAM as `tiny_fault` too for a debugger to read. */
struct fault {
  uint32_t exception; /* number: 3 HardFault, 4 MemManage, 5 BusFault, 6 UsageFault, 7 SecureFault */
  uint32_t cfsr, hfsr, mmfar, bfar, sfsr; /* 0 on cores without them */
  uint32_t framed;                        /* 1 where the core could save pc, lr and xpsr; 0 after a stack overflow */
  uint32_t pc, lr, xpsr, sp;
};

extern volatile struct fault tiny_fault;

/* The vector of every fault. */
void fault_handler(void);

#endif /* TVM_TINY_FIRMWARE_FAULT_H_ */
