// Which buffers may not share bytes, and how far apart they must be.
#ifndef TVM_TINY_PLANNER_CONFLICTS_H_
#define TVM_TINY_PLANNER_CONFLICTS_H_

#include <utility>

#include "problem.h"

namespace tvm_tiny::planner {

// Seen from a buffer: in the same pool its offset is at most the other's offset - `below`, or at least the other's
// offset + `above`, or, if `same`, the other's offset. Two buffers without any overlap have their own size as `below`
// and the other's as `above`. An operator that may run its output over its input needs less distance on one side.
// Distances are rounded up to what differences of aligned offsets can be; `below` or `above` may be negative, but never
// is every offset allowed: such a pair is no conflict.
struct Conflict {
  size_t other;
  int64_t below;
  int64_t above;
  bool same;
};

// For each buffer, what it conflicts with, in the order of `other`.
using Conflicts = std::vector<std::vector<Conflict>>;

// For each buffer, those that are alive at one time with it. Empty buffers conflict with nothing.
Conflicts FindConflicts(const Problem &problem);

// The offsets strictly between `first` and `second` are forbidden.
using Gap = std::pair<int64_t, int64_t>;

// Appends what a neighbour at `offset` forbids, in ascending order: nothing of it is empty.
void Forbid(const Conflict &conflict, int64_t offset, std::vector<Gap> *forbidden);

// The lowest aligned offset at which `buffer` keeps its distance to all of `conflicts` that `plan` has put into `pool`.
int64_t LowestOffset(const Buffer &buffer, const std::vector<Conflict> &conflicts, const Plan &plan, int64_t pool);

// Whether two buffers that conflict may lie at these offsets of one pool.
inline bool Allows(const Conflict &conflict, int64_t offset, int64_t other) {
  return offset <= other - conflict.below || offset >= other + conflict.above || (conflict.same && offset == other);
}

inline int64_t AlignDown(int64_t offset, int64_t alignment) {
  const int64_t rest = offset % alignment;
  return offset - (rest < 0 ? rest + alignment : rest);
}

inline int64_t AlignUp(int64_t offset, int64_t alignment) {
  return AlignDown(offset + alignment - 1, alignment);
}

}  // namespace tvm_tiny::planner

#endif  // TVM_TINY_PLANNER_CONFLICTS_H_
