/* What the vector unit does without arithmetic: tables and copies. */
#include <string.h>

#include "execute.h"
#include "map.h"

void etpu_lookup(uint8_t *sram, const struct etpu_lookup *command) {
  const uint8_t *table = &sram[command->table];
  uint32_t row;
  uint32_t x;
  uint32_t c;
  for (row = command->first_row; row < command->first_row + command->rows; row++) {
    for (x = 0; x < command->width; x++) {
      const uint8_t *input = &sram[etpu_row(&command->input, row) + ((size_t)x * command->input.pixel_bytes)];
      uint8_t *output = &sram[etpu_row(&command->output, row) + ((size_t)x * command->output.pixel_bytes)];
      for (c = 0; c < command->channels; c++) {
        output[c] = table[(size_t)((int8_t)input[c] + 128)];
      }
    }
  }
}

/* Where an output's row or column comes from; less than 0 or at least the extent of the input for padding. */
static int64_t source(uint32_t place, uint32_t scale, int32_t pad) {
  return (int64_t)(((uint64_t)place * scale) >> 16) - pad;
}

void etpu_resize(uint8_t *sram, const struct etpu_resize *command) {
  const size_t channels = command->input_shape[2];
  uint32_t y;
  uint32_t x;
  for (y = command->first_row; y < command->first_row + command->rows; y++) {
    const int64_t row = source(y, command->scales[0], command->top);
    for (x = 0; x < command->output_width; x++) {
      const int64_t column = source(x, command->scales[1], command->left);
      uint8_t *output = &sram[etpu_row(&command->output, y) + ((size_t)x * command->output.pixel_bytes)];
      if ((row >= 0) && (row < command->input_shape[0]) && (column >= 0) && (column < command->input_shape[1])) {
        const size_t pixel = (size_t)column * command->input.pixel_bytes;
        memcpy(output, &sram[etpu_row(&command->input, (uint32_t)row) + pixel], channels);
      } else {
        memset(output, (uint8_t)(command->pad_value & 0xff), channels);
      }
    }
  }
}
