#include "objective.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace tvm_tiny::planner {

namespace {

int64_t BytesTimesSteps(const Buffer &buffer) {
  return buffer.size * (buffer.last - buffer.first + 1);
}

}  // namespace

int64_t CostIn(const Problem &problem, const Buffer &buffer, size_t position) {
  return BytesTimesSteps(buffer) * problem.pools[buffer.pools[position]].cost;
}

int64_t PreferenceIn(const Buffer &buffer, size_t position) {
  return BytesTimesSteps(buffer) * static_cast<int64_t>(position);
}

int64_t Value::Total() const {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{0});
}

bool Value::operator<(const Value &other) const {
  return std::tie(nowhere, cost, preference, sizes) <
         std::tie(other.nowhere, other.cost, other.preference, other.sizes);
}

Value Evaluate(const Problem &problem, const Plan &plan) {
  Value value{0, 0, 0, std::vector<int64_t>(problem.pools.size(), 0)};
  for (size_t index = 0; index < plan.size(); ++index) {
    const Buffer &buffer = problem.buffers[index];
    const Place &place = plan[index];
    if (place.pool == Place::kNowhere) {
      value.nowhere += buffer.size;
      continue;
    }
    const size_t pool = static_cast<size_t>(place.pool);
    const auto found = std::find(buffer.pools.begin(), buffer.pools.end(), pool);
    const size_t position = static_cast<size_t>(found - buffer.pools.begin());
    value.cost += CostIn(problem, buffer, position);
    value.preference += PreferenceIn(buffer, position);
    value.sizes[pool] = std::max(value.sizes[pool], place.offset + buffer.size);
  }
  return value;
}

}  // namespace tvm_tiny::planner
