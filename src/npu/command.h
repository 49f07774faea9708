/* Commands as C values: what python/tvm_tiny/npu/commands.py tells of each holds here. Every member has 32 bits,
 * because decode.c fills them by tables. */
#ifndef TVM_TINY_NPU_COMMAND_H_
#define TVM_TINY_NPU_COMMAND_H_

#include <stdint.h>

#include "format.h"

struct etpu_header {
  uint32_t magic, version, variant, bytes, sram, cache, token, commands, regions, load, crc;
};

struct etpu_region_entry {
  uint32_t size, written;
};

struct etpu_map {
  uint32_t address, row_bytes, pixel_bytes, buffer_rows;
};

struct etpu_window {
  uint32_t kernel[2], strides[2], dilation[2];
  int32_t top, left, pad_value;
};

struct etpu_clamp {
  int32_t zero_point, low, high;
};

struct etpu_convolution {
  struct etpu_map input, output;
  uint32_t input_shape[3], output_width, channels, first_row, rows;
  struct etpu_window window;
  uint32_t weights, parameters, depth_step;
  struct etpu_clamp clamp;
  uint32_t requantization, split, depthwise;
};

struct etpu_elementwise {
  uint32_t kind;
  struct etpu_map inputs[2], output;
  uint32_t width, channels, first_row, rows;
  int32_t zero_points[2], multipliers[2], shifts[2], multiplier, shift;
  struct etpu_clamp clamp;
};

struct etpu_pool {
  uint32_t kind;
  struct etpu_map input, output;
  uint32_t input_shape[3], output_width, first_row, rows;
  struct etpu_window window;
  struct etpu_clamp clamp;
  uint32_t file_offset;
};

struct etpu_lookup {
  struct etpu_map input, output;
  uint32_t width, channels, first_row, rows, table;
};

struct etpu_softmax {
  struct etpu_map input, output;
  uint32_t width, channels, first_row, rows, table;
  struct etpu_clamp clamp;
};

struct etpu_resize {
  struct etpu_map input, output;
  uint32_t input_shape[3], output_width, first_row, rows, scales[2];
  int32_t top, left, pad_value;
};

struct etpu_transfer {
  uint32_t to_sram, region, offset, region_stride;
  struct etpu_map map;
  uint32_t first_row, rows, row_length;
};

struct etpu_command {
  uint32_t opcode, words, layer, waits[ETPU_UNITS];
  union {
    struct etpu_convolution convolution;
    struct etpu_elementwise elementwise;
    struct etpu_pool pool;
    struct etpu_lookup lookup;
    struct etpu_softmax softmax;
    struct etpu_resize resize;
    struct etpu_transfer transfer;
  } as;
};

/* Who executes it. */
static inline enum etpu_unit etpu_unit_of(const struct etpu_command *command) {
  if (command->opcode == (uint32_t)ETPU_CONVOLUTION) {
    return ETPU_ARRAY;
  }
  return (command->opcode == (uint32_t)ETPU_TRANSFER) ? ETPU_DMA : ETPU_VECTOR;
}

#endif /* TVM_TINY_NPU_COMMAND_H_ */
