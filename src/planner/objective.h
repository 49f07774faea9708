// What makes one plan better than another.
//
// In this order:
//   1. fewer bytes have no place: a plan that holds everything comes before one that does not;
//   2. less cost: the sum over all buffers of bytes x steps alive x cost of the pool;
//   3. the preferred pools: the sum of bytes x steps alive x position of the pool in the buffer's own list;
//   4. a smaller first pool, then a smaller second one, and so on: a fast pool is the scarce one, and comes first.
#ifndef TVM_TINY_PLANNER_OBJECTIVE_H_
#define TVM_TINY_PLANNER_OBJECTIVE_H_

#include "problem.h"

namespace tvm_tiny::planner {

struct Value {
  int64_t nowhere;
  int64_t cost;
  int64_t preference;
  std::vector<int64_t> sizes;  // bytes used of each pool

  int64_t Total() const;
  bool operator<(const Value &other) const;  // is better than
};

Value Evaluate(const Problem &problem, const Plan &plan);

// What a buffer adds to `cost` and to `preference` in the pool at `position` of its list.
int64_t CostIn(const Problem &problem, const Buffer &buffer, size_t position);
int64_t PreferenceIn(const Buffer &buffer, size_t position);

}  // namespace tvm_tiny::planner

#endif  // TVM_TINY_PLANNER_OBJECTIVE_H_
