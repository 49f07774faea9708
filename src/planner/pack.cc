// Between the largest height that is known to be too small and the smallest that is known to be enough, the search of
// search.h is asked about one height after another. The height of the bound comes first: real networks mostly reach it,
// and then the proof is complete. Where the search does not know, a height nearer to the known plan comes next, with
// a larger share of the effort.
#include "pack.h"

#include <algorithm>

#include "bound.h"
#include "hill_climb.h"
#include "objective.h"
#include "search.h"

namespace tvm_tiny::planner {

namespace {

constexpr int64_t kFirstSearch = 10000;
constexpr int64_t kSeeds = 4;
constexpr int64_t kAttempts = 500;  // at most, of each climb

class Packer {
 public:
  // A plan of `enough` bytes is not made smaller.
  Packer(const Problem &problem, int64_t enough, int64_t *effort)
      : problem_(problem),
        conflicts_(FindConflicts(problem)),
        capacity_(problem.pools[0].capacity),
        enough_(enough),
        effort_(effort),
        packed_{false, {}, 0, LowerBound(problem, conflicts_)} {}

  Packed Run(const Plan &start) {
    if (!start.empty())
      Offer(start);
    Improve();
    RaiseBound();
    Narrow();
    return packed_;
  }

 private:
  // The smallest height above `height` at which some buffer can end, and the largest below it.
  int64_t Above(int64_t height) const {
    int64_t next = std::numeric_limits<int64_t>::max();
    for (const Buffer &buffer : problem_.buffers)
      next = std::min(next, AlignUp(height + 1 - buffer.size, buffer.alignment) + buffer.size);
    return next;
  }

  int64_t Below(int64_t height) const {
    int64_t next = 0;
    for (const Buffer &buffer : problem_.buffers)
      next = std::max(next, AlignDown(height - 1 - buffer.size, buffer.alignment) + buffer.size);
    return next;
  }

  bool IsDone() const {
    return packed_.bound > capacity_ || (packed_.fits && packed_.size <= std::max(packed_.bound, enough_));
  }

  // The largest height that is worth a question.
  int64_t Largest() const { return packed_.fits ? Below(packed_.size) : capacity_; }

  void Offer(const Plan &plan) {
    int64_t size = 0;
    for (size_t index = 0; index < plan.size(); ++index) {
      if (plan[index].pool == Place::kNowhere)
        return;
      size = std::max(size, plan[index].offset + problem_.buffers[index].size);
    }
    if (packed_.fits && size >= packed_.size)
      return;
    packed_.fits = true;
    packed_.size = size;
    packed_.offsets.clear();
    for (const Place &place : plan)
      packed_.offsets.push_back(place.offset);
  }

  void Improve() {
    const Order by_size = BySize(problem_);
    const Order by_conflicts = ByConflicts(problem_, conflicts_);
    // A placement looks at each conflict from both sides, and sorts.
    int64_t step = 1;
    for (const std::vector<Conflict> &row : conflicts_)
      step += 2 * static_cast<int64_t>(row.size()) + 8;
    const int attempts = static_cast<int>(std::min(*effort_ / kSeeds / 4 / step, kAttempts));
    for (int64_t seed = 0; seed < kSeeds && !IsDone(); ++seed) {
      const Order &order = seed % 2 == 0 ? by_size : by_conflicts;
      Offer(
          Climb(problem_, conflicts_, order, attempts, static_cast<uint64_t>(seed), std::max(packed_.bound, enough_)));
      *effort_ -= step * attempts;
    }
  }

  // By bisection, to the lowest height at which the rules alone do not exclude a plan.
  void RaiseBound() {
    if (IsDone() || MayFit(problem_, conflicts_, packed_.bound, effort_))
      return;
    int64_t impossible = packed_.bound;
    int64_t possible = Largest();
    if (possible == Pool::kUnlimited)
      return;
    if (!MayFit(problem_, conflicts_, possible, effort_))
      impossible = possible;
    while (possible - impossible > 1) {
      const int64_t middle = impossible + (possible - impossible) / 2;
      (MayFit(problem_, conflicts_, middle, effort_) ? possible : impossible) = middle;
    }
    packed_.bound = Above(impossible);
  }

  void Narrow() {
    // The height asked for lies `share` / kShares of the way from the bound to the known plan.
    constexpr int64_t kShares = 4;
    // Where any plan will do, there is but one question.
    int64_t share = enough_ > 0 ? kShares : 0;
    while (!IsDone() && *effort_ > 0 && share <= kShares) {
      const int64_t largest = Largest();
      if (largest == Pool::kUnlimited)
        return;
      const int64_t height = packed_.bound + (largest - packed_.bound) / kShares * share;
      const int64_t asked = share == kShares ? largest : height;
      const Answer answer = Ask(asked, share == kShares ? *effort_ : *effort_ / 3);
      if (answer == Answer::kNo)
        packed_.bound = Above(asked);
      else if (answer == Answer::kUnknown)
        ++share;
    }
  }

  // Several searches, each one longer than the one before.
  Answer Ask(int64_t height, int64_t effort) {
    int64_t budget = kFirstSearch + effort / 64;
    for (uint64_t seed = 0; effort > 0; ++seed) {
      int64_t left = std::min(budget, effort);
      const int64_t before = left;
      const Found found = Fit(problem_, conflicts_, height, seed, &left);
      effort -= before - left;
      *effort_ -= before - left;
      if (found.answer == Answer::kYes) {
        Plan plan;
        for (int64_t offset : found.offsets)
          plan.push_back({0, offset});
        Offer(plan);
      }
      if (found.answer != Answer::kUnknown)
        return found.answer;
      budget *= 2;
    }
    return Answer::kUnknown;
  }

  const Problem &problem_;
  const Conflicts conflicts_;
  const int64_t capacity_;
  const int64_t enough_;
  int64_t *effort_;
  Packed packed_;
};

}  // namespace

Problem OnePool(const Problem &problem, const std::vector<size_t> &members, size_t pool) {
  Problem part;
  part.pools.push_back(problem.pools[pool]);
  constexpr size_t kAbsent = std::numeric_limits<size_t>::max();
  std::vector<size_t> position(problem.buffers.size(), kAbsent);
  for (size_t index : members) {
    position[index] = part.buffers.size();
    part.buffers.push_back(problem.buffers[index]);
    part.buffers.back().pools = {0};
  }
  for (Relaxed relaxed : problem.relaxed) {
    relaxed.output = position[relaxed.output];
    relaxed.input = position[relaxed.input];
    if (relaxed.output != kAbsent && relaxed.input != kAbsent)
      part.relaxed.push_back(relaxed);
  }
  return part;
}

Packed Pack(const Problem &problem, const Plan &start, int64_t *effort) {
  return Packer(problem, 0, effort).Run(start);
}

Packed PackSomehow(const Problem &problem, int64_t *effort) {
  return Packer(problem, problem.pools[0].capacity, effort).Run({});
}

}  // namespace tvm_tiny::planner
