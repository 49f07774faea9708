/* Convolutions on the array: rows of it are inputs, columns output channels. */
#include <string.h>

#include "columns.h"
#include "execute.h"
#include "map.h"

/* What the rows of the array see of one output pixel in a fold: elements `first` to `end` - 1 of its depth in the order
 * (kh, kw, c). */
static void feed(const uint8_t *sram, const struct etpu_convolution *command, uint32_t y, uint32_t x, uint32_t first,
                 uint32_t end, uint8_t *lanes) {
  const struct etpu_window *window = &command->window;
  const uint32_t channels = command->input_shape[2];
  uint32_t depth = first;
  while (depth < end) {
    const uint32_t tap = depth / channels;
    const uint32_t channel = depth % channels;
    const uint32_t count = (channels - channel < end - depth) ? channels - channel : end - depth;
    const int64_t row =
        ((int64_t)y * window->strides[0]) - window->top + ((int64_t)(tap / window->kernel[1]) * window->dilation[0]);
    const int64_t column =
        ((int64_t)x * window->strides[1]) - window->left + ((int64_t)(tap % window->kernel[1]) * window->dilation[1]);
    uint8_t *lane = &lanes[depth - first];
    if ((row >= 0) && (row < command->input_shape[0]) && (column >= 0) && (column < command->input_shape[1])) {
      const size_t pixel = (size_t)column * command->input.pixel_bytes;
      memcpy(lane, &sram[etpu_row(&command->input, (uint32_t)row) + pixel + channel], count);
    } else {
      memset(lane, (uint8_t)(window->pad_value & 0xff), count);
    }
    depth += count;
  }
}

/* One step: inputs go along the rows, sums down the columns. */
static void step(const uint8_t *lanes, const uint8_t *weights, uint32_t rows, uint32_t columns,
                 uint32_t *accumulators) {
  uint32_t r;
  uint32_t c;
  for (r = 0; r < rows; r++) {
    const int32_t input = (int8_t)lanes[r];
    const int8_t *row = (const int8_t *)&weights[(size_t)r * columns];
    for (c = 0; c < columns; c++) {
      accumulators[c] += (uint32_t)(input * row[c]);
    }
  }
}

/* All pixels of the command in a fold of channels. The machine goes fold by fold, and keeps an accumulator for each
 * pixel; here it goes pixel by pixel, which adds the same numbers. */
static void stream(uint8_t *sram, const struct etpu_convolution *command, const struct etpu_columns *columns,
                   const uint8_t *weights, uint32_t depth) {
  uint8_t lanes[ETPU_MAX_SIZE];
  uint32_t accumulators[ETPU_MAX_SIZE];
  uint32_t y;
  uint32_t x;
  uint32_t first;
  for (y = command->first_row; y < command->first_row + command->rows; y++) {
    uint8_t *row = &sram[etpu_row(&command->output, y)];
    for (x = 0; x < command->output_width; x++) {
      memset(accumulators, 0, sizeof(accumulators[0]) * columns->count);
      for (first = 0; first < depth; first += command->depth_step) {
        const uint32_t end = (depth - first < command->depth_step) ? depth : first + command->depth_step;
        feed(sram, command, y, x, first, end, lanes);
        step(lanes, &weights[(size_t)first * columns->count], end - first, columns->count, accumulators);
      }
      etpu_drain(columns, accumulators, &row[(size_t)x * command->output.pixel_bytes], &command->clamp,
                 command->requantization);
    }
  }
}

int etpu_convolve(const struct etpu_machine *machine, uint8_t *sram, const struct etpu_convolution *command) {
  const uint32_t depth = command->window.kernel[0] * command->window.kernel[1] * command->input_shape[2];
  const uint32_t width = machine->size / command->split;
  const uint8_t *weights = &sram[command->weights];
  uint32_t first;
  for (first = 0; first < command->channels; first += width) {
    struct etpu_columns columns;
    const uint32_t count = (command->channels - first < width) ? command->channels - first : width;
    const int fault = etpu_load_columns(&columns, sram, command->parameters, first, count);
    if (fault != ETPU_FAULT_NONE) {
      return fault;
    }
    stream(sram, command, &columns, weights, depth);
    weights += (size_t)depth * count;
  }
  return ETPU_FAULT_NONE;
}
