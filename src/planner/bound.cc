#include "bound.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "objective.h"

namespace tvm_tiny::planner {

namespace {

// The pairs of a larger group have too many combinations; the bound of a part is a bound of all.
constexpr size_t kLargestGroup = 4;

// A pair of buffers by their positions in a group: offset of `second` - offset of `first` is at most -`below`, or at
// least `above`, or 0 if `same`.
struct Pair {
  size_t first;
  size_t second;
  int64_t below;
  int64_t above;
  bool same;
};

// offset of `to` >= offset of `from` + `distance`.
struct Arc {
  size_t from;
  size_t to;
  int64_t distance;
};

// The height of the lowest stack in which all arcs hold; the largest number if they contradict each other.
int64_t Height(const std::vector<int64_t> &sizes, const std::vector<Arc> &arcs) {
  std::vector<int64_t> offsets(sizes.size(), 0);
  bool changed = true;
  for (size_t round = 0; changed; ++round) {
    if (round > sizes.size())
      return std::numeric_limits<int64_t>::max();
    changed = false;
    for (const Arc &arc : arcs) {
      if (offsets[arc.to] < offsets[arc.from] + arc.distance) {
        offsets[arc.to] = offsets[arc.from] + arc.distance;
        changed = true;
      }
    }
  }
  int64_t height = 0;
  for (size_t index = 0; index < sizes.size(); ++index)
    height = std::max(height, offsets[index] + sizes[index]);
  return height;
}

// The smallest height over all ways to decide pairs[next ...], with those before decided by `arcs`.
int64_t SmallestHeight(const std::vector<int64_t> &sizes, const std::vector<Pair> &pairs, size_t next,
                       std::vector<Arc> *arcs) {
  if (next == pairs.size())
    return Height(sizes, *arcs);
  const Pair &pair = pairs[next];
  const Arc above{pair.first, pair.second, pair.above};
  const Arc below{pair.second, pair.first, pair.below};
  std::vector<std::vector<Arc>> choices{{above}, {below}};
  if (pair.same)
    choices.push_back({{pair.first, pair.second, 0}, {pair.second, pair.first, 0}});
  int64_t smallest = std::numeric_limits<int64_t>::max();
  for (const std::vector<Arc> &choice : choices) {
    arcs->insert(arcs->end(), choice.begin(), choice.end());
    smallest = std::min(smallest, SmallestHeight(sizes, pairs, next + 1, arcs));
    arcs->resize(arcs->size() - choice.size());
  }
  return smallest;
}

// What the buffers of one set alive cover at least, in bytes; alignment is taken into account by counting each buffer
// in whole steps of `grain`, which divides all their alignments.
class Cover {
 public:
  Cover(const Problem &problem, const Conflicts &conflicts, int64_t grain)
      : problem_(problem), conflicts_(conflicts), grain_(grain) {}

  int64_t Of(const std::vector<size_t> &set) const {
    // Groups: buffers connected by pairs that may share bytes.
    std::vector<bool> is_grouped(set.size(), false);
    int64_t covered = 0;
    for (size_t begin = 0; begin < set.size(); ++begin) {
      if (is_grouped[begin])
        continue;
      is_grouped[begin] = true;
      std::vector<size_t> group{set[begin]};
      for (size_t done = 0; done < group.size(); ++done) {
        for (size_t next = begin + 1; next < set.size(); ++next) {
          if (!is_grouped[next] && !Apart(group[done], set[next])) {
            is_grouped[next] = true;
            group.push_back(set[next]);
          }
        }
      }
      covered += OfGroup(std::move(group));
    }
    return covered;
  }

  // What the topmost buffer of a plan may cover less than its whole steps.
  int64_t Slack(const std::vector<size_t> &set) const {
    int64_t slack = 0;
    for (size_t index : set)
      slack = std::max(slack, Size(index) - problem_.buffers[index].size);
    return slack;
  }

 private:
  int64_t Size(size_t index) const { return AlignUp(problem_.buffers[index].size, grain_); }

  const Conflict *Between(size_t a, size_t b) const {
    const std::vector<Conflict> &row = conflicts_[a];
    const auto found = std::lower_bound(row.begin(), row.end(), b,
                                        [](const Conflict &conflict, size_t other) { return conflict.other < other; });
    return found != row.end() && found->other == b ? &*found : nullptr;
  }

  bool Apart(size_t a, size_t b) const {
    const Conflict *conflict = Between(a, b);
    return conflict != nullptr && !conflict->same && conflict->below >= Size(a) && conflict->above >= Size(b);
  }

  int64_t OfGroup(std::vector<size_t> group) const {
    std::sort(group.begin(), group.end(),
              [&](size_t a, size_t b) { return Size(a) != Size(b) ? Size(a) > Size(b) : a < b; });
    if (group.size() > kLargestGroup)
      group.resize(kLargestGroup);
    std::vector<int64_t> sizes;
    for (size_t index : group)
      sizes.push_back(Size(index));
    std::vector<Pair> pairs;
    for (size_t a = 0; a < group.size(); ++a) {
      for (size_t b = a + 1; b < group.size(); ++b) {
        // Seen from b: nothing else lies between the members of a group that covers least, so sizes are far enough.
        if (const Conflict *conflict = Between(group[b], group[a]))
          pairs.push_back(
              {a, b, std::min(conflict->below, sizes[b]), std::min(conflict->above, sizes[a]), conflict->same});
      }
    }
    std::vector<Arc> arcs;
    return SmallestHeight(sizes, pairs, 0, &arcs);
  }

  const Problem &problem_;
  const Conflicts &conflicts_;
  const int64_t grain_;
};

}  // namespace

std::vector<std::vector<size_t>> LargestSetsAlive(const Problem &problem) {
  std::map<int64_t, std::vector<size_t>> beginning;
  for (size_t index = 0; index < problem.buffers.size(); ++index) {
    if (problem.buffers[index].size > 0)
      beginning[problem.buffers[index].first].push_back(index);
  }
  std::vector<std::vector<size_t>> sets;
  std::vector<size_t> alive;
  for (auto step = beginning.begin(); step != beginning.end(); ++step) {
    alive.insert(alive.end(), step->second.begin(), step->second.end());
    const auto next = std::next(step);
    const auto ends = [&](size_t index) { return problem.buffers[index].last < next->first; };
    const bool is_largest = next == beginning.end() || std::any_of(alive.begin(), alive.end(), ends);
    if (!is_largest)
      continue;
    sets.push_back(alive);
    if (next != beginning.end())
      alive.erase(std::remove_if(alive.begin(), alive.end(), ends), alive.end());
  }
  return sets;
}

int64_t LowerBound(const Problem &problem, const Conflicts &conflicts) {
  int64_t bound = 0;
  for (const Buffer &buffer : problem.buffers)
    bound = std::max(bound, buffer.size + std::max(buffer.pinned, int64_t{0}));
  for (const std::vector<size_t> &set : LargestSetsAlive(problem)) {
    int64_t grain = 0;
    for (size_t index : set)
      grain = std::gcd(grain, problem.buffers[index].alignment);
    const Cover cover(problem, conflicts, grain);
    const int64_t pools = static_cast<int64_t>(problem.pools.size());
    bound = std::max(bound, cover.Of(set) - pools * cover.Slack(set));
  }
  return bound;
}

bool AllInBestPools(const Problem &problem, const Plan &plan) {
  for (size_t index = 0; index < plan.size(); ++index) {
    const std::vector<size_t> &pools = problem.buffers[index].pools;
    const int64_t cost = problem.pools[pools[0]].cost;
    if (plan[index].pool != static_cast<int64_t>(pools[0]) ||
        std::any_of(pools.begin(), pools.end(), [&](size_t pool) { return problem.pools[pool].cost < cost; }))
      return false;
  }
  return true;
}

bool ProvenBy(const Problem &problem, const Plan &plan, int64_t bound) {
  if (!AllInBestPools(problem, plan))
    return false;
  const Value value = Evaluate(problem, plan);
  const bool is_one_pool = value.Total() == *std::max_element(value.sizes.begin(), value.sizes.end());
  return is_one_pool && value.Total() == bound;
}

}  // namespace tvm_tiny::planner
