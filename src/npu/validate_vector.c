/* Commands of the vector unit and of the DMA engine. */
#include "decode.h"
#include "map.h"
#include "requantization.h"
#include "validate.h"

/* That all of an output can be written, and that an input shares no byte with it, or, where `in_place`, is the same. */
static int check_pair(const struct etpu_limits *limits, const struct etpu_area *input, const struct etpu_area *output,
                      bool in_place) {
  int code = etpu_check_reading(limits, input);
  if (code == ETPU_FAULT_NONE) {
    code = etpu_check_writing(limits, output);
  }
  if ((code == ETPU_FAULT_NONE) && !(in_place && etpu_maps_equal(&input->map, &output->map)) &&
      etpu_areas_share(output, input)) {
    code = ETPU_FAULT_OVERLAP;
  }
  return code;
}

/* Rows of an input and of an output that are alike. */
static int check_rows(const struct etpu_limits *limits, const struct etpu_map *input, const struct etpu_map *output,
                      uint32_t first, uint32_t rows, uint32_t width, uint32_t channels) {
  struct etpu_area from;
  struct etpu_area to;
  if ((rows == 0u) || (width == 0u) || (channels == 0u) || (input->buffer_rows == 0u) || (output->buffer_rows == 0u)) {
    return ETPU_FAULT_EMPTY;
  }
  if ((rows > input->buffer_rows) || (rows > output->buffer_rows)) {
    return ETPU_FAULT_BUFFER;
  }
  from = etpu_area_of_rows(input, first, rows, width, channels);
  to = etpu_area_of_rows(output, first, rows, width, channels);
  return check_pair(limits, &from, &to, true);
}

static bool possible_scale(int32_t multiplier, int32_t shift, int32_t highest) {
  return (multiplier >= 0) && (shift >= -31) && (shift <= highest);
}

int etpu_check_elementwise(const struct etpu_limits *limits, const struct etpu_elementwise *command) {
  uint32_t i;
  if (command->kind > (uint32_t)ETPU_MUL) {
    return ETPU_FAULT_ENUM;
  }
  if (command->clamp.low > command->clamp.high) {
    return ETPU_FAULT_CLAMP;
  }
  if (!possible_scale(command->multiplier, command->shift, 30)) {
    return ETPU_FAULT_SCALE;
  }
  for (i = 0; i < 2u; i++) {
    const int code = check_rows(limits, &command->inputs[i], &command->output, command->first_row, command->rows,
                                command->width, command->channels);
    if (code != ETPU_FAULT_NONE) {
      return code;
    }
    /* Terms of up to 2^28 are not made larger, so that their sum stays within 32 bits. */
    if ((command->kind != (uint32_t)ETPU_MUL) && !possible_scale(command->multipliers[i], command->shifts[i], 0)) {
      return ETPU_FAULT_SCALE;
    }
  }
  return ETPU_FAULT_NONE;
}

static int check_windows(const struct etpu_pool *command) {
  uint32_t i;
  for (i = 0; i < command->rows; i++) {
    if (etpu_rows_inside(&command->window, command->first_row + i, command->input_shape[0]).count == 0u) {
      return ETPU_FAULT_WINDOW;
    }
  }
  for (i = 0; i < command->output_width; i++) {
    if (etpu_columns_inside(&command->window, i, command->input_shape[1]).count == 0u) {
      return ETPU_FAULT_WINDOW;
    }
  }
  return ETPU_FAULT_NONE;
}

/* Shapes of a command whose output has other rows and columns than its input. */
static int check_shapes(const uint32_t *input_shape, uint32_t output_width, uint32_t rows, const struct etpu_map *input,
                        const struct etpu_map *output) {
  if ((input_shape[0] == 0u) || (input_shape[1] == 0u) || (input_shape[2] == 0u) || (output_width == 0u) ||
      (rows == 0u) || (input->buffer_rows == 0u) || (output->buffer_rows == 0u)) {
    return ETPU_FAULT_EMPTY;
  }
  return (rows <= output->buffer_rows) ? ETPU_FAULT_NONE : ETPU_FAULT_BUFFER;
}

int etpu_check_pool(const struct etpu_limits *limits, const struct etpu_pool *command) {
  struct etpu_area from;
  struct etpu_area to;
  uint64_t first;
  uint64_t rows;
  int code =
      check_shapes(command->input_shape, command->output_width, command->rows, &command->input, &command->output);
  if (code == ETPU_FAULT_NONE) {
    code = etpu_check_window(&command->window);
  }
  if (code == ETPU_FAULT_NONE) {
    code = check_windows(command);
  }
  if (code != ETPU_FAULT_NONE) {
    return code;
  }
  if ((command->kind > (uint32_t)ETPU_AVERAGE) || ((command->file_offset != 0u) && (command->file_offset != 128u))) {
    return ETPU_FAULT_ENUM;
  }
  if ((command->clamp.low > command->clamp.high) || (command->clamp.zero_point != 0)) {
    return ETPU_FAULT_CLAMP;
  }
  etpu_window_rows(&command->window, command->first_row, command->rows, command->input_shape[0], &first, &rows);
  if (rows > command->input.buffer_rows) {
    return ETPU_FAULT_BUFFER;
  }
  from = etpu_area_of_rows(&command->input, first, rows, command->input_shape[1], command->input_shape[2]);
  to = etpu_area_of_rows(&command->output, command->first_row, command->rows, command->output_width,
                         command->input_shape[2]);
  return check_pair(limits, &from, &to, false);
}

/* That a table of so many bytes is there and that what is written leaves it alone. */
static int check_table(const struct etpu_limits *limits, uint32_t table, uint32_t bytes, const struct etpu_area *to) {
  const struct etpu_area area = etpu_area_of_bytes(table, bytes);
  return etpu_areas_share(to, &area) ? ETPU_FAULT_OVERLAP : etpu_check_reading(limits, &area);
}

int etpu_check_lookup(const struct etpu_limits *limits, const struct etpu_lookup *command) {
  struct etpu_area to;
  const int code = check_rows(limits, &command->input, &command->output, command->first_row, command->rows,
                              command->width, command->channels);
  if (code != ETPU_FAULT_NONE) {
    return code;
  }
  to = etpu_area_of_rows(&command->output, command->first_row, command->rows, command->width, command->channels);
  return check_table(limits, command->table, 256, &to);
}

int etpu_check_softmax(const struct etpu_limits *limits, const struct etpu_softmax *command) {
  struct etpu_area to;
  int code;
  if (command->channels > 4095u) {
    return ETPU_FAULT_CHANNELS;
  }
  if (command->clamp.low > command->clamp.high) {
    return ETPU_FAULT_CLAMP;
  }
  code = check_rows(limits, &command->input, &command->output, command->first_row, command->rows, command->width,
                    command->channels);
  if (code != ETPU_FAULT_NONE) {
    return code;
  }
  to = etpu_area_of_rows(&command->output, command->first_row, command->rows, command->width, command->channels);
  return check_table(limits, command->table, 1024, &to);
}

int etpu_check_resize(const struct etpu_limits *limits, const struct etpu_resize *command) {
  struct etpu_area from;
  struct etpu_area to;
  const uint32_t last = command->first_row + command->rows - 1u;
  int64_t low = (int64_t)(((uint64_t)command->first_row * command->scales[0]) >> 16) - command->top;
  int64_t high = (int64_t)(((uint64_t)last * command->scales[0]) >> 16) - command->top;
  uint64_t rows;
  const int code =
      check_shapes(command->input_shape, command->output_width, command->rows, &command->input, &command->output);
  if (code != ETPU_FAULT_NONE) {
    return code;
  }
  low = (low < 0) ? 0 : low;
  high = (high < (int64_t)command->input_shape[0]) ? high : (int64_t)command->input_shape[0] - 1;
  rows = (high < low) ? 0u : (uint64_t)(high - low + 1);
  if (rows > command->input.buffer_rows) {
    return ETPU_FAULT_BUFFER;
  }
  from = etpu_area_of_rows(&command->input, (uint64_t)low, rows, command->input_shape[1], command->input_shape[2]);
  to = etpu_area_of_rows(&command->output, command->first_row, command->rows, command->output_width,
                         command->input_shape[2]);
  return check_pair(limits, &from, &to, false);
}

int etpu_check_transfer(const struct etpu_limits *limits, const struct etpu_transfer *command) {
  struct etpu_region_entry region;
  struct etpu_area area;
  uint64_t end;
  if ((command->rows == 0u) || (command->row_length == 0u) || (command->map.buffer_rows == 0u)) {
    return ETPU_FAULT_EMPTY;
  }
  if (command->to_sram > 1u) {
    return ETPU_FAULT_ENUM;
  }
  if (command->rows > command->map.buffer_rows) {
    return ETPU_FAULT_BUFFER;
  }
  if (command->region >= limits->header.regions) {
    return ETPU_FAULT_REGION;
  }
  etpu_decode_region(&limits->regions[(size_t)command->region * ETPU_REGION_BYTES], &region);
  end = command->offset + ((uint64_t)(command->rows - 1u) * command->region_stride) + command->row_length;
  if (end > region.size) {
    return ETPU_FAULT_REGION;
  }
  area = etpu_area_of_rows(&command->map, command->first_row, command->rows, 1, command->row_length);
  if (command->to_sram == 1u) {
    return etpu_check_writing(limits, &area);
  }
  if (region.written == 0u) {
    return ETPU_FAULT_READ_ONLY;
  }
  if ((command->rows > 1u) && (command->region_stride < command->row_length)) {
    return ETPU_FAULT_ALIAS;
  }
  return etpu_check_reading(limits, &area);
}
