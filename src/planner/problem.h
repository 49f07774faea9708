// The placement problem: buffers that are alive for a while, pools of memory that hold them.
//
// Every algorithm is a function from a Problem to a Plan. It knows neither tensors nor layers nor Python.
#ifndef TVM_TINY_PLANNER_PROBLEM_H_
#define TVM_TINY_PLANNER_PROBLEM_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace tvm_tiny::planner {

// `size` bytes that hold something from step `first` to step `last` of the execution, both included.
struct Buffer {
  int64_t size;
  int64_t first;
  int64_t last;
  int64_t alignment;
  std::vector<size_t>
      pools;  // indices of the pools that may hold it, the preferred one first; empty: any, in their order
};

struct Pool {
  static constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();
  int64_t capacity;
};

struct Problem {
  std::vector<Buffer> buffers;
  std::vector<Pool> pools;
};

struct Place {
  static constexpr int64_t kNowhere = -1;
  int64_t pool;  // kNowhere: no allowed pool has room
  int64_t offset;
};

// One place for each buffer, in the order of Problem::buffers.
using Plan = std::vector<Place>;

using Algorithm = Plan (*)(const Problem &);

}  // namespace tvm_tiny::planner

#endif  // TVM_TINY_PLANNER_PROBLEM_H_
