#include "hill_climb.h"

#include <algorithm>
#include <random>
#include <utility>

#include "algorithms.h"
#include "bound.h"
#include "objective.h"

namespace tvm_tiny::planner {

namespace {

// As many as microTVM's.
constexpr int kAttempts = 500;
constexpr uint64_t kSeed = 0;

class Climber {
 public:
  Climber(const Problem &problem, const Conflicts &conflicts, Order order, uint64_t seed)
      : problem_(problem), conflicts_(conflicts), order_(std::move(order)), position_(order_.size()), random_(seed) {
    for (size_t index = 0; index < order_.size(); ++index)
      position_[order_[index]] = index;
    plan_ = best_plan_ = PlaceInOrder(problem_, conflicts_, order_);
    value_ = best_ = Evaluate(problem_, plan_);
  }

  Plan Run(int attempts, int64_t target) {
    for (int attempt = 1; attempt <= attempts; ++attempt) {
      if (best_.nowhere == 0 && best_.cost == 0 && best_.preference == 0 && best_.Total() <= target)
        break;
      const auto [a, b] = Exchange();
      if (a == b)
        continue;
      Swap(a, b);
      Plan plan = PlaceInOrder(problem_, conflicts_, order_);
      Value value = Evaluate(problem_, plan);
      if (value < best_) {
        best_ = value;
        best_plan_ = plan;
      }
      if (value < value_ || Forgive(value, attempt)) {
        value_ = std::move(value);
        plan_ = std::move(plan);
      } else {
        Swap(a, b);
      }
    }
    return best_plan_;
  }

 private:
  size_t Random(size_t count) { return static_cast<size_t>(random_() % count); }

  void Swap(size_t a, size_t b) {
    std::swap(order_[position_[a]], order_[position_[b]]);
    std::swap(position_[a], position_[b]);
  }

  // Two buffers that shall change places; the same one twice if this time there are none.
  std::pair<size_t, size_t> Exchange() {
    std::vector<size_t> highest;
    for (size_t index : order_) {
      const Place &place = plan_[index];
      const int64_t end = place.offset + problem_.buffers[index].size;
      if (place.pool == Place::kNowhere || end == value_.sizes[static_cast<size_t>(place.pool)])
        highest.push_back(index);
    }
    if (highest.empty())
      return {0, 0};
    const size_t top = highest[Random(highest.size())];
    std::vector<size_t> near;
    std::vector<size_t> far;
    for (const Conflict &conflict : conflicts_[top]) {
      if (position_[conflict.other] < position_[top])
        near.push_back(conflict.other);
      for (const Conflict &second : conflicts_[conflict.other]) {
        if (position_[second.other] < position_[conflict.other])
          far.push_back(second.other);
      }
    }
    if (near.empty())
      return {top, top};
    const size_t a = near[Random(near.size())];
    // Sometimes the top itself comes earlier.
    if (Random(8) == 0)
      return {a, top};
    const bool go_far = !far.empty() && Random(4) != 0;
    return {a, go_far ? far[Random(far.size())] : near[Random(near.size())]};
  }

  bool Forgive(const Value &value, int attempt) {
    if (value.nowhere > value_.nowhere)
      return false;
    const int64_t worse = value.Total() - value_.Total();
    const int64_t total = std::max(value.Total(), int64_t{1});
    // Half of all that are hardly worse in the beginning.
    const double chance = 0.5 * (1.0 - static_cast<double>(worse) / static_cast<double>(total)) / attempt;
    return static_cast<double>(Random(1000)) < 1000.0 * chance;
  }

  const Problem &problem_;
  const Conflicts &conflicts_;
  Order order_;
  std::vector<size_t> position_;  // of each buffer in `order_`
  std::mt19937_64 random_;
  Plan plan_;
  Value value_;
  Plan best_plan_;
  Value best_;
};

}  // namespace

Plan Climb(const Problem &problem, const Conflicts &conflicts, Order order, int attempts, uint64_t seed,
           int64_t target) {
  return Climber(problem, conflicts, std::move(order), seed).Run(attempts, target);
}

Solution HillClimb(const Problem &problem, int64_t) {
  const Conflicts conflicts = FindConflicts(problem);
  const int64_t bound = LowerBound(problem, conflicts);
  Plan plan = Climb(problem, conflicts, BySize(problem), kAttempts, kSeed, bound);
  const bool optimal = ProvenBy(problem, plan, bound);
  return {std::move(plan), optimal, bound};
}

}  // namespace tvm_tiny::planner
