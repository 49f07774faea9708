#include "assign.h"

#include <algorithm>
#include <tuple>

#include "bound.h"
#include "objective.h"
#include "pack.h"

namespace tvm_tiny::planner {

namespace {

// Attempts to bring a buffer back. A quarter of the effort is theirs, half of it of the first question to each pool.
constexpr int kAttempts = 200;
// Each buffer that moves away from a pool asks again whether the rest fits.
constexpr int64_t kSettlings = 64;

class Assigner {
 public:
  Assigner(const Problem &problem, int64_t effort)
      : problem_(problem),
        effort_(effort),
        choice_(problem.buffers.size(), 0),
        offset_(problem.buffers.size(), 0),
        is_settled_(problem.pools.size(), false) {
    for (const Buffer &buffer : problem.buffers) {
      std::vector<size_t> positions(buffer.pools.size());
      for (size_t position = 0; position < positions.size(); ++position)
        positions[position] = position;
      std::stable_sort(positions.begin(), positions.end(), [&](size_t a, size_t b) {
        return problem.pools[buffer.pools[a]].cost < problem.pools[buffer.pools[b]].cost;
      });
      options_.push_back(std::move(positions));
    }
  }

  Plan Run() {
    for (;;) {
      const auto unsettled = std::find(is_settled_.begin(), is_settled_.end(), false);
      if (unsettled == is_settled_.end())
        break;
      Settle(static_cast<size_t>(unsettled - is_settled_.begin()));
    }
    BringBack();
    return MakePlan();
  }

 private:
  bool IsNowhere(size_t index) const { return choice_[index] == options_[index].size(); }

  size_t PoolOf(size_t index, size_t choice) const { return problem_.buffers[index].pools[options_[index][choice]]; }

  std::vector<size_t> Members(size_t pool) const {
    std::vector<size_t> members;
    for (size_t index = 0; index < choice_.size(); ++index) {
      if (!IsNowhere(index) && PoolOf(index, choice_[index]) == pool)
        members.push_back(index);
    }
    return members;
  }

  bool TryPack(size_t pool, int64_t effort) {
    const std::vector<size_t> members = Members(pool);
    const Packed packed = PackSomehow(OnePool(problem_, members, pool), &effort);
    for (size_t position = 0; position < members.size() && packed.fits; ++position)
      offset_[members[position]] = packed.offsets[position];
    return packed.fits;
  }

  // Moves buffers away until the rest fits.
  void Settle(size_t pool) {
    int64_t effort = effort_ / 2 / static_cast<int64_t>(problem_.pools.size());
    while (!TryPack(pool, effort)) {
      effort = effort_ / 4 / kSettlings;
      const size_t index = WorthMoving(pool);
      ++choice_[index];
      if (!IsNowhere(index))
        is_settled_[PoolOf(index, choice_[index])] = false;
    }
    is_settled_[pool] = true;
  }

  // What a buffer costs with a choice: to be compared as in objective.h.
  std::tuple<int64_t, int64_t, int64_t> Price(size_t index, size_t choice) const {
    const Buffer &buffer = problem_.buffers[index];
    if (choice == options_[index].size())
      return {buffer.size, 0, 0};
    const size_t position = options_[index][choice];
    return {0, CostIn(problem_, buffer, position), PreferenceIn(buffer, position)};
  }

  // Relief of the sets alive that are too large, for the price of the next choice.
  size_t WorthMoving(size_t pool) const {
    const std::vector<size_t> members = Members(pool);
    for (size_t index : members) {
      if (problem_.buffers[index].pinned > problem_.pools[pool].capacity - problem_.buffers[index].size)
        return index;
    }
    const Problem part = OnePool(problem_, members, pool);
    const auto sets = LargestSetsAlive(part);
    std::vector<int64_t> loads;
    for (const std::vector<size_t> &set : sets) {
      loads.push_back(0);
      for (size_t position : set)
        loads.back() += part.buffers[position].size;
    }
    // Where everything would fit but for gaps, the fullest sets are what is too large.
    const int64_t fullest = loads.empty() ? 0 : *std::max_element(loads.begin(), loads.end());
    const int64_t room = std::min(problem_.pools[pool].capacity, fullest - 1);
    std::vector<int64_t> relief(members.size(), 0);
    for (size_t number = 0; number < sets.size(); ++number) {
      for (size_t position : sets[number])
        relief[position] += std::clamp(loads[number] - room, int64_t{0}, part.buffers[position].size);
    }
    size_t best = members[0];
    double best_worth = -1;
    for (size_t position = 0; position < members.size(); ++position) {
      const size_t index = members[position];
      const auto [nowhere, cost, preference] = Price(index, choice_[index] + 1);
      const auto [nowhere_now, cost_now, preference_now] = Price(index, choice_[index]);
      // A byte without a place is dearer than any pool, a pool that costs more dearer than one that is only less liked.
      const double price = 1e18 * static_cast<double>(nowhere - nowhere_now) +
                           1e6 * static_cast<double>(cost - cost_now) +
                           static_cast<double>(preference - preference_now);
      const double worth = static_cast<double>(relief[position]) / std::max(price, 1.0);
      if (worth > best_worth) {
        best_worth = worth;
        best = index;
      }
    }
    return best;
  }

  void BringBack() {
    std::vector<size_t> moved;
    for (size_t index = 0; index < choice_.size(); ++index) {
      if (choice_[index] > 0)
        moved.push_back(index);
    }
    std::stable_sort(moved.begin(), moved.end(),
                     [&](size_t a, size_t b) { return Price(a, choice_[a]) > Price(b, choice_[b]); });
    int attempts = kAttempts;
    for (const bool exchange : {false, true}) {
      for (size_t index : moved) {
        for (size_t choice = 0; choice < choice_[index] && attempts > 0; ++choice) {
          if (exchange ? TryExchange(index, choice, &attempts) : TryMove(index, choice, &attempts))
            break;
        }
      }
    }
  }

  bool TryMove(size_t index, size_t choice, int *attempts) {
    const size_t before = choice_[index];
    choice_[index] = choice;
    --*attempts;
    if (TryPack(PoolOf(index, choice), effort_ / 4 / kAttempts))
      return true;
    choice_[index] = before;
    return false;
  }

  // `index` comes into a better pool, another buffer leaves it for its next choice, at a profit.
  bool TryExchange(size_t index, size_t choice, int *attempts) {
    const size_t pool = PoolOf(index, choice);
    for (size_t other : Members(pool)) {
      if (*attempts <= 0)
        return false;
      const Buffer &a = problem_.buffers[index];
      const Buffer &b = problem_.buffers[other];
      if (a.last < b.first || b.last < a.first)
        continue;
      const auto before = Sum(Price(index, choice_[index]), Price(other, choice_[other]));
      const auto after = Sum(Price(index, choice), Price(other, choice_[other] + 1));
      if (after >= before)
        continue;
      const std::vector<size_t> choices = choice_;
      const std::vector<int64_t> offsets = offset_;
      choice_[index] = choice;
      ++choice_[other];
      --*attempts;
      const int64_t effort = effort_ / 4 / kAttempts;
      if (TryPack(pool, effort) && (IsNowhere(other) || TryPack(PoolOf(other, choice_[other]), effort)))
        return true;
      choice_ = choices;
      offset_ = offsets;
    }
    return false;
  }

  static std::tuple<int64_t, int64_t, int64_t> Sum(const std::tuple<int64_t, int64_t, int64_t> &a,
                                                   const std::tuple<int64_t, int64_t, int64_t> &b) {
    return {std::get<0>(a) + std::get<0>(b), std::get<1>(a) + std::get<1>(b), std::get<2>(a) + std::get<2>(b)};
  }

  Plan MakePlan() const {
    Plan plan;
    for (size_t index = 0; index < choice_.size(); ++index) {
      if (IsNowhere(index))
        plan.push_back({Place::kNowhere, 0});
      else
        plan.push_back({static_cast<int64_t>(PoolOf(index, choice_[index])), offset_[index]});
    }
    return plan;
  }

  const Problem &problem_;
  const int64_t effort_;
  std::vector<std::vector<size_t>> options_;  // of each buffer, positions in its list of pools, the best first
  std::vector<size_t> choice_;                // position in `options_`; behind its end: nowhere
  std::vector<int64_t> offset_;
  std::vector<bool> is_settled_;  // of each pool
};

}  // namespace

Plan Assign(const Problem &problem, int64_t effort) {
  return Assigner(problem, effort).Run();
}

}  // namespace tvm_tiny::planner
