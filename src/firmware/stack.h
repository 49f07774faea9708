/* The stack, as the linker script lays it out: at the start of RAM, so that an overflow leaves RAM and faults. Below
 * its bottom lies a strip of guard words for boards that have memory there. */
#ifndef TVM_TINY_FIRMWARE_STACK_H_
#define TVM_TINY_FIRMWARE_STACK_H_

#include <stdint.h>

extern uint32_t tiny_stack_guard[], tiny_stack_bottom[], tiny_stack_top[];

#endif /* TVM_TINY_FIRMWARE_STACK_H_ */
