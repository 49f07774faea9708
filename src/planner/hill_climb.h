// Changing the order of a greedy placement until the plan becomes smaller.
#ifndef TVM_TINY_PLANNER_HILL_CLIMB_H_
#define TVM_TINY_PLANNER_HILL_CLIMB_H_

#include "greedy.h"

namespace tvm_tiny::planner {

// Begins with `order` and tries `attempts` exchanges. Each takes a buffer that ends at the top of its pool, and lets
// two of those that were placed before it, and that it or its neighbours conflict with, change places in the order. A
// plan that is worse is kept now and then, the less the worse and the later it is. Returns the best plan met. The idea
// is that of microTVM's "hill_climb" (TVM 0.18).
//
// The search ends early at a plan whose pools have `target` bytes together, for that is known to be the least.
Plan Climb(const Problem &problem, const Conflicts &conflicts, Order order, int attempts, uint64_t seed,
           int64_t target);

}  // namespace tvm_tiny::planner

#endif  // TVM_TINY_PLANNER_HILL_CLIMB_H_
