/* Copies between off-chip memory and SRAM. */
#include <string.h>

#include "execute.h"
#include "map.h"

void etpu_transfer(uint8_t *sram, const struct etpu_transfer *command, const struct etpu_region *regions) {
  uint8_t *region = regions[command->region].data;
  uint32_t i;
  for (i = 0; i < command->rows; i++) {
    uint8_t *outside = &region[command->offset + ((size_t)i * command->region_stride)];
    uint8_t *inside = &sram[etpu_row(&command->map, command->first_row + i)];
    if (command->to_sram != 0u) {
      memcpy(inside, outside, command->row_length);
    } else {
      memcpy(outside, inside, command->row_length);
    }
  }
}
