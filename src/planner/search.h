// Whether the buffers of a problem fit into one pool of a given height: a complete search.
#ifndef TVM_TINY_PLANNER_SEARCH_H_
#define TVM_TINY_PLANNER_SEARCH_H_

#include "conflicts.h"

namespace tvm_tiny::planner {

enum class Answer { kYes, kNo, kUnknown };

struct Found {
  Answer answer;
  std::vector<int64_t> offsets;  // of kYes
};

// Whether all buffers fit into `height` bytes; kUnknown if `effort`, which counts down, is used up before. `seed` says
// what is tried first among places that are equally low. The searches differ much in how long they take, so that
// several short ones with different seeds find a plan sooner than a long one.
Found Fit(const Problem &problem, const Conflicts &conflicts, int64_t height, uint64_t seed, int64_t *effort);

// No more than a quick look: false if the rules of domains.h alone show that the buffers do not fit.
bool MayFit(const Problem &problem, const Conflicts &conflicts, int64_t height, int64_t *effort);

}  // namespace tvm_tiny::planner

#endif  // TVM_TINY_PLANNER_SEARCH_H_
