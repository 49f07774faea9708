/* What each command does. They are called with commands that validate.c let pass; the two that can meet data which the
 * machine has no answer for return a fault's code. */
#ifndef TVM_TINY_NPU_EXECUTE_H_
#define TVM_TINY_NPU_EXECUTE_H_

#include <stdint.h>

#include "command.h"
#include "device.h"

int etpu_convolve(const struct etpu_machine *machine, uint8_t *sram, const struct etpu_convolution *command);
int etpu_convolve_depthwise(const struct etpu_machine *machine, uint8_t *sram, const struct etpu_convolution *command);
void etpu_elementwise(uint8_t *sram, const struct etpu_elementwise *command);
void etpu_pool(uint8_t *sram, const struct etpu_pool *command);
void etpu_lookup(uint8_t *sram, const struct etpu_lookup *command);
int etpu_softmax(uint8_t *sram, const struct etpu_softmax *command);
void etpu_resize(uint8_t *sram, const struct etpu_resize *command);
void etpu_transfer(uint8_t *sram, const struct etpu_transfer *command, const struct etpu_region *regions);

#endif /* TVM_TINY_NPU_EXECUTE_H_ */
