// One pool as small as possible.
#ifndef TVM_TINY_PLANNER_PACK_H_
#define TVM_TINY_PLANNER_PACK_H_

#include "conflicts.h"

namespace tvm_tiny::planner {

// The part of a problem that lies in one pool: `members` alone, in their order, and that pool as the only one.
Problem OnePool(const Problem &problem, const std::vector<size_t> &members, size_t pool);

struct Packed {
  bool fits;                     // within the pool's capacity; else `offsets` is empty
  std::vector<int64_t> offsets;  // of each buffer
  int64_t size;                  // bytes used
  int64_t bound;                 // no plan needs fewer; more than the capacity if it is proven that nothing fits
};

// `problem` has one pool. `start` is a plan to begin with; empty: none is known. Spends `effort`, which counts down, on
// a smaller one, and on the proof that there is none.
Packed Pack(const Problem &problem, const Plan &start, int64_t *effort);

// The same, but any plan within the capacity will do.
Packed PackSomehow(const Problem &problem, int64_t *effort);

}  // namespace tvm_tiny::planner

#endif  // TVM_TINY_PLANNER_PACK_H_
