#include "arena_check.h"

/* The rows of the table that are `layer`'s. */
struct rows {
  const struct allowed_write *begin, *end;
};

static struct rows rows_of(const struct arena_check *check, uint32_t layer) {
  const struct allowed_write *const end = check->writes + check->write_count;
  struct rows rows = {check->writes, end};
  while (rows.begin != end && rows.begin->layer < layer)
    ++rows.begin;
  rows.end = rows.begin;
  while (rows.end != end && rows.end->layer == layer)
    ++rows.end;
  return rows;
}

static bool allowed(struct rows rows, uint32_t pool, int32_t offset, bool ports_are_outside) {
  for (const struct allowed_write *row = rows.begin; row != rows.end; ++row)
    if (row->pool == pool && !(row->is_port && ports_are_outside) && offset >= (int32_t)row->offset &&
        offset < (int32_t)(row->offset + row->size))
      return true;
  return false;
}

static void check_pool(const struct harness_pool *pool, uint32_t number, struct rows rows, bool ports_are_outside,
                       struct harness_check *found) {
  const int32_t guard = (int32_t)pool->guard, size = (int32_t)pool->size;
  for (int32_t offset = -guard; offset < size + guard; ++offset) {
    uint8_t *const byte = &pool->start[offset], *const copy = &pool->copy[offset + guard];
    const uint8_t before = *copy, after = *byte;
    if (before == after)
      continue;
    if (offset < 0 || offset >= size)
      *byte = before;
    else
      *copy = after;
    if (allowed(rows, number, offset, ports_are_outside))
      continue;
    if (found->count == 0u) {
      found->pool = number;
      found->first = offset;
      found->before = before;
      found->after = after;
    }
    if (found->pool == number) {
      found->last = offset;
      ++found->count;
    }
  }
}

void arena_check_start(const struct arena_check *check) {
  for (uint32_t i = 0; i < check->pool_count; ++i) {
    const struct harness_pool *const pool = &check->pools[i];
    const uint8_t *const from = pool->start - pool->guard;
    for (uint32_t byte = 0; byte < pool->size + 2u * pool->guard; ++byte)
      pool->copy[byte] = from[byte];
  }
}

void arena_check_layer(const struct arena_check *check, uint32_t layer, bool ports_are_outside,
                       struct harness_check *found) {
  const struct rows rows = rows_of(check, layer);
  found->count = 0;
  for (uint32_t i = 0; i < check->pool_count; ++i)
    check_pool(&check->pools[i], i, rows, ports_are_outside, found);
}
