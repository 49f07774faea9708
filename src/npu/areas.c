#include "areas.h"

struct etpu_area etpu_area_of_rows(const struct etpu_map *map, uint64_t first, uint64_t rows, uint64_t width,
                                   uint64_t channels) {
  struct etpu_area area;
  const uint64_t buffer = map->buffer_rows;
  const uint64_t place = first % buffer;
  area.map = *map;
  area.width = width;
  area.channels = channels;
  area.spans = (rows == 0u) ? 0u : 1u;
  area.span[0].first = place;
  area.span[0].last = (rows == 0u) ? place : place + rows - 1u;
  area.span[1].first = 0;
  area.span[1].last = 0;
  if (rows >= buffer) {
    area.span[0].first = 0;
    area.span[0].last = buffer - 1u;
  } else if (place + rows > buffer) {
    area.span[0].last = buffer - 1u;
    area.span[1].last = place + rows - buffer - 1u;
    area.spans = 2;
  } else {
    /* it does not wrap */
  }
  return area;
}

struct etpu_area etpu_area_of_bytes(uint32_t address, uint64_t bytes) {
  struct etpu_map map = {0, 0, 0, 1};
  map.address = address;
  return etpu_area_of_rows(&map, 0, 1, 1, bytes);
}

/* Bytes from the start of a row to behind its last pixel. */
static uint64_t row_extent(const struct etpu_area *area) {
  return ((area->width - 1u) * area->map.pixel_bytes) + area->channels;
}

uint64_t etpu_area_end(const struct etpu_area *area) {
  uint64_t last = 0;
  uint32_t i;
  if (area->spans == 0u) {
    return 0;
  }
  for (i = 0; i < area->spans; i++) {
    last = (area->span[i].last > last) ? area->span[i].last : last;
  }
  return area->map.address + (last * area->map.row_bytes) + row_extent(area);
}

bool etpu_area_is_injective(const struct etpu_area *area) {
  const bool one_row = (area->spans == 1u) && (area->span[0].first == area->span[0].last);
  return ((area->width == 1u) || (area->map.pixel_bytes >= area->channels)) &&
         (one_row || (area->spans == 0u) || (area->map.row_bytes >= row_extent(area)));
}

/* Whether the bytes [start, end) meet a row of a span: the first row that ends behind `start` is the one to look at. */
static bool meets(uint64_t start, uint64_t end, const struct etpu_area *area, uint32_t span) {
  const uint64_t extent = row_extent(area);
  uint64_t row = area->span[span].first;
  if ((area->map.row_bytes != 0u) && (start >= area->map.address + extent)) {
    const uint64_t reaching = ((start - area->map.address - extent) / area->map.row_bytes) + 1u;
    row = (reaching > row) ? reaching : row;
  }
  if (row > area->span[span].last) {
    return false;
  }
  return (area->map.address + (row * area->map.row_bytes) < end) &&
         (area->map.address + (row * area->map.row_bytes) + extent > start);
}

/* Whether pixels of both lie at the same distance, on a grid that rows keep, and take different bytes of each step. */
static bool interleave(const struct etpu_area *one, const struct etpu_area *other) {
  const uint64_t step = one->map.pixel_bytes;
  uint64_t a;
  uint64_t b;
  if ((step == 0u) || (other->map.pixel_bytes != step) || ((one->map.row_bytes % step) != 0u) ||
      ((other->map.row_bytes % step) != 0u)) {
    return false;
  }
  a = one->map.address % step;
  b = other->map.address % step;
  /* How far one's first byte lies in front of the other's, around the step, and back. */
  return (one->channels <= ((b + step - a) % step)) && (other->channels <= ((a + step - b) % step));
}

bool etpu_areas_share(const struct etpu_area *one, const struct etpu_area *other) {
  uint32_t i;
  uint32_t j;
  uint64_t row;
  if ((one->spans == 0u) || (other->spans == 0u) || interleave(one, other)) {
    return false;
  }
  if ((etpu_area_end(one) <= other->map.address) || (etpu_area_end(other) <= one->map.address)) {
    return false;
  }
  for (i = 0; i < one->spans; i++) {
    for (row = one->span[i].first; row <= one->span[i].last; row++) {
      const uint64_t start = one->map.address + (row * one->map.row_bytes);
      for (j = 0; j < other->spans; j++) {
        if (meets(start, start + row_extent(one), other, j)) {
          return true;
        }
      }
    }
  }
  return false;
}

bool etpu_maps_equal(const struct etpu_map *one, const struct etpu_map *other) {
  return (one->address == other->address) && (one->row_bytes == other->row_bytes) &&
         (one->pixel_bytes == other->pixel_bytes) && (one->buffer_rows == other->buffer_rows);
}
