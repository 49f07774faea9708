#include "algorithms.h"
#include "bound.h"
#include "objective.h"

namespace tvm_tiny::planner {

Solution Exact(const Problem &problem, int64_t effort) {
  Solution best = HillClimb(problem, effort);
  for (const Algorithm algorithm : {GreedyBySize, GreedyByConflicts}) {
    Solution solution = algorithm(problem, effort);
    if (Evaluate(problem, solution.plan) < Evaluate(problem, best.plan))
      best = solution;
  }
  return best;
}

}  // namespace tvm_tiny::planner
