/* Where the elements of maps lie, and which of them a window sees. */
#ifndef TVM_TINY_NPU_MAP_H_
#define TVM_TINY_NPU_MAP_H_

#include <stddef.h>
#include <stdint.h>

#include "command.h"

static inline size_t etpu_row(const struct etpu_map *map, uint32_t row) {
  return (size_t)map->address + ((size_t)(row % map->buffer_rows) * map->row_bytes);
}

/* Of the taps of a kernel along one axis, those from `first` on, `count` of them, see elements of the input: the first
 * sees `element`. */
struct etpu_taps {
  uint32_t first, count;
  int64_t element;
};

static inline struct etpu_taps etpu_taps_inside(uint32_t output, uint32_t stride, int32_t pad, uint32_t dilation,
                                                uint32_t kernel, uint32_t extent) {
  const int64_t start = ((int64_t)output * stride) - pad;
  const int64_t step = dilation;
  const int64_t first = (start < 0) ? ((step - 1 - start) / step) : 0;
  const int64_t room = (int64_t)extent - start;
  int64_t end = (room > 0) ? ((room + step - 1) / step) : 0;
  struct etpu_taps taps = {0, 0, 0};
  if (end > (int64_t)kernel) {
    end = kernel;
  }
  if (end > first) {
    taps.first = (uint32_t)first;
    taps.count = (uint32_t)(end - first);
    taps.element = start + (first * step);
  }
  return taps;
}

static inline struct etpu_taps etpu_rows_inside(const struct etpu_window *window, uint32_t row, uint32_t height) {
  return etpu_taps_inside(row, window->strides[0], window->top, window->dilation[0], window->kernel[0], height);
}

static inline struct etpu_taps etpu_columns_inside(const struct etpu_window *window, uint32_t column, uint32_t width) {
  return etpu_taps_inside(column, window->strides[1], window->left, window->dilation[1], window->kernel[1], width);
}

#endif /* TVM_TINY_NPU_MAP_H_ */
