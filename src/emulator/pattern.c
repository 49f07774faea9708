#include "pattern.h"

#include <stdbool.h>

static bool fits(const char *bits, uint32_t encoding) {
  uint32_t mask = 0;
  uint32_t value = 0;
  for (; *bits != '\0'; ++bits) {
    if (*bits == ' ')
      continue;
    mask = mask << 1 | (*bits != '.');
    value = value << 1 | (*bits == '1');
  }
  return (encoding & mask) == value;
}

void pattern_apply(const struct pattern *patterns, size_t count, uint32_t encoding, struct operation *operation) {
  for (size_t i = 0; i < count; ++i) {
    if (!fits(patterns[i].bits, encoding))
      continue;
    operation->kind = patterns[i].kind;
    if (patterns[i].operands != NULL)
      patterns[i].operands(operation, encoding);
    return;
  }
  operation->kind = KIND_UNKNOWN;
}
