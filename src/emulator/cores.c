#include <stddef.h>
#include <string.h>

#include "cycles_tables.h"

static const struct core *const cores[] = {
    &cycles_m0, &cycles_m0plus, &cycles_m3, &cycles_m4, &cycles_m7, &cycles_m33, &cycles_m55,
};

const struct core *core_find(const char *name) {
  for (size_t i = 0; i < sizeof cores / sizeof cores[0]; ++i)
    if (strcmp(cores[i]->name, name) == 0)
      return cores[i];
  return NULL;
}
