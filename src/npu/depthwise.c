/* Depthwise convolutions on the array: a column works on a channel of its own, its rows are taps. */
#include <string.h>

#include "columns.h"
#include "execute.h"
#include "map.h"

/* The channels of the fold at one tap of an output pixel's window, NULL where that is padding. */
static const uint8_t *tap_of(const uint8_t *sram, const struct etpu_convolution *command, uint32_t y, uint32_t x,
                             uint32_t tap) {
  const struct etpu_window *window = &command->window;
  const int64_t row =
      ((int64_t)y * window->strides[0]) - window->top + ((int64_t)(tap / window->kernel[1]) * window->dilation[0]);
  const int64_t column =
      ((int64_t)x * window->strides[1]) - window->left + ((int64_t)(tap % window->kernel[1]) * window->dilation[1]);
  if ((row < 0) || (row >= command->input_shape[0]) || (column < 0) || (column >= command->input_shape[1])) {
    return NULL;
  }
  return &sram[etpu_row(&command->input, (uint32_t)row) + ((size_t)column * command->input.pixel_bytes)];
}

static void step(const uint8_t *pixel, int32_t pad, const uint8_t *weights, uint32_t columns, uint32_t *accumulators) {
  const int8_t *row = (const int8_t *)weights;
  const int8_t *channels = (const int8_t *)pixel;
  uint32_t c;
  for (c = 0; c < columns; c++) {
    const int32_t input = (channels != NULL) ? channels[c] : pad;
    accumulators[c] += (uint32_t)(input * row[c]);
  }
}

int etpu_convolve_depthwise(const struct etpu_machine *machine, uint8_t *sram, const struct etpu_convolution *command) {
  const uint32_t taps = command->window.kernel[0] * command->window.kernel[1];
  const uint8_t *weights = &sram[command->weights];
  uint32_t accumulators[ETPU_MAX_SIZE];
  struct etpu_columns columns;
  uint32_t first;
  uint32_t y;
  uint32_t x;
  uint32_t tap;
  for (first = 0; first < command->channels; first += machine->size) {
    const uint32_t count = (command->channels - first < machine->size) ? command->channels - first : machine->size;
    const int fault = etpu_load_columns(&columns, sram, command->parameters, first, count);
    if (fault != ETPU_FAULT_NONE) {
      return fault;
    }
    for (y = command->first_row; y < command->first_row + command->rows; y++) {
      uint8_t *row = &sram[etpu_row(&command->output, y)];
      for (x = 0; x < command->output_width; x++) {
        memset(accumulators, 0, sizeof(accumulators));
        /* Folds of taps lie one behind the other, so that tap t has the t-th row of weights whatever depth_step is. */
        for (tap = 0; tap < taps; tap++) {
          const uint8_t *pixel = tap_of(sram, command, y, x, tap);
          step((pixel != NULL) ? pixel + first : NULL, command->window.pad_value, &weights[(size_t)tap * count], count,
               accumulators);
        }
        etpu_drain(&columns, accumulators, &row[(size_t)x * command->output.pixel_bytes], &command->clamp,
                   command->requantization);
      }
    }
    weights += (size_t)taps * count;
  }
  return ETPU_FAULT_NONE;
}
