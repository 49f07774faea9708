/* Convolutions: what the array can do, and that everything they touch is there. */
#include "validate.h"

static int check_array(const struct etpu_machine *machine, const struct etpu_convolution *command) {
  const uint64_t pixels = (uint64_t)command->rows * command->output_width;
  if ((command->split == 0u) || ((command->split & (command->split - 1u)) != 0u) || (command->split > machine->feeds) ||
      ((machine->size % command->split) != 0u)) {
    return ETPU_FAULT_SPLIT;
  }
  if ((command->depth_step == 0u) || (command->depth_step > machine->size)) {
    return ETPU_FAULT_DEPTH_STEP;
  }
  if ((command->depthwise > 1u) || (command->requantization > (uint32_t)ETPU_SINGLE)) {
    return ETPU_FAULT_ENUM;
  }
  if ((command->depthwise == 1u) && ((command->split != 1u) || (command->channels != command->input_shape[2]))) {
    return ETPU_FAULT_DEPTHWISE;
  }
  if ((pixels + command->split - 1u) / command->split > machine->accumulators) {
    return ETPU_FAULT_ACCUMULATORS;
  }
  return (command->clamp.low <= command->clamp.high) ? ETPU_FAULT_NONE : ETPU_FAULT_CLAMP;
}

static int check_not_empty(const struct etpu_convolution *command) {
  if ((command->input_shape[0] == 0u) || (command->input_shape[1] == 0u) || (command->input_shape[2] == 0u) ||
      (command->output_width == 0u) || (command->channels == 0u) || (command->rows == 0u) ||
      (command->input.buffer_rows == 0u) || (command->output.buffer_rows == 0u)) {
    return ETPU_FAULT_EMPTY;
  }
  return etpu_check_window(&command->window);
}

int etpu_check_convolution(const struct etpu_limits *limits, const struct etpu_convolution *command) {
  struct etpu_area areas[3]; /* input, weights, parameters */
  struct etpu_area output;
  uint64_t first;
  uint64_t rows;
  uint64_t depth;
  uint32_t i;
  int code = check_not_empty(command);
  if (code == ETPU_FAULT_NONE) {
    code = check_array(limits->machine, command);
  }
  if (code != ETPU_FAULT_NONE) {
    return code;
  }
  etpu_window_rows(&command->window, command->first_row, command->rows, command->input_shape[0], &first, &rows);
  if ((rows > command->input.buffer_rows) || (command->rows > command->output.buffer_rows)) {
    return ETPU_FAULT_BUFFER;
  }
  /* At most 2^16 * 2^16, times 2^16 channels: within 64 bits. */
  depth = (uint64_t)command->window.kernel[0] * command->window.kernel[1] *
          ((command->depthwise == 1u) ? 1u : command->input_shape[2]);
  areas[0] = etpu_area_of_rows(&command->input, first, rows, command->input_shape[1], command->input_shape[2]);
  areas[1] = etpu_area_of_bytes(command->weights, depth * command->channels);
  areas[2] = etpu_area_of_bytes(command->parameters, (uint64_t)command->channels * 16u);
  output =
      etpu_area_of_rows(&command->output, command->first_row, command->rows, command->output_width, command->channels);
  code = etpu_check_writing(limits, &output);
  for (i = 0; (i < 3u) && (code == ETPU_FAULT_NONE); i++) {
    code = etpu_check_reading(limits, &areas[i]);
    if ((code == ETPU_FAULT_NONE) && etpu_areas_share(&output, &areas[i])) {
      code = ETPU_FAULT_OVERLAP;
    }
  }
  return code;
}
