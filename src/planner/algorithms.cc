#include "algorithms.h"

namespace tvm_tiny::planner {

namespace {

struct Entry {
  const char *name;
  Algorithm algorithm;
};

constexpr Entry kAlgorithms[] = {
    {"exact", Exact},
    {"hill-climb", HillClimb},
    {"greedy-by-conflicts", GreedyByConflicts},
    {"greedy-by-size", GreedyBySize},
};

}  // namespace

std::vector<std::string> AlgorithmNames() {
  std::vector<std::string> names;
  for (const Entry &entry : kAlgorithms)
    names.emplace_back(entry.name);
  return names;
}

Algorithm FindAlgorithm(const std::string &name) {
  for (const Entry &entry : kAlgorithms) {
    if (name == entry.name)
      return entry.algorithm;
  }
  return nullptr;
}

}  // namespace tvm_tiny::planner
