/* The bytes of SRAM that a command reads or writes through a map. */
#ifndef TVM_TINY_NPU_AREAS_H_
#define TVM_TINY_NPU_AREAS_H_

#include <stdbool.h>
#include <stdint.h>

#include "command.h"

/* Rows of the buffer, of which each has `width` pixels of `channels` bytes. Rows that a rolling buffer wraps around
 * make two spans; an area without bytes has none. */
struct etpu_area {
  struct etpu_map map;
  uint64_t width, channels;
  uint32_t spans;
  struct {
    uint64_t first, last;
  } span[2];
};

/* Rows first to first + rows - 1; all counts are at least 1, rows may be 0. */
struct etpu_area etpu_area_of_rows(const struct etpu_map *map, uint64_t first, uint64_t rows, uint64_t width,
                                   uint64_t channels);

/* A run of bytes. */
struct etpu_area etpu_area_of_bytes(uint32_t address, uint64_t bytes);

/* One behind its last byte. */
uint64_t etpu_area_end(const struct etpu_area *area);

/* Whether all of its elements have bytes of their own. */
bool etpu_area_is_injective(const struct etpu_area *area);

/* Whether two areas may share a byte. Exact for rows; of two maps whose pixels interleave it is exact where they have
 * the same distance between pixels. */
bool etpu_areas_share(const struct etpu_area *one, const struct etpu_area *other);

bool etpu_maps_equal(const struct etpu_map *one, const struct etpu_map *other);

#endif /* TVM_TINY_NPU_AREAS_H_ */
