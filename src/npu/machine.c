#include "machine.h"

#include <stddef.h>
#include <string.h>

#define KIB 1024u

/* name, id, size, feeds, accumulators, sram, dma_bandwidth, dma_latency, queue, issue, fetch,
 * requantize_latency, vector_latency */
static const struct etpu_machine MACHINES[] = {
    {"etpu-16", 1, 16, 4, 1024, 512 * KIB, 8, 32, 16, 4, 8, 8, 8},
    {"etpu-32", 2, 32, 4, 1024, 1024 * KIB, 8, 32, 16, 4, 8, 8, 8},
    {"etpu-64", 3, 64, 8, 1024, 2048 * KIB, 8, 32, 16, 4, 8, 8, 8},
};

#define COUNT (sizeof(MACHINES) / sizeof(MACHINES[0]))

const struct etpu_machine *etpu_machine_named(const char *name) {
  size_t i;
  for (i = 0; i < COUNT; i++) {
    if (strcmp(MACHINES[i].name, name) == 0) {
      return &MACHINES[i];
    }
  }
  return NULL;
}

const struct etpu_machine *etpu_machine_with_id(uint32_t id) {
  size_t i;
  for (i = 0; i < COUNT; i++) {
    if (MACHINES[i].id == id) {
      return &MACHINES[i];
    }
  }
  return NULL;
}

bool etpu_machine_possible(const struct etpu_machine *machine) {
  const bool array = (machine->size >= 4u) && (machine->size <= ETPU_MAX_SIZE) && ((machine->size % 4u) == 0u) &&
                     (machine->feeds >= 1u) && (machine->feeds <= ETPU_MAX_SIZE) && (machine->accumulators >= 1u);
  const bool queues = (machine->sram <= (UINT32_C(1) << 30)) && (machine->queue >= 1u) &&
                      (machine->queue <= ETPU_MAX_QUEUE) && (machine->issue <= 65536u) && (machine->fetch <= 65536u);
  const bool paths = (machine->dma_bandwidth >= 1u) && (machine->dma_bandwidth <= 65536u) &&
                     (machine->dma_latency <= 65536u) && (machine->vector_latency <= 65536u) &&
                     (machine->requantize_latency <= 65536u);
  return array && queues && paths &&
         ((2u * machine->size) + machine->requantize_latency + machine->queue <= ETPU_HISTORY);
}
