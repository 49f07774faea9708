// The planner as TVM global functions: "tvm_tiny.planner.plan" and "tvm_tiny.planner.algorithms".
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/reflection/registry.h>
#include <tvm/ffi/string.h>

#include <numeric>

#include "algorithms.h"

namespace tvm_tiny::planner {

namespace {

namespace ffi = tvm::ffi;
using Row = ffi::Array<int64_t>;

// A row is (size, first, last, alignment, pinned offset or -1, allowed pools ...); without pools all are allowed.
constexpr size_t kFixedColumns = 5;

Buffer BufferFromRow(const Row &row, size_t number_of_pools) {
  if (row.size() < kFixedColumns) {
    TVM_FFI_THROW(ValueError) << "a buffer needs size, first, last, alignment and pinned offset: got " << row.size()
                              << " numbers";
  }
  Buffer buffer{row[0], row[1], row[2], row[3], row[4], {}};
  if (buffer.size < 0 || buffer.first > buffer.last || buffer.alignment < 1) {
    TVM_FFI_THROW(ValueError) << "a buffer needs size >= 0, first <= last and alignment >= 1: got size " << buffer.size
                              << ", first " << buffer.first << ", last " << buffer.last << ", alignment "
                              << buffer.alignment;
  }
  if (buffer.pinned < Buffer::kAnywhere || (buffer.pinned > 0 && buffer.pinned % buffer.alignment != 0)) {
    TVM_FFI_THROW(ValueError) << "a buffer of alignment " << buffer.alignment << " cannot be pinned to offset "
                              << buffer.pinned;
  }
  for (size_t column = kFixedColumns; column < row.size(); ++column) {
    const int64_t pool = row[static_cast<int64_t>(column)];
    if (pool < 0 || static_cast<size_t>(pool) >= number_of_pools) {
      TVM_FFI_THROW(ValueError) << "pool " << pool << " does not exist: there are " << number_of_pools;
    }
    buffer.pools.push_back(static_cast<size_t>(pool));
  }
  if (buffer.pools.empty()) {
    buffer.pools.resize(number_of_pools);
    std::iota(buffer.pools.begin(), buffer.pools.end(), size_t{0});
  }
  return buffer;
}

// A row is (output, input, before, after, same).
Relaxed RelaxedFromRow(const Row &row, size_t number_of_buffers) {
  if (row.size() != 5)
    TVM_FFI_THROW(ValueError) << "a relaxed pair needs output, input, before, after and same: got " << row.size()
                              << " numbers";
  const int64_t count = static_cast<int64_t>(number_of_buffers);
  if (row[0] < 0 || row[0] >= count || row[1] < 0 || row[1] >= count || row[0] == row[1])
    TVM_FFI_THROW(ValueError) << "a relaxed pair needs two of the " << count << " buffers: got " << row[0] << " and "
                              << row[1];
  return {static_cast<size_t>(row[0]), static_cast<size_t>(row[1]), row[2], row[3], row[4] != 0};
}

// A row of `pools` is (bytes or -1 for one without limit, cost). Returns (pool, offset) for each buffer, and in a last
// row (optimal, bound).
ffi::Array<Row> MakePlan(const ffi::String &algorithm, const ffi::Array<Row> &buffers, const ffi::Array<Row> &pools,
                         const ffi::Array<Row> &relaxed, int64_t effort) {
  const Algorithm run = FindAlgorithm(algorithm);
  if (run == nullptr)
    TVM_FFI_THROW(ValueError) << "no algorithm is called " << algorithm;

  Problem problem;
  for (const Row &row : pools) {
    if (row.size() != 2 || row[1] < 0)
      TVM_FFI_THROW(ValueError) << "a pool needs its capacity and a cost >= 0";
    problem.pools.push_back({row[0] < 0 ? Pool::kUnlimited : row[0], row[1]});
  }
  if (problem.pools.empty())
    TVM_FFI_THROW(ValueError) << "a plan needs at least one pool";
  for (const Row &row : buffers)
    problem.buffers.push_back(BufferFromRow(row, problem.pools.size()));
  for (const Row &row : relaxed)
    problem.relaxed.push_back(RelaxedFromRow(row, problem.buffers.size()));

  const Solution solution = run(problem, effort);
  ffi::Array<Row> rows;
  for (const Place &place : solution.plan)
    rows.push_back(Row{place.pool, place.offset});
  rows.push_back(Row{solution.optimal ? 1 : 0, solution.bound});
  return rows;
}

ffi::Array<ffi::String> Algorithms() {
  ffi::Array<ffi::String> names;
  for (const std::string &name : AlgorithmNames())
    names.push_back(name);
  return names;
}

TVM_FFI_STATIC_INIT_BLOCK() {
  ffi::reflection::GlobalDef().def("tvm_tiny.planner.plan", MakePlan).def("tvm_tiny.planner.algorithms", Algorithms);
}

}  // namespace

}  // namespace tvm_tiny::planner
