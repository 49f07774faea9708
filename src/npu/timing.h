/* The clock of the machine: when each command is issued, begins and ends. docs/npu.md tells what is charged for what.
 */
#ifndef TVM_TINY_NPU_TIMING_H_
#define TVM_TINY_NPU_TIMING_H_

#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "device.h"
#include "machine.h"

struct etpu_unit_clock {
  uint64_t commands;           /* issued to it */
  uint64_t free;               /* it can take its next command */
  uint64_t ends[ETPU_HISTORY]; /* of its latest commands, by their number modulo the length */
  uint64_t starts[ETPU_MAX_QUEUE];
};

struct etpu_clock {
  const struct etpu_machine *machine;
  bool overlap;
  uint64_t front;       /* the command processor can read the next command */
  uint64_t head;        /* bytes in front of the first command that are not charged yet */
  uint64_t loader_free; /* the array's loader can begin with the next fold */
  uint64_t fold_began;  /* the array's latest fold: its weights have left the shadow registers */
  struct etpu_unit_clock units[ETPU_UNITS];
};

/* `head` are the bytes of the stream in front of its first command. */
void etpu_clock_start(struct etpu_clock *clock, const struct etpu_machine *machine, bool overlap, uint32_t head);

/* Counts the next command. Fills *event but for its number in the stream. */
void etpu_clock_command(struct etpu_clock *clock, const struct etpu_command *command, struct etpu_event *event);

/* When so many commands of a unit have completed. */
uint64_t etpu_completed(const struct etpu_clock *clock, uint32_t unit, uint32_t commands);

/* Moves *time to `until` and charges what lies between to `cause`. */
void etpu_stall_until(struct etpu_event *event, uint64_t *time, uint64_t until, enum etpu_stall cause);

/* A command of the array, which becomes free at *free; event->issue is known. */
void etpu_time_convolution(struct etpu_clock *clock, const struct etpu_command *command, struct etpu_event *event,
                           uint64_t *free);

/* Cycles in which a command of another unit holds it, without what it waits for; counts bytes. */
uint64_t etpu_time_vector(const struct etpu_machine *machine, const struct etpu_command *command,
                          struct etpu_event *event);
uint64_t etpu_time_transfer(const struct etpu_machine *machine, const struct etpu_transfer *command,
                            struct etpu_event *event);

static inline uint64_t etpu_ceil(uint64_t value, uint64_t divisor) {
  return (value + divisor - 1u) / divisor;
}

#endif /* TVM_TINY_NPU_TIMING_H_ */
