/* The columns of the array for one pixel: accumulators, and what becomes of them behind the last fold. */
#ifndef TVM_TINY_NPU_COLUMNS_H_
#define TVM_TINY_NPU_COLUMNS_H_

#include <stdint.h>

#include "device.h"
#include "requantization.h"

struct etpu_columns {
  uint32_t first; /* channel of the first column */
  uint32_t count;
  struct etpu_parameters parameters[ETPU_MAX_SIZE];
};

/* Loads the parameters of a fold of channels. Returns a fault's code. */
static inline int etpu_load_columns(struct etpu_columns *columns, const uint8_t *sram, uint32_t parameters,
                                    uint32_t first, uint32_t count) {
  uint32_t c;
  columns->first = first;
  columns->count = count;
  for (c = 0; c < count; c++) {
    const uint8_t *at = &sram[parameters + ((size_t)(first + c) * 16u)];
    struct etpu_parameters *p = &columns->parameters[c];
    p->bias = (int32_t)etpu_word(at);
    p->multiplier = (int32_t)etpu_word(at + 4);
    p->nudge = (int32_t)etpu_word(at + 8);
    p->shift = (int32_t)etpu_word(at + 12);
    if (!etpu_shift_possible(p->shift)) {
      return ETPU_FAULT_SHIFT;
    }
  }
  return ETPU_FAULT_NONE;
}

/* Accumulators wrap, as adders of 32 bits do. */
static inline void etpu_drain(const struct etpu_columns *columns, const uint32_t *accumulators, uint8_t *pixel,
                              const struct etpu_clamp *clamp, uint32_t kind) {
  uint32_t c;
  for (c = 0; c < columns->count; c++) {
    const struct etpu_parameters *p = &columns->parameters[c];
    const int32_t sum = (int32_t)(accumulators[c] + (uint32_t)p->bias);
    pixel[columns->first + c] = etpu_clamped(etpu_requantized(sum, p, kind), clamp);
  }
}

#endif /* TVM_TINY_NPU_COLUMNS_H_ */
