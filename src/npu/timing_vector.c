/* Cycles of the vector unit and of the DMA engine. */
#include "timing.h"

/* Cycles of a row of `lanes` elements each: pixels that lie one behind the other are one run of elements. */
static uint64_t row_cycles(bool dense, uint64_t width, uint64_t channels, uint64_t lanes) {
  return dense ? etpu_ceil(width * channels, lanes) : width * etpu_ceil(channels, lanes);
}

static void count_bytes(struct etpu_event *event, uint64_t outputs, uint64_t reads_of_each) {
  event->sram_read = outputs * reads_of_each;
  event->sram_written = outputs;
}

static uint64_t elementwise(uint64_t lanes, const struct etpu_elementwise *c, struct etpu_event *event) {
  const bool dense = (c->inputs[0].pixel_bytes == c->channels) && (c->inputs[1].pixel_bytes == c->channels) &&
                     (c->output.pixel_bytes == c->channels);
  count_bytes(event, (uint64_t)c->rows * c->width * c->channels, 2);
  return c->rows * row_cycles(dense, c->width, c->channels, lanes);
}

/* A tap of N channels each cycle; a division takes one more. */
static uint64_t pool(uint64_t lanes, const struct etpu_pool *c, struct etpu_event *event) {
  const uint64_t taps = (uint64_t)c->window.kernel[0] * c->window.kernel[1];
  const uint64_t pixels = (uint64_t)c->rows * c->output_width;
  const uint64_t division = (c->kind == (uint32_t)ETPU_AVERAGE) ? 1u : 0u;
  count_bytes(event, pixels * c->input_shape[2], taps);
  return pixels * etpu_ceil(c->input_shape[2], lanes) * (taps + division);
}

static uint64_t lookup(uint64_t ports, const struct etpu_lookup *c, struct etpu_event *event) {
  const bool dense = (c->input.pixel_bytes == c->channels) && (c->output.pixel_bytes == c->channels);
  count_bytes(event, (uint64_t)c->rows * c->width * c->channels, 2);
  return c->rows * row_cycles(dense, c->width, c->channels, ports);
}

/* Three passes over a pixel's channels: the largest, the sum, the products; two of them read the table. */
static uint64_t softmax(uint64_t ports, const struct etpu_softmax *c, struct etpu_event *event) {
  const uint64_t pixels = (uint64_t)c->rows * c->width;
  count_bytes(event, pixels * c->channels, 3u + (2u * 4u));
  return pixels * ((3u * etpu_ceil(c->channels, ports)) + 32u);
}

static uint64_t resize(uint64_t lanes, const struct etpu_resize *c, struct etpu_event *event) {
  const uint64_t pixels = (uint64_t)c->rows * c->output_width;
  count_bytes(event, pixels * c->input_shape[2], 1);
  return pixels * etpu_ceil(c->input_shape[2], lanes);
}

uint64_t etpu_time_vector(const struct etpu_machine *machine, const struct etpu_command *command,
                          struct etpu_event *event) {
  const uint64_t lanes = machine->size;
  const uint64_t ports = machine->size / 4u; /* of tables, which have words of 4 bytes */
  uint64_t cycles;
  switch (command->opcode) {
    case ETPU_ELEMENTWISE:
      cycles = elementwise(lanes, &command->as.elementwise, event);
      break;
    case ETPU_POOL:
      cycles = pool(lanes, &command->as.pool, event);
      break;
    case ETPU_LOOKUP:
      cycles = lookup(ports, &command->as.lookup, event);
      break;
    case ETPU_SOFTMAX:
      cycles = softmax(ports, &command->as.softmax, event);
      break;
    default:
      cycles = resize(lanes, &command->as.resize, event);
      break;
  }
  return cycles + machine->vector_latency;
}

/* A run that begins or ends within a beat takes the whole of it. */
uint64_t etpu_time_transfer(const struct etpu_machine *machine, const struct etpu_transfer *command,
                            struct etpu_event *event) {
  const uint64_t bandwidth = machine->dma_bandwidth;
  const uint64_t bytes = (uint64_t)command->rows * command->row_length;
  uint64_t beats = 0;
  uint32_t i;
  for (i = 0; i < command->rows; i++) {
    const uint64_t first = command->offset + ((uint64_t)i * command->region_stride);
    beats += ((first + command->row_length - 1u) / bandwidth) - (first / bandwidth) + 1u;
  }
  if (command->to_sram != 0u) {
    event->offchip_read = bytes;
    event->sram_written = bytes;
  } else {
    event->sram_read = bytes;
    event->offchip_written = bytes;
  }
  return machine->dma_latency + beats;
}
