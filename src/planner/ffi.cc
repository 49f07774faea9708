// The planner as TVM global functions: "tvm_tiny.planner.plan" and "tvm_tiny.planner.algorithms".
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/reflection/registry.h>
#include <tvm/ffi/string.h>

#include "algorithms.h"

namespace tvm_tiny::planner {

namespace {

namespace ffi = tvm::ffi;
using Row = ffi::Array<int64_t>;

// A row is (size, first, last, alignment, allowed pools ...).
constexpr size_t kFixedColumns = 4;

Buffer BufferFromRow(const Row &row, size_t number_of_pools) {
  if (row.size() < kFixedColumns) {
    TVM_FFI_THROW(ValueError) << "a buffer needs size, first, last and alignment: got " << row.size() << " numbers";
  }
  Buffer buffer{row[0], row[1], row[2], row[3], {}};
  if (buffer.size < 0 || buffer.first > buffer.last || buffer.alignment < 1) {
    TVM_FFI_THROW(ValueError) << "a buffer needs size >= 0, first <= last and alignment >= 1: got size " << buffer.size
                              << ", first " << buffer.first << ", last " << buffer.last << ", alignment "
                              << buffer.alignment;
  }
  for (size_t column = kFixedColumns; column < row.size(); ++column) {
    const int64_t pool = row[static_cast<int64_t>(column)];
    if (pool < 0 || static_cast<size_t>(pool) >= number_of_pools) {
      TVM_FFI_THROW(ValueError) << "pool " << pool << " does not exist: there are " << number_of_pools;
    }
    buffer.pools.push_back(static_cast<size_t>(pool));
  }
  return buffer;
}

// `capacities` has the bytes of each pool, -1 for one without limit. Returns (pool, offset) for each buffer.
ffi::Array<Row> MakePlan(const ffi::String &algorithm, const ffi::Array<Row> &buffers, const Row &capacities) {
  const Algorithm run = FindAlgorithm(algorithm);
  if (run == nullptr)
    TVM_FFI_THROW(ValueError) << "no algorithm is called " << algorithm;

  Problem problem;
  for (int64_t capacity : capacities)
    problem.pools.push_back({capacity < 0 ? Pool::kUnlimited : capacity});
  for (const Row &row : buffers)
    problem.buffers.push_back(BufferFromRow(row, problem.pools.size()));

  ffi::Array<Row> places;
  for (const Place &place : run(problem))
    places.push_back(Row{place.pool, place.offset});
  return places;
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
