#include "device.h"

#include <string.h>

#include "decode.h"
#include "execute.h"
#include "timing.h"
#include "validate.h"

/* What a run writes to, of what the caller gave. */
struct sinks {
  struct etpu_counters *counters;
  struct etpu_event *events;
  uint32_t capacity;
};

static void tell(const struct sinks *sinks, const struct etpu_event *event) {
  struct etpu_counters *counters = sinks->counters;
  uint32_t cause;
  if (event->command < sinks->capacity) {
    sinks->events[event->command] = *event;
  }
  if (counters != NULL) {
    struct etpu_unit_counters *unit = &counters->units[event->unit];
    unit->commands++;
    unit->busy += event->busy;
    unit->sram_read += event->sram_read;
    unit->sram_written += event->sram_written;
    for (cause = 0; cause < (uint32_t)ETPU_STALLS; cause++) {
      unit->stalls[cause] += event->stalls[cause];
    }
    counters->macs += event->macs;
    counters->offchip_read += event->offchip_read;
    counters->offchip_written += event->offchip_written;
    counters->fetched += event->fetched;
    counters->cycles = (event->end > counters->cycles) ? event->end : counters->cycles;
  }
}

static int execute(const struct etpu_device *device, const struct etpu_region *regions,
                   const struct etpu_command *command) {
  uint8_t *sram = device->sram;
  switch (command->opcode) {
    case ETPU_CONVOLUTION:
      return (command->as.convolution.depthwise != 0u)
                 ? etpu_convolve_depthwise(device->machine, sram, &command->as.convolution)
                 : etpu_convolve(device->machine, sram, &command->as.convolution);
    case ETPU_ELEMENTWISE:
      etpu_elementwise(sram, &command->as.elementwise);
      break;
    case ETPU_POOL:
      etpu_pool(sram, &command->as.pool);
      break;
    case ETPU_LOOKUP:
      etpu_lookup(sram, &command->as.lookup);
      break;
    case ETPU_SOFTMAX:
      return etpu_softmax(sram, &command->as.softmax);
    case ETPU_RESIZE:
      etpu_resize(sram, &command->as.resize);
      break;
    default:
      etpu_transfer(sram, &command->as.transfer, regions);
      break;
  }
  return ETPU_FAULT_NONE;
}

static int failed(struct etpu_fault *fault, int code, uint32_t command) {
  if (fault != NULL) {
    fault->code = (uint32_t)code;
    fault->command = command;
  }
  return code;
}

/* All commands of a valid stream: executed where there is a device, and counted. */
static int walk(const struct etpu_limits *limits, const struct etpu_device *device, bool overlap, const uint8_t *stream,
                const struct etpu_region *regions, const struct sinks *sinks, struct etpu_fault *fault) {
  struct etpu_clock clock;
  size_t at = etpu_first_command(&limits->header);
  uint32_t index;
  etpu_clock_start(&clock, limits->machine, overlap, (uint32_t)at);
  if (sinks->counters != NULL) {
    memset(sinks->counters, 0, sizeof(*sinks->counters));
  }
  for (index = 0; index < limits->header.commands; index++) {
    struct etpu_command command;
    struct etpu_event event;
    at += etpu_decode_command(&stream[at], limits->header.bytes - at, &command);
    if (device != NULL) {
      const int code = execute(device, regions, &command);
      if (code != ETPU_FAULT_NONE) {
        return failed(fault, code, index);
      }
    }
    etpu_clock_command(&clock, &command, &event);
    event.command = index;
    tell(sinks, &event);
  }
  return ETPU_FAULT_NONE;
}

int etpu_validate(const struct etpu_machine *machine, const uint8_t *stream, size_t bytes,
                  const struct etpu_region *regions, uint32_t count, struct etpu_fault *fault) {
  static const struct etpu_region none = {NULL, 0};
  struct etpu_limits limits;
  return etpu_check_stream(machine, stream, bytes, (regions != NULL) ? regions : &none, count, &limits, fault);
}

int etpu_validate_stream(const struct etpu_machine *machine, const uint8_t *stream, size_t bytes,
                         struct etpu_fault *fault) {
  struct etpu_limits limits;
  return etpu_check_stream(machine, stream, bytes, NULL, 0, &limits, fault);
}

int etpu_device_run(struct etpu_device *device, const uint8_t *stream, size_t bytes, const struct etpu_region *regions,
                    uint32_t count, struct etpu_counters *counters, struct etpu_event *events, uint32_t capacity,
                    struct etpu_fault *fault) {
  static const struct etpu_region none = {NULL, 0};
  const struct sinks sinks = {counters, events, (events != NULL) ? capacity : 0u};
  struct etpu_limits limits;
  int code;
  regions = (regions != NULL) ? regions : &none;
  code = etpu_check_stream(device->machine, stream, bytes, regions, count, &limits, fault);
  if (code != ETPU_FAULT_NONE) {
    return code;
  }
  if ((limits.header.load == 0u) && (limits.header.token != 0u) && (limits.header.token != device->token)) {
    return failed(fault, ETPU_FAULT_TOKEN, ETPU_NO_COMMAND);
  }
  if (limits.header.load != 0u) {
    device->token = 0; /* until the cache is whole */
  }
  code = walk(&limits, device, device->overlap != 0u, stream, regions, &sinks, fault);
  device->token = (code == ETPU_FAULT_NONE) ? limits.header.token : 0u;
  return code;
}

int etpu_count(const struct etpu_machine *machine, uint32_t overlap, const uint8_t *stream, size_t bytes,
               struct etpu_counters *counters, struct etpu_event *events, uint32_t capacity, struct etpu_fault *fault) {
  const struct sinks sinks = {counters, events, (events != NULL) ? capacity : 0u};
  struct etpu_limits limits;
  const int code = etpu_check_stream(machine, stream, bytes, NULL, 0, &limits, fault);
  return (code != ETPU_FAULT_NONE) ? code : walk(&limits, NULL, overlap != 0u, stream, NULL, &sinks, fault);
}

const char *etpu_reason(int code) {
#define ETPU_FAULT_ENTRY(name, number, words) words,
  static const char *const REASONS[] = {ETPU_FAULTS(ETPU_FAULT_ENTRY)};
#undef ETPU_FAULT_ENTRY
  return ((code >= 0) && (code < (int)ETPU_FAULT_CODES)) ? REASONS[code] : "unknown code";
}

const struct etpu_machine *etpu_machine(const char *name) {
  return etpu_machine_named(name);
}
