#include <algorithm>
#include <numeric>

#include "algorithms.h"
#include "conflicts.h"

namespace tvm_tiny::planner {

namespace {

// The first of the buffer's pools that has room for it, at the lowest offset there.
Place PlaceGreedily(const Problem &problem, size_t index, const std::vector<Conflict> &conflicts, const Plan &plan) {
  const Buffer &buffer = problem.buffers[index];
  std::vector<size_t> pools = buffer.pools;
  if (pools.empty()) {
    pools.resize(problem.pools.size());
    std::iota(pools.begin(), pools.end(), size_t{0});
  }
  for (size_t pool : pools) {
    const int64_t offset = LowestOffset(buffer, conflicts, plan, static_cast<int64_t>(pool));
    if (buffer.size <= problem.pools[pool].capacity - offset)
      return {static_cast<int64_t>(pool), offset};
  }
  return {Place::kNowhere, 0};
}

}  // namespace

Plan GreedyBySize(const Problem &problem) {
  const std::vector<Buffer> &buffers = problem.buffers;
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const int64_t life_a = buffers[a].last - buffers[a].first;
    const int64_t life_b = buffers[b].last - buffers[b].first;
    if (buffers[a].size != buffers[b].size)
      return buffers[a].size > buffers[b].size;
    if (life_a != life_b)
      return life_a > life_b;
    return buffers[a].first < buffers[b].first;
  });

  const auto conflicts = FindConflicts(problem);
  Plan plan(buffers.size(), Place{Place::kNowhere, 0});
  for (size_t index : order)
    plan[index] = PlaceGreedily(problem, index, conflicts[index], plan);
  return plan;
}

}  // namespace tvm_tiny::planner
