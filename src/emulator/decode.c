#include "decode.h"

#include <string.h>

#include "pattern.h"

/* How many instructions the IT instruction `encoding` makes conditional: its mask's lowest set bit tells. */
static unsigned conditional_count(uint32_t encoding) {
  unsigned count = 4;
  for (uint32_t mask = encoding & 15u; (mask & 1u) == 0; mask >>= 1)
    --count;
  return count;
}

/* Inside an IT block an instruction depends on the flags, and narrow ones other than comparisons leave them alone. */
static void make_conditional(struct operation *operation) {
  operation->reads |= REGISTER_FLAGS;
  if (operation->narrow && operation->writes != REGISTER_FLAGS) {
    operation->writes &= ~REGISTER_FLAGS;
    operation->sets_flags = false;
  }
}

static void decode(const struct instruction *instruction, struct operation *operation) {
  memset(operation, 0, sizeof *operation);
  if (instruction->size == 2) {
    operation->narrow = true;
    decode_narrow(instruction->encoding, operation);
  } else if (field(instruction->encoding, 31, 29) == 7 && field(instruction->encoding, 27, 26) == 3) {
    /* Coprocessor space: bits 11:9 are 0b100 or 0b101 for scalar floating point, 0b111 or more patterns for MVE. */
    decode_vector(instruction->encoding, operation);
    if (operation->kind == KIND_UNKNOWN)
      decode_float(instruction->encoding, operation);
  } else {
    decode_wide(instruction->encoding, operation);
  }
  operation->sets_flags = (operation->writes & REGISTER_FLAGS) != 0;
}

void decode_block(const struct instruction *instructions, size_t count, struct operation *operations) {
  unsigned conditional = 0;
  for (size_t i = 0; i < count; ++i) {
    decode(&instructions[i], &operations[i]);
    if (operations[i].kind == KIND_IT) {
      conditional = conditional_count(instructions[i].encoding);
    } else if (conditional != 0) {
      --conditional;
      make_conditional(&operations[i]);
    }
  }
}
