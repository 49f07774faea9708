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
Plan GreedyBySize(const Problem &problem);

std::vector<std::string> AlgorithmNames();

// nullptr: no algorithm has this name.
Algorithm FindAlgorithm(const std::string &name);

}  // namespace tvm_tiny::planner

#endif  // TVM_TINY_PLANNER_ALGORITHMS_H_
