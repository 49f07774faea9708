/* The stream as a whole: header, regions, and that each command waits only for those before it. */
#include "validate.h"

#include <string.h>

#include "crc.h"
#include "decode.h"

int etpu_check_reading(const struct etpu_limits *limits, const struct etpu_area *area) {
  return (etpu_area_end(area) <= limits->read) ? ETPU_FAULT_NONE : ETPU_FAULT_ADDRESS;
}

int etpu_check_writing(const struct etpu_limits *limits, const struct etpu_area *area) {
  if (etpu_area_end(area) > limits->write) {
    return ETPU_FAULT_WRITE;
  }
  return etpu_area_is_injective(area) ? ETPU_FAULT_NONE : ETPU_FAULT_ALIAS;
}

int etpu_check_window(const struct etpu_window *window) {
  uint32_t axis;
  for (axis = 0; axis < 2u; axis++) {
    if ((window->kernel[axis] == 0u) || (window->strides[axis] == 0u) || (window->dilation[axis] == 0u)) {
      return ETPU_FAULT_EMPTY;
    }
  }
  return ((uint64_t)window->kernel[0] * window->kernel[1] <= 65536u) ? ETPU_FAULT_NONE : ETPU_FAULT_KERNEL;
}

void etpu_window_rows(const struct etpu_window *window, uint32_t first_output, uint32_t outputs, uint32_t height,
                      uint64_t *first, uint64_t *rows) {
  const int64_t low = ((int64_t)first_output * window->strides[0]) - window->top;
  const int64_t high = ((int64_t)(first_output + outputs - 1u) * window->strides[0]) - window->top +
                       ((int64_t)(window->kernel[0] - 1u) * window->dilation[0]);
  const int64_t from = (low < 0) ? 0 : low;
  const int64_t to = (high < (int64_t)height) ? high : (int64_t)height - 1;
  *first = (uint64_t)from;
  *rows = (to < from) ? 0u : (uint64_t)(to - from + 1);
}

size_t etpu_first_command(const struct etpu_header *header) {
  return ETPU_HEADER_BYTES + ((size_t)header->regions * ETPU_REGION_BYTES);
}

static int check_header(const struct etpu_machine *machine, const uint8_t *stream, size_t bytes,
                        struct etpu_header *header) {
  uint32_t crc;
  if (bytes < ETPU_HEADER_BYTES) {
    return ETPU_FAULT_HEADER;
  }
  etpu_decode_header(stream, header);
  if (header->magic != ETPU_MAGIC) {
    return ETPU_FAULT_MAGIC;
  }
  if (header->version != ETPU_VERSION) {
    return ETPU_FAULT_VERSION;
  }
  if (header->bytes != bytes) {
    return ETPU_FAULT_LENGTH;
  }
  if (bytes < etpu_first_command(header)) {
    return ETPU_FAULT_HEADER;
  }
  crc = etpu_crc32(0, stream, ETPU_HEADER_BYTES - 4u);
  if (header->crc != etpu_crc32(crc, &stream[ETPU_HEADER_BYTES], bytes - ETPU_HEADER_BYTES)) {
    return ETPU_FAULT_CRC;
  }
  if (header->variant != machine->id) {
    return ETPU_FAULT_VARIANT;
  }
  if ((header->sram > machine->sram) || (header->cache > header->sram)) {
    return ETPU_FAULT_SRAM;
  }
  if (header->load > 1u) {
    return ETPU_FAULT_ENUM;
  }
  if (header->token == 0u) {
    return ((header->cache == header->sram) && (header->load == 0u)) ? ETPU_FAULT_NONE : ETPU_FAULT_CACHE;
  }
  return ETPU_FAULT_NONE;
}

static int check_regions(const struct etpu_limits *limits, const struct etpu_region *regions, uint32_t count) {
  uint32_t i;
  for (i = 0; i < limits->header.regions; i++) {
    struct etpu_region_entry entry;
    etpu_decode_region(&limits->regions[(size_t)i * ETPU_REGION_BYTES], &entry);
    if (entry.written > 1u) {
      return ETPU_FAULT_ENUM;
    }
    if ((regions != NULL) &&
        ((i >= count) || (regions[i].size < entry.size) || ((regions[i].data == NULL) && (entry.size > 0u)))) {
      return ETPU_FAULT_REGIONS;
    }
  }
  return ((regions == NULL) || (count == limits->header.regions)) ? ETPU_FAULT_NONE : ETPU_FAULT_REGIONS;
}

static int check_command(const struct etpu_limits *limits, const struct etpu_command *command) {
  switch (command->opcode) {
    case ETPU_CONVOLUTION:
      return etpu_check_convolution(limits, &command->as.convolution);
    case ETPU_ELEMENTWISE:
      return etpu_check_elementwise(limits, &command->as.elementwise);
    case ETPU_POOL:
      return etpu_check_pool(limits, &command->as.pool);
    case ETPU_LOOKUP:
      return etpu_check_lookup(limits, &command->as.lookup);
    case ETPU_SOFTMAX:
      return etpu_check_softmax(limits, &command->as.softmax);
    case ETPU_RESIZE:
      return etpu_check_resize(limits, &command->as.resize);
    case ETPU_TRANSFER:
      return etpu_check_transfer(limits, &command->as.transfer);
    default:
      return ETPU_FAULT_COMMAND;
  }
}

static int refused(int code, uint32_t command, struct etpu_fault *fault) {
  if (fault != NULL) {
    fault->code = (uint32_t)code;
    fault->command = command;
  }
  return code;
}

/* The commands, one after the other; seen[] counts those of each unit. */
static int check_commands(const struct etpu_limits *limits, const uint8_t *stream, struct etpu_fault *fault) {
  uint32_t seen[ETPU_UNITS] = {0, 0, 0};
  size_t at = etpu_first_command(&limits->header);
  uint32_t index;
  uint32_t unit;
  for (index = 0; index < limits->header.commands; index++) {
    struct etpu_command command;
    const uint32_t size = etpu_decode_command(&stream[at], limits->header.bytes - at, &command);
    int code;
    if (size == 0u) {
      return refused(ETPU_FAULT_COMMAND, index, fault);
    }
    at += size;
    for (unit = 0; unit < (uint32_t)ETPU_UNITS; unit++) {
      if (command.waits[unit] > seen[unit]) {
        return refused(ETPU_FAULT_WAIT, index, fault);
      }
    }
    code = check_command(limits, &command);
    if (code != ETPU_FAULT_NONE) {
      return refused(code, index, fault);
    }
    seen[etpu_unit_of(&command)]++;
  }
  return refused((at == limits->header.bytes) ? ETPU_FAULT_NONE : ETPU_FAULT_COMMAND, ETPU_NO_COMMAND, fault);
}

int etpu_check_stream(const struct etpu_machine *machine, const uint8_t *stream, size_t bytes,
                      const struct etpu_region *regions, uint32_t count, struct etpu_limits *limits,
                      struct etpu_fault *fault) {
  int code;
  memset(limits, 0, sizeof(*limits));
  if (!etpu_machine_possible(machine)) {
    return refused(ETPU_FAULT_MACHINE, ETPU_NO_COMMAND, fault);
  }
  code = check_header(machine, stream, bytes, &limits->header);
  if (code != ETPU_FAULT_NONE) {
    return refused(code, ETPU_NO_COMMAND, fault);
  }
  limits->machine = machine;
  limits->regions = &stream[ETPU_HEADER_BYTES];
  limits->read = limits->header.sram;
  limits->write = (limits->header.load != 0u) ? limits->header.sram : limits->header.cache;
  code = check_regions(limits, regions, count);
  if (code != ETPU_FAULT_NONE) {
    return refused(code, ETPU_NO_COMMAND, fault);
  }
  return check_commands(limits, stream, fault);
}
