// How small a plan can be at best.
#ifndef TVM_TINY_PLANNER_BOUND_H_
#define TVM_TINY_PLANNER_BOUND_H_

#include "conflicts.h"

namespace tvm_tiny::planner {

// No plan that holds all buffers has fewer bytes in its pools together. It is the largest, over all steps, of the bytes
// that the buffers alive cover at least: each alone, but buffers that may run over each other as closely stacked as
// their distances allow.
int64_t LowerBound(const Problem &problem, const Conflicts &conflicts);

// The steps at which a buffer begins that is alive at one time with every buffer of the steps around: the sets of
// buffers alive there contain all others.
std::vector<std::vector<size_t>> LargestSetsAlive(const Problem &problem);

// Whether every buffer lies in the pool that is best for it in the sense of objective.h, whatever the others do.
bool AllInBestPools(const Problem &problem, const Plan &plan);

// Whether `bound` proves that no plan is better in the sense of objective.h: every buffer lies in the pool that is best
// for it, all of them in one pool, and that is as small as `bound`.
bool ProvenBy(const Problem &problem, const Plan &plan, int64_t bound);

}  // namespace tvm_tiny::planner

#endif  // TVM_TINY_PLANNER_BOUND_H_
