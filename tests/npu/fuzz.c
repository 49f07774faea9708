/* Throws mutated and random streams at the device model. Built with sanitizers, which end it where it does wrong.
 *
 *   fuzz SEED CASES FILE...    the files are valid streams
 *
 * Buffers have exactly the sizes that are told, so that a byte too many is seen. What the validator lets pass runs,
 * unless it would take too long. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crc.h"
#include "decode.h"
#include "device.h"

#define MAX_STREAM 4096u
#define MAX_REGIONS 8u
#define REGION_BYTES 4096u
#define LONGEST 200000u /* cycles */

static uint64_t state;

static uint32_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 32);
}

static uint32_t below(uint32_t limit) {
  return next() % limit;
}

static void seal(uint8_t *stream, size_t bytes) {
  uint32_t crc = etpu_crc32(0, stream, ETPU_HEADER_BYTES - 4u);
  uint32_t i;
  crc = etpu_crc32(crc, &stream[ETPU_HEADER_BYTES], bytes - ETPU_HEADER_BYTES);
  for (i = 0; i < 4u; i++) {
    stream[ETPU_HEADER_BYTES - 4u + i] = (uint8_t)(crc >> (8u * i));
  }
}

static void mutate(uint8_t *byte) {
  static const uint8_t EDGES[] = {0, 1, 0x7f, 0x80, 0xff};
  switch (below(4)) {
    case 0:
      *byte ^= (uint8_t)(1u << below(8));
      break;
    case 1:
      *byte = (uint8_t)next();
      break;
    case 2:
      *byte = EDGES[below(sizeof(EDGES))];
      break;
    default:
      *byte = (uint8_t)(*byte + below(5) - 2u);
      break;
  }
}

static int run(const struct etpu_machine *machine, const uint8_t *stream, size_t bytes) {
  struct etpu_device device = {machine, NULL, 0, 1};
  struct etpu_region regions[MAX_REGIONS];
  struct etpu_counters counters;
  struct etpu_header header;
  struct etpu_event *events;
  struct etpu_fault fault;
  uint32_t i;
  int code;
  etpu_decode_header(stream, &header);
  device.token = header.token;
  device.sram = malloc(machine->sram);
  for (i = 0; i < machine->sram; i++) {
    device.sram[i] = (uint8_t)((i * 37u) ^ (i >> 5));
  }
  for (i = 0; i < header.regions; i++) {
    struct etpu_region_entry entry;
    etpu_decode_region(&stream[ETPU_HEADER_BYTES + (i * ETPU_REGION_BYTES)], &entry);
    regions[i].size = entry.size;
    regions[i].data = calloc(entry.size + 1u, 1);
    regions[i].data = realloc(regions[i].data, (entry.size > 0u) ? entry.size : 1u);
  }
  events = malloc((header.commands > 0u ? header.commands : 1u) * sizeof(*events));
  code = etpu_device_run(&device, stream, bytes, regions, header.regions, &counters, events, header.commands, &fault);
  free(events);
  for (i = 0; i < header.regions; i++) {
    free(regions[i].data);
  }
  free(device.sram);
  return code;
}

/* 1 if the validator let it pass, 2 if it ran too. */
static int check(const struct etpu_machine *machine, const uint8_t *bytes, size_t count) {
  uint8_t *stream = malloc((count > 0u) ? count : 1u);
  struct etpu_counters counters;
  struct etpu_header header;
  struct etpu_fault fault;
  int result = 0;
  memcpy(stream, bytes, count);
  if (etpu_count(machine, below(2), stream, count, &counters, NULL, 0, &fault) == 0) {
    uint32_t i;
    result = 1;
    etpu_decode_header(stream, &header);
    for (i = 0; (i < header.regions) && (i <= MAX_REGIONS); i++) {
      struct etpu_region_entry entry;
      etpu_decode_region(&stream[ETPU_HEADER_BYTES + (i * ETPU_REGION_BYTES)], &entry);
      if (entry.size > REGION_BYTES) {
        break;
      }
    }
    if ((i == header.regions) && (i <= MAX_REGIONS) && (counters.cycles < LONGEST)) {
      const int code = run(machine, stream, count);
      result = 2;
      if ((code != ETPU_FAULT_NONE) && (code != ETPU_FAULT_SHIFT) && (code != ETPU_FAULT_SUM)) {
        fprintf(stderr, "a valid stream was refused: %s\n", etpu_reason(code));
        exit(1);
      }
    }
  } else if ((fault.code == 0u) || (strcmp(etpu_reason((int)fault.code), "unknown code") == 0)) {
    fprintf(stderr, "a fault without a reason\n");
    exit(1);
  } else {
    /* refused */
  }
  free(stream);
  return result;
}

static size_t read_file(const char *path, uint8_t *bytes) {
  FILE *file = fopen(path, "rb");
  size_t count;
  if (file == NULL) {
    perror(path);
    exit(1);
  }
  count = fread(bytes, 1, MAX_STREAM, file);
  fclose(file);
  return count;
}

int main(int argc, char **argv) {
  struct etpu_machine machine = *etpu_machine_named("etpu-16");
  uint8_t bytes[MAX_STREAM];
  unsigned counts[3] = {0, 0, 0};
  unsigned cases;
  unsigned i;
  if (argc < 4) {
    return 2;
  }
  state = strtoull(argv[1], NULL, 10) * 0x9e3779b97f4a7c15u + 1u;
  cases = (unsigned)strtoul(argv[2], NULL, 10);
  machine.sram = 1u << 14;
  for (i = 3; i < (unsigned)argc; i++) {
    const size_t count = read_file(argv[i], bytes);
    if (check(&machine, bytes, count) != 2) {
      fprintf(stderr, "%s is not valid\n", argv[i]);
      return 1;
    }
  }
  for (i = 0; i < cases; i++) {
    size_t count = read_file(argv[3u + (i % ((unsigned)argc - 3u))], bytes);
    unsigned changes = 1u + below(3);
    if (below(8) == 0u) { /* anything behind a header */
      size_t at;
      for (at = ETPU_HEADER_BYTES; at < count; at++) {
        bytes[at] = (uint8_t)next();
      }
    }
    if (below(8) == 0u) {
      count = below((uint32_t)count + 1u); /* cut off */
    }
    for (; (changes > 0u) && (count > 0u); changes--) {
      mutate(&bytes[(below(8) == 0u) ? below((uint32_t)count) : (uint32_t)(count - 1u - below((uint32_t)count))]);
    }
    if ((below(8) != 0u) && (count >= ETPU_HEADER_BYTES)) {
      seal(bytes, count);
    }
    counts[check(&machine, bytes, count)]++;
  }
  printf("%u refused, %u valid, %u ran\n", counts[0], counts[1] + counts[2], counts[2]);
  return 0;
}
