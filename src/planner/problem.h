// The placement problem: buffers that are alive for a while, pools of memory that hold them.
//
// Every algorithm is a function from a Problem to a Solution. It knows neither tensors nor layers nor Python.
#ifndef TVM_TINY_PLANNER_PROBLEM_H_
#define TVM_TINY_PLANNER_PROBLEM_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace tvm_tiny::planner {

// `size` bytes that hold something from step `first` to step `last` of the execution, both included.
struct Buffer {
  static constexpr int64_t kAnywhere = -1;
  int64_t size;
  int64_t first;
  int64_t last;
  int64_t alignment;
  int64_t pinned;             // the offset that the user has fixed, or kAnywhere
  std::vector<size_t> pools;  // indices of the pools that may hold it, the preferred one first; never empty
};

struct Pool {
  static constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();
  int64_t capacity;
  int64_t cost;  // of one byte for one step
};

// A pair that may share bytes although both are alive: in one pool, the first byte of `output` lies at least `before`
// bytes before that of `input`, or at least `after` bytes behind it, or, if `same`, exactly on it. Sharing no byte is
// always allowed, and so is lying in different pools.
struct Relaxed {
  size_t output;
  size_t input;
  int64_t before;
  int64_t after;
  bool same;
};

struct Problem {
  std::vector<Buffer> buffers;
  std::vector<Pool> pools;
  std::vector<Relaxed> relaxed;
};

struct Place {
  static constexpr int64_t kNowhere = -1;
  int64_t pool;  // kNowhere: no allowed pool has room
  int64_t offset;
};

// One place for each buffer, in the order of Problem::buffers.
using Plan = std::vector<Place>;

struct Solution {
  Plan plan;
  bool optimal;   // no plan is better: see objective.h
  int64_t bound;  // the pools that hold all buffers have at least this many bytes together
};

// `effort` limits the work of algorithms that could go on for long, in elementary steps, so that a result does not
// depend on the machine or its load.
using Algorithm = Solution (*)(const Problem &, int64_t effort);

}  // namespace tvm_tiny::planner

#endif  // TVM_TINY_PLANNER_PROBLEM_H_
