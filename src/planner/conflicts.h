// Which buffers may not share bytes, and how far apart they must be.
#ifndef TVM_TINY_PLANNER_CONFLICTS_H_
#define TVM_TINY_PLANNER_CONFLICTS_H_

#include "problem.h"

namespace tvm_tiny::planner {

// Seen from a buffer: in the same pool its offset is at most the other's offset - `below`, or at least the other's
// offset + `above`. Two buffers without any overlap have their own size as `below` and the other's as `above`. An
// operator that may run its output over its input needs less distance on one side.
struct Conflict {
  size_t other;
  int64_t below;
  int64_t above;
};

// For each buffer, those that are alive at one time with it. Empty buffers conflict with nothing.
std::vector<std::vector<Conflict>> FindConflicts(const Problem &problem);

// The lowest aligned offset at which `buffer` keeps its distance to all of `conflicts` that `plan` has put into `pool`.
int64_t LowestOffset(const Buffer &buffer, const std::vector<Conflict> &conflicts, const Plan &plan, int64_t pool);

}  // namespace tvm_tiny::planner

#endif  // TVM_TINY_PLANNER_CONFLICTS_H_
