// The algorithms by the names that users give.
#ifndef TVM_TINY_PLANNER_ALGORITHMS_H_
#define TVM_TINY_PLANNER_ALGORITHMS_H_

#include <string>
#include <vector>

#include "problem.h"

namespace tvm_tiny::planner {

// The largest buffers first, each at the lowest offset that is free during its life; among equals the one that lives
// longer, then the one that begins earlier. After "Greedy by Size for Offset Calculation" of Pisarchyk and Lee,
// "Efficient Memory Management for Deep Neural Net Inference" (MLSys 2020 workshop), which takes the smallest gap
// instead of the lowest.
Solution GreedyBySize(const Problem &problem, int64_t effort);

// The same with the buffers that conflict with the most others first.
Solution GreedyByConflicts(const Problem &problem, int64_t effort);

// Greedy placement in an order that is changed a little again and again, as microTVM's planner of this name does it:
// see hill_climb.h.
Solution HillClimb(const Problem &problem, int64_t effort);

// The best of the others, made smaller by a search that ends with a proof where `effort` is enough: see exact.cc.
Solution Exact(const Problem &problem, int64_t effort);

std::vector<std::string> AlgorithmNames();

// nullptr: no algorithm has this name.
Algorithm FindAlgorithm(const std::string &name);

}  // namespace tvm_tiny::planner

#endif  // TVM_TINY_PLANNER_ALGORITHMS_H_
