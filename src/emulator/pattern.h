/* Encodings as text, the way the Architecture Reference Manual draws them. */
#ifndef TVM_TINY_EMULATOR_PATTERN_H_
#define TVM_TINY_EMULATOR_PATTERN_H_

#include <stddef.h>
#include <stdint.h>

#include "operation.h"

struct pattern {
  const char *bits; /* from the highest bit: 0, 1, or . for any; blanks are for the eye */
  enum kind kind;
  void (*operands)(struct operation *operation, uint32_t encoding); /* NULL: none that matter */
};

/* Fills in the kind and the operands of the first of `count` patterns that `encoding` fits; KIND_UNKNOWN if none does.
 */
void pattern_apply(const struct pattern *patterns, size_t count, uint32_t encoding, struct operation *operation);

/* Bits `high` to `low` of an encoding. */
static inline uint32_t field(uint32_t encoding, unsigned high, unsigned low) {
  return encoding >> low & ((2u << (high - low)) - 1u);
}

/* The core register whose number is in bits `low` and up; the empty set for PC, which no instruction has to wait for.
 */
static inline registers core_register(uint32_t encoding, unsigned low) {
  const uint32_t number = field(encoding, low + 3, low);
  return number == REGISTER_PC ? 0 : REGISTER(number);
}

/* The same of r0 to r7. */
static inline registers low_register(uint32_t encoding, unsigned low) {
  return REGISTER(field(encoding, low + 2, low));
}

#endif /* TVM_TINY_EMULATOR_PATTERN_H_ */
