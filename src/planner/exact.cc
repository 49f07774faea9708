#include "algorithms.h"
#include "assign.h"
#include "bound.h"
#include "objective.h"
#include "pack.h"

namespace tvm_tiny::planner {

namespace {

Solution BestOfOthers(const Problem &problem, int64_t effort) {
  Solution best = GreedyBySize(problem, effort);
  for (const Algorithm algorithm : {GreedyByConflicts, HillClimb}) {
    if (best.optimal)
      break;
    Solution solution = algorithm(problem, effort);
    if (Evaluate(problem, solution.plan) < Evaluate(problem, best.plan))
      best = solution;
  }
  return best;
}

// Makes each pool for itself as small as possible; what lies in which pool stays.
void PackPools(const Problem &problem, int64_t effort, Solution *solution) {
  const int64_t pools = static_cast<int64_t>(problem.pools.size());
  bool is_proven = AllInBestPools(problem, solution->plan);
  for (size_t pool = 0; pool < problem.pools.size(); ++pool) {
    std::vector<size_t> members;
    Plan start;
    for (size_t index = 0; index < problem.buffers.size(); ++index) {
      if (solution->plan[index].pool == static_cast<int64_t>(pool)) {
        members.push_back(index);
        start.push_back({0, solution->plan[index].offset});
      }
    }
    if (members.empty())
      continue;
    int64_t left = effort / pools;
    const Packed packed = Pack(OnePool(problem, members, pool), start, &left);
    for (size_t position = 0; position < members.size(); ++position)
      solution->plan[members[position]].offset = packed.offsets[position];
    is_proven = is_proven && packed.size == packed.bound;
    if (pools == 1 && members.size() == problem.buffers.size())
      solution->bound = packed.bound;
  }
  solution->optimal = is_proven;
}

}  // namespace

Solution Exact(const Problem &problem, int64_t effort) {
  Solution solution = BestOfOthers(problem, effort);
  if (solution.optimal)
    return solution;
  if (!AllInBestPools(problem, solution.plan)) {
    effort /= 2;
    Plan plan = Assign(problem, effort);
    if (Evaluate(problem, plan) < Evaluate(problem, solution.plan))
      solution.plan = std::move(plan);
  }
  PackPools(problem, effort, &solution);
  return solution;
}

}  // namespace tvm_tiny::planner
