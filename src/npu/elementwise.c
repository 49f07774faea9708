/* TFLite's ADD, SUB and MUL of int8 maps (reference/integer_ops/add.h, mul.h). */
#include "execute.h"
#include "map.h"
#include "requantization.h"

#define LEFT_SHIFT 20

/* An operand of a sum, on the scale that both share. */
static int32_t term(const struct etpu_elementwise *command, uint32_t which, int32_t value) {
  const int32_t moved = (value - command->zero_points[which]) * (INT32_C(1) << LEFT_SHIFT);
  return tvm_tiny_requantize(moved, command->multipliers[which], command->shifts[which]);
}

static uint8_t element(const struct etpu_elementwise *command, int32_t x, int32_t y) {
  int32_t value;
  if (command->kind == (uint32_t)ETPU_MUL) {
    value = (x - command->zero_points[0]) * (y - command->zero_points[1]);
  } else {
    const int32_t first = term(command, 0, x);
    const int32_t second = term(command, 1, y);
    value = (command->kind == (uint32_t)ETPU_SUB) ? first - second : first + second;
  }
  return etpu_clamped(tvm_tiny_requantize(value, command->multiplier, command->shift), &command->clamp);
}

void etpu_elementwise(uint8_t *sram, const struct etpu_elementwise *command) {
  uint32_t row;
  uint32_t x;
  uint32_t c;
  for (row = command->first_row; row < command->first_row + command->rows; row++) {
    for (x = 0; x < command->width; x++) {
      const uint8_t *first = &sram[etpu_row(&command->inputs[0], row) + ((size_t)x * command->inputs[0].pixel_bytes)];
      const uint8_t *second = &sram[etpu_row(&command->inputs[1], row) + ((size_t)x * command->inputs[1].pixel_bytes)];
      uint8_t *output = &sram[etpu_row(&command->output, row) + ((size_t)x * command->output.pixel_bytes)];
      for (c = 0; c < command->channels; c++) {
        output[c] = element(command, (int8_t)first[c], (int8_t)second[c]);
      }
    }
  }
}
