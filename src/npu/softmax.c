/* TFLite's int8 softmax (reference/softmax.h) with a table of the 256 exponentials that can occur. */
#include "execute.h"
#include "map.h"
#include "requantization.h"
#include "tvm_tiny/runtime/reciprocal.h"

#define SUM_INTEGER_BITS 12 /* TFLite's kAccumulationIntegerBits */

static int32_t exponential(const uint8_t *table, int32_t largest, uint8_t value) {
  return (int32_t)etpu_word(&table[(size_t)(largest - (int8_t)value) * 4u]);
}

/* One pixel. Input and output may be the same: an element is read before it is written, and not again. */
static int softmax(const uint8_t *table, const uint8_t *input, uint8_t *output, const struct etpu_softmax *command) {
  int32_t largest = -128;
  int32_t total = 0;
  int32_t inverse;
  int32_t shift;
  uint32_t c;
  for (c = 0; c < command->channels; c++) {
    const int32_t value = (int8_t)input[c];
    largest = (value > largest) ? value : largest;
  }
  for (c = 0; c < command->channels; c++) {
    total += tvm_tiny_rounding_shift_right(exponential(table, largest, input[c]), SUM_INTEGER_BITS);
  }
  if (total <= 0) {
    return ETPU_FAULT_SUM;
  }
  inverse = tvm_tiny_reciprocal_q0_31(total);
  shift = tvm_tiny_reciprocal_bits(total, SUM_INTEGER_BITS) + 23; /* from Q0.31 to 8 bits */
  for (c = 0; c < command->channels; c++) {
    const int32_t product = tvm_tiny_doubling_high_mul(inverse, exponential(table, largest, input[c]));
    /* A sum of 512 and more makes every output less than a half. */
    const int32_t value = (shift <= 31) ? tvm_tiny_rounding_shift_right(product, shift) : 0;
    output[c] = etpu_clamped(value, &command->clamp);
  }
  return ETPU_FAULT_NONE;
}

int etpu_softmax(uint8_t *sram, const struct etpu_softmax *command) {
  uint32_t row;
  uint32_t x;
  for (row = command->first_row; row < command->first_row + command->rows; row++) {
    for (x = 0; x < command->width; x++) {
      const size_t input = etpu_row(&command->input, row) + ((size_t)x * command->input.pixel_bytes);
      const size_t output = etpu_row(&command->output, row) + ((size_t)x * command->output.pixel_bytes);
      const int fault = softmax(&sram[command->table], &sram[input], &sram[output], command);
      if (fault != ETPU_FAULT_NONE) {
        return fault;
      }
    }
  }
  return ETPU_FAULT_NONE;
}
