/* Cycles of convolutions: folds of channels by folds of depth, each a pass of all pixels through the array. */
#include "map.h"
#include "timing.h"

/* One fold: `rows` x `columns` multipliers hold weights for `steps` steps of the inputs, which take `cycles`. */
struct fold {
  uint64_t rows, columns, steps, cycles;
  uint64_t parameters; /* cycles in which the loader fetches those of its channels, in front of their first fold */
};

/* Contiguous runs of bytes in memory that make elements first to end - 1 of a pixel's depth. Taps of one row of the
 * kernel lie one behind the other where pixels do. */
static uint64_t runs(const struct etpu_convolution *command, uint64_t first, uint64_t end) {
  const uint64_t channels = command->input_shape[2];
  const bool contiguous = (command->window.dilation[1] == 1u) && (command->input.pixel_bytes == channels);
  const uint64_t run = contiguous ? command->window.kernel[1] * channels : channels;
  return ((end - 1u) / run) - (first / run) + 1u;
}

/* Cycles of a pass in depthwise mode over taps first to end - 1. A column's window registers hold what neighbours in a
 * row share, so that a pixel brings `stride` new positions of each row of the kernel; the first of a row brings all. */
static uint64_t depthwise_cycles(const struct etpu_machine *machine, const struct etpu_convolution *command,
                                 uint64_t first, uint64_t end, uint64_t *reads) {
  const uint64_t width = command->window.kernel[1];
  uint64_t fresh = 0;
  uint64_t tap = first;
  uint64_t row_cycles;
  while (tap < end) {
    const uint64_t row_end = ((tap / width) + 1u) * width;
    const uint64_t count = ((row_end < end) ? row_end : end) - tap;
    const bool shared = (command->window.dilation[1] == 1u) && (command->window.strides[1] < count);
    fresh += shared ? command->window.strides[1] : count;
    tap += count;
  }
  row_cycles =
      etpu_ceil(end - first, machine->feeds) + ((command->output_width - 1u) * etpu_ceil(fresh, machine->feeds));
  *reads = command->rows * ((end - first) + ((command->output_width - 1u) * fresh));
  return command->rows * row_cycles;
}

/* One fold through the array; *time is when the one before it has left the inputs. */
static void time_fold(struct etpu_clock *clock, const struct fold *fold, uint64_t load_from, struct etpu_event *event,
                      uint64_t *time) {
  const uint64_t size = clock->machine->size;
  const uint64_t feed = fold->cycles - fold->steps;
  if (clock->overlap) {
    uint64_t load = (clock->loader_free > clock->fold_began) ? clock->loader_free : clock->fold_began;
    load = (load_from > load) ? load_from : load;
    clock->loader_free = load + fold->parameters + fold->rows;
    etpu_stall_until(event, time, clock->loader_free, ETPU_STALL_WEIGHTS);
    event->busy += fold->steps;
  } else {
    /* SCALE-Sim's weight-stationary form: N cycles for the weights, N + T - 1 for the inputs, N - 1 for the results. */
    *time += fold->parameters;
    event->stalls[ETPU_STALL_WEIGHTS] += fold->parameters;
    event->busy += (3u * size) + fold->steps - 2u;
  }
  if (event->start == UINT64_MAX) {
    event->start = *time;
  }
  clock->fold_began = *time;
  event->stalls[ETPU_STALL_FEED] += feed;
  *time += feed + (clock->overlap ? fold->steps : (3u * size) + fold->steps - 2u);
}

/* Bytes of the input that the rows of the array read for one fold of channels, padding left out. */
static uint64_t input_bytes(const struct etpu_convolution *command) {
  uint64_t rows = 0;
  uint64_t columns = 0;
  uint32_t i;
  for (i = 0; i < command->rows; i++) {
    rows += etpu_rows_inside(&command->window, command->first_row + i, command->input_shape[0]).count;
  }
  for (i = 0; i < command->output_width; i++) {
    columns += etpu_columns_inside(&command->window, i, command->input_shape[1]).count;
  }
  return rows * columns * command->input_shape[2];
}

static void time_folds(struct etpu_clock *clock, const struct etpu_convolution *command, uint64_t load_from,
                       struct etpu_event *event, uint64_t *time) {
  const struct etpu_machine *machine = clock->machine;
  const uint64_t taps = (uint64_t)command->window.kernel[0] * command->window.kernel[1];
  const bool depthwise = command->depthwise != 0u;
  const uint64_t depth = depthwise ? taps : taps * command->input_shape[2];
  const uint64_t width = machine->size / command->split;
  const uint64_t ports = machine->feeds / command->split;
  const uint64_t pixels = (uint64_t)command->rows * command->output_width;
  const uint64_t seen = depthwise ? 0u : input_bytes(command);
  struct fold fold = {0, 0, 0, 0, 0};
  uint64_t channel;
  uint64_t first;
  fold.steps = etpu_ceil(pixels, command->split);
  for (channel = 0; channel < command->channels; channel += width) {
    fold.columns = (command->channels - channel < width) ? command->channels - channel : width;
    fold.parameters = etpu_ceil(16u * fold.columns, machine->size);
    event->sram_read += seen;
    for (first = 0; first < depth; first += fold.rows) {
      fold.rows = (depth - first < command->depth_step) ? depth - first : command->depth_step;
      if (depthwise) {
        uint64_t reads;
        fold.cycles = depthwise_cycles(machine, command, first, first + fold.rows, &reads);
        event->sram_read += reads * fold.columns;
      } else {
        fold.cycles = fold.steps * etpu_ceil(runs(command, first, first + fold.rows), ports);
      }
      time_fold(clock, &fold, load_from, event, time);
      fold.parameters = 0;
    }
  }
  event->macs = pixels * depth * command->channels;
  event->sram_read += (depth + 16u) * command->channels;
  event->sram_written = pixels * command->channels;
}

void etpu_time_convolution(struct etpu_clock *clock, const struct etpu_command *command, struct etpu_event *event,
                           uint64_t *free) {
  const struct etpu_convolution *convolution = &command->as.convolution;
  const uint64_t size = clock->machine->size;
  const uint64_t weights_there = etpu_completed(clock, ETPU_DMA, command->waits[ETPU_DMA]);
  uint64_t time = *free;
  uint32_t i;
  etpu_stall_until(event, &time, event->issue, ETPU_STALL_QUEUE);
  for (i = 0; i < (uint32_t)ETPU_UNITS; i++) {
    etpu_stall_until(event, &time, etpu_completed(clock, i, command->waits[i]), ETPU_STALL_WAIT);
  }
  event->start = UINT64_MAX;
  time_folds(clock, convolution, (event->issue > weights_there) ? event->issue : weights_there, event, &time);
  if (clock->overlap) {
    /* The next command's pixels follow directly; the last ones of this are still on their way. */
    *free = time;
    event->end = time + size + (size / convolution->split) - 2u + clock->machine->requantize_latency;
    /* Results leave in order, also behind those of a command whose way through wider groups was longer. */
    const uint64_t before = etpu_completed(clock, ETPU_ARRAY, (uint32_t)clock->units[ETPU_ARRAY].commands);
    event->end = (before > event->end) ? before : event->end;
  } else {
    event->end = time + clock->machine->requantize_latency;
    *free = event->end;
  }
}
