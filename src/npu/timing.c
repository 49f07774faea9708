/* The command processor, the queues and the waits. One pass over the stream tells all times, because a command depends
 * on those before it alone.
 *
 * Of each unit the ends of the latest ETPU_HISTORY commands are kept. An older one that another command waits for has
 * ended before that command was issued: when the unit's latest command entered its queue all but `queue` had begun,
 * each takes a cycle or more, and the longest pipeline is shorter than what is left of the history
 * (etpu_machine_possible). */
#include "timing.h"

#include <string.h>

void etpu_clock_start(struct etpu_clock *clock, const struct etpu_machine *machine, bool overlap, uint32_t head) {
  memset(clock, 0, sizeof(*clock));
  clock->machine = machine;
  clock->overlap = overlap;
  if (machine->fetch != 0u) {
    clock->head = head;
    clock->front = machine->dma_latency + etpu_ceil(head, machine->fetch);
  }
}

uint64_t etpu_completed(const struct etpu_clock *clock, uint32_t unit, uint32_t commands) {
  const struct etpu_unit_clock *queue = &clock->units[unit];
  if ((commands == 0u) || (queue->commands - commands >= ETPU_HISTORY)) {
    return 0;
  }
  return queue->ends[(commands - 1u) % ETPU_HISTORY];
}

void etpu_stall_until(struct etpu_event *event, uint64_t *time, uint64_t until, enum etpu_stall cause) {
  if (until > *time) {
    event->stalls[cause] += until - *time;
    *time = until;
  }
}

/* The command processor reads the command, decoding what has come, and waits until its unit's queue has room for it. */
static uint64_t issue(struct etpu_clock *clock, const struct etpu_unit_clock *unit, uint32_t bytes,
                      struct etpu_event *event) {
  const uint64_t queue = clock->machine->queue;
  const uint64_t fetch = clock->machine->fetch;
  const uint64_t beats = (fetch != 0u) ? etpu_ceil(bytes, fetch) : 0u;
  clock->front += (beats > clock->machine->issue) ? beats : clock->machine->issue;
  event->fetched = clock->head + ((fetch != 0u) ? bytes : 0u);
  clock->head = 0;
  if (unit->commands >= queue) {
    const uint64_t room = unit->starts[(unit->commands - queue) % ETPU_MAX_QUEUE];
    clock->front = (room > clock->front) ? room : clock->front;
  }
  return clock->front;
}

static void time_other(const struct etpu_clock *clock, const struct etpu_command *command, struct etpu_event *event,
                       uint64_t *free) {
  uint64_t time = *free;
  uint32_t i;
  etpu_stall_until(event, &time, event->issue, ETPU_STALL_QUEUE);
  for (i = 0; i < (uint32_t)ETPU_UNITS; i++) {
    etpu_stall_until(event, &time, etpu_completed(clock, i, command->waits[i]), ETPU_STALL_WAIT);
  }
  event->start = time;
  event->busy = (etpu_unit_of(command) == ETPU_DMA) ? etpu_time_transfer(clock->machine, &command->as.transfer, event)
                                                    : etpu_time_vector(clock->machine, command, event);
  event->end = time + event->busy;
  *free = event->end;
}

void etpu_clock_command(struct etpu_clock *clock, const struct etpu_command *command, struct etpu_event *event) {
  const enum etpu_unit number = etpu_unit_of(command);
  struct etpu_unit_clock *unit = &clock->units[number];
  memset(event, 0, sizeof(*event));
  event->unit = (uint32_t)number;
  event->opcode = command->opcode;
  event->layer = command->layer;
  event->issue = issue(clock, unit, command->words * 4u, event);
  if (number == ETPU_ARRAY) {
    etpu_time_convolution(clock, command, event, &unit->free);
  } else {
    time_other(clock, command, event, &unit->free);
  }
  unit->starts[unit->commands % ETPU_MAX_QUEUE] = event->start;
  unit->ends[unit->commands % ETPU_HISTORY] = event->end;
  unit->commands++;
}
