#include "greedy.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "algorithms.h"
#include "bound.h"
#include "objective.h"

namespace tvm_tiny::planner {

namespace {

bool IsFree(const std::vector<Conflict> &conflicts, const Plan &plan, const Place &wanted) {
  return std::all_of(conflicts.begin(), conflicts.end(), [&](const Conflict &conflict) {
    const Place &other = plan[conflict.other];
    return other.pool != wanted.pool || Allows(conflict, wanted.offset, other.offset);
  });
}

Place PlaceGreedily(const Problem &problem, size_t index, const std::vector<Conflict> &conflicts, const Plan &plan) {
  const Buffer &buffer = problem.buffers[index];
  for (size_t number : buffer.pools) {
    const int64_t pool = static_cast<int64_t>(number);
    int64_t offset = buffer.pinned;
    if (offset == Buffer::kAnywhere)
      offset = LowestOffset(buffer, conflicts, plan, pool);
    else if (!IsFree(conflicts, plan, {pool, offset}))
      continue;
    if (buffer.size <= problem.pools[number].capacity - offset)
      return {pool, offset};
  }
  return {Place::kNowhere, 0};
}

Order AllBuffers(const Problem &problem) {
  Order order(problem.buffers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  return order;
}

Solution WithBound(const Problem &problem, Plan plan) {
  const int64_t bound = LowerBound(problem, FindConflicts(problem));
  const bool optimal = ProvenBy(problem, plan, bound);
  return {std::move(plan), optimal, bound};
}

}  // namespace

Order BySize(const Problem &problem) {
  Order order = AllBuffers(problem);
  const auto key = [&](size_t index) {
    const Buffer &buffer = problem.buffers[index];
    return std::make_tuple(-buffer.size, buffer.first - buffer.last, buffer.first);
  };
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return key(a) < key(b); });
  return order;
}

Order ByConflicts(const Problem &problem, const Conflicts &conflicts) {
  Order order = AllBuffers(problem);
  const auto key = [&](size_t index) {
    const Buffer &buffer = problem.buffers[index];
    return std::make_tuple(-static_cast<int64_t>(conflicts[index].size()), -buffer.size, buffer.first);
  };
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return key(a) < key(b); });
  return order;
}

Plan PlaceInOrder(const Problem &problem, const Conflicts &conflicts, const Order &order) {
  Plan plan(problem.buffers.size(), Place{Place::kNowhere, 0});
  for (const bool pinned : {true, false}) {
    for (size_t index : order) {
      if ((problem.buffers[index].pinned != Buffer::kAnywhere) == pinned)
        plan[index] = PlaceGreedily(problem, index, conflicts[index], plan);
    }
  }
  return plan;
}

Solution GreedyBySize(const Problem &problem, int64_t) {
  return WithBound(problem, PlaceInOrder(problem, FindConflicts(problem), BySize(problem)));
}

Solution GreedyByConflicts(const Problem &problem, int64_t) {
  const Conflicts conflicts = FindConflicts(problem);
  return WithBound(problem, PlaceInOrder(problem, conflicts, ByConflicts(problem, conflicts)));
}

}  // namespace tvm_tiny::planner
