#include "conflicts.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace tvm_tiny::planner {

namespace {

int64_t AlignUp(int64_t offset, int64_t alignment) {
  return (offset + alignment - 1) / alignment * alignment;
}

}  // namespace

std::vector<std::vector<Conflict>> FindConflicts(const Problem &problem) {
  const std::vector<Buffer> &buffers = problem.buffers;
  std::vector<size_t> by_first(buffers.size());
  std::iota(by_first.begin(), by_first.end(), size_t{0});
  std::stable_sort(by_first.begin(), by_first.end(),
                   [&](size_t a, size_t b) { return buffers[a].first < buffers[b].first; });

  // A sweep over time: `alive` holds the buffers that have begun and not yet ended.
  std::vector<std::vector<Conflict>> conflicts(buffers.size());
  std::vector<size_t> alive;
  for (size_t index : by_first) {
    const Buffer &buffer = buffers[index];
    if (buffer.size == 0)
      continue;
    alive.erase(std::remove_if(alive.begin(), alive.end(), [&](size_t a) { return buffers[a].last < buffer.first; }),
                alive.end());
    for (size_t other : alive) {
      conflicts[index].push_back({other, buffer.size, buffers[other].size});
      conflicts[other].push_back({index, buffers[other].size, buffer.size});
    }
    alive.push_back(index);
  }
  return conflicts;
}

int64_t LowestOffset(const Buffer &buffer, const std::vector<Conflict> &conflicts, const Plan &plan, int64_t pool) {
  // Each placed neighbour forbids the offsets strictly between its offset - below and its offset + above.
  std::vector<std::pair<int64_t, int64_t>> forbidden;
  for (const Conflict &conflict : conflicts) {
    const Place &place = plan[conflict.other];
    if (place.pool == pool)
      forbidden.emplace_back(place.offset - conflict.below, place.offset + conflict.above);
  }
  std::sort(forbidden.begin(), forbidden.end());

  int64_t offset = 0;
  for (const auto &[from, to] : forbidden) {
    if (offset <= from)
      break;  // the gap before this neighbour, and so before all later ones, is wide enough
    offset = std::max(offset, AlignUp(to, buffer.alignment));
  }
  return offset;
}

}  // namespace tvm_tiny::planner
