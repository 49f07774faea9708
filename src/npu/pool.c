/* Maxima and TFLite's averages of windows (reference/integer_ops/pooling.h); padding does not count. */
#include "execute.h"
#include "map.h"
#include "requantization.h"
#include "tvm_tiny/runtime/integer.h"

static int32_t held(int32_t value, const struct etpu_clamp *clamp) {
  if (value < clamp->low) {
    return clamp->low;
  }
  return (value > clamp->high) ? clamp->high : value;
}

/* Largest element or sum of what the window sees in a channel. */
static int32_t reduced(const uint8_t *sram, const struct etpu_pool *command, const struct etpu_taps *rows,
                       const struct etpu_taps *columns, uint32_t channel) {
  const struct etpu_window *window = &command->window;
  int32_t result = (command->kind == (uint32_t)ETPU_MAX) ? -128 : 0;
  uint32_t i;
  uint32_t j;
  for (i = 0; i < rows->count; i++) {
    const size_t row = etpu_row(&command->input, (uint32_t)rows->element + (i * window->dilation[0]));
    for (j = 0; j < columns->count; j++) {
      const size_t column = (size_t)columns->element + ((size_t)j * window->dilation[1]);
      const int32_t value = (int8_t)sram[row + (column * command->input.pixel_bytes) + channel];
      if (command->kind != (uint32_t)ETPU_MAX) {
        result += value;
      } else if (value > result) {
        result = value;
      } else {
        /* not the largest */
      }
    }
  }
  return result;
}

void etpu_pool(uint8_t *sram, const struct etpu_pool *command) {
  const int32_t offset = (int32_t)command->file_offset;
  uint32_t y;
  uint32_t x;
  uint32_t c;
  for (y = command->first_row; y < command->first_row + command->rows; y++) {
    const struct etpu_taps rows = etpu_rows_inside(&command->window, y, command->input_shape[0]);
    for (x = 0; x < command->output_width; x++) {
      const struct etpu_taps columns = etpu_columns_inside(&command->window, x, command->input_shape[1]);
      const int32_t count = (int32_t)(rows.count * columns.count);
      uint8_t *output = &sram[etpu_row(&command->output, y) + ((size_t)x * command->output.pixel_bytes)];
      for (c = 0; c < command->input_shape[2]; c++) {
        int32_t value = reduced(sram, command, &rows, &columns, c);
        if (command->kind == (uint32_t)ETPU_AVERAGE) {
          value = tvm_tiny_round_divide(value + (count * offset), count) - offset;
        }
        output[c] = (uint8_t)(held(value, &command->clamp) & 0xff);
      }
    }
  }
}
