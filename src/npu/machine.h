/* The variants of the machine: python/tvm_tiny/target/npu.py tells what the numbers mean; a test holds both together.
 */
#ifndef TVM_TINY_NPU_MACHINE_H_
#define TVM_TINY_NPU_MACHINE_H_

#include <stdbool.h>
#include <stdint.h>

#define ETPU_MAX_SIZE 128u  /* of an array: N */
#define ETPU_MAX_QUEUE 128u /* commands in front of a unit */
#define ETPU_HISTORY 512u   /* commands of a unit whose end is remembered: timing.c tells why that is enough */

struct etpu_machine {
  const char *name;
  uint32_t id; /* in a stream's header */
  uint32_t size, feeds, accumulators, sram, dma_bandwidth, dma_latency, queue, issue, fetch, requantize_latency,
      vector_latency;
};

/* The variant of that name or id; NULL if there is none. */
const struct etpu_machine *etpu_machine_named(const char *name);
const struct etpu_machine *etpu_machine_with_id(uint32_t id);

/* Whether the model can hold a machine of these numbers: N a multiple of 4 and at most ETPU_MAX_SIZE, nothing that is
 * divided by 0, and pipelines that ETPU_HISTORY covers. */
bool etpu_machine_possible(const struct etpu_machine *machine);

#endif /* TVM_TINY_NPU_MACHINE_H_ */
