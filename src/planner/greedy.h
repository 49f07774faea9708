// Placing buffers one after another, each at the lowest offset that is free.
#ifndef TVM_TINY_PLANNER_GREEDY_H_
#define TVM_TINY_PLANNER_GREEDY_H_

#include "conflicts.h"

namespace tvm_tiny::planner {

using Order = std::vector<size_t>;

// The largest buffers first; among equals the one that lives longer, then the one that begins earlier.
Order BySize(const Problem &problem);

// The buffers with the most conflicts first; among equals the larger one, then the one that begins earlier.
Order ByConflicts(const Problem &problem, const Conflicts &conflicts);

// Each buffer in the first of its pools that has room, at the lowest offset there. Buffers with a pinned offset come
// first, whatever their position in `order`.
Plan PlaceInOrder(const Problem &problem, const Conflicts &conflicts, const Order &order);

}  // namespace tvm_tiny::planner

#endif  // TVM_TINY_PLANNER_GREEDY_H_
