// The search places one buffer after another, each as low as those that are placed already allow.
//
// Why that finds a plan if there is one: take a plan with the smallest sum of offsets. No buffer in it can be moved to
// a lower offset, so each lies at 0 or rests on another one: the offset below it would break its distance to that one.
// Begin with nothing placed and take again and again, of all buffers that lie at 0 or rest on one that is placed, the
// one with the lowest offset (of equals, the one with the lowest number). This is an order of all buffers in which
//   - a buffer's offset is the lower end of a range that those placed before allow it;
//   - offsets (and, for equal offsets, numbers) increase, except for a buffer that rests on the one placed just
//     before, with a distance of 0 or less: only pairs that may overlap have such distances.
// The search tries all such orders, and only those. It leaves out
//   - an offset so high that another buffer would fit below it completely: the plan would not have the smallest sum;
//   - whatever the rules of domains.h find impossible.
// When the buffers that are left fall into groups without conflicts between them, each group is searched for itself.
//
// Before all this, buffers are put aside for which there is room wherever the others lie: the offsets that each
// neighbour forbids are fewer than there are. They are placed at the end, in the reverse order.
//
// The idea of placing buffers in the order of their offsets, and the rule about what would fit below, are known from
// Moffitt, "MiniMalloc: A Lightweight Memory Allocator for Hardware-Accelerated Machine Learning" (ASPLOS 2023). That
// buffers may overlap, and the search by groups as below, are not in it.
#include "search.h"

#include <algorithm>
#include <limits>
#include <random>
#include <tuple>

#include "domains.h"

namespace tvm_tiny::planner {

namespace {

constexpr int64_t kFar = std::numeric_limits<int64_t>::max() / 4;

using Group = std::vector<size_t>;

// For each buffer, how far below one that is placed before it may lie at most: against the sum of the distances on
// which it, and what it rests on, and so on, can rest.
std::vector<int64_t> Descents(const Conflicts &conflicts) {
  std::vector<int64_t> descents(conflicts.size(), 0);
  bool changed = true;
  for (size_t round = 0; changed; ++round) {
    changed = false;
    for (size_t index = 0; index < conflicts.size(); ++index) {
      for (const Conflict &conflict : conflicts[index]) {
        // A circle: nothing is known.
        const int64_t descent = round > conflicts.size() ? kFar : descents[conflict.other] - conflict.above;
        if (descent > descents[index]) {
          descents[index] = std::min(descent, kFar);
          changed = true;
        }
      }
    }
  }
  return descents;
}

class Search {
 public:
  Search(const Problem &problem, const Conflicts &conflicts, int64_t height, uint64_t seed, int64_t *effort)
      : problem_(problem),
        conflicts_(conflicts),
        height_(height),
        effort_(effort),
        domains_(problem, conflicts, height, effort),
        descents_(Descents(conflicts)),
        state_(problem.buffers.size(), State::kLeft),
        in_group_(problem.buffers.size(), false) {
    // Large ones, long ones, or both first, more or less.
    std::mt19937_64 random(seed);
    for (const Buffer &buffer : problem.buffers) {
      const double life = static_cast<double>(buffer.last - buffer.first + 1);
      const double size = static_cast<double>(buffer.size);
      const double by[] = {life * size, size, life};
      const double noise = static_cast<double>(random() % 1024) / 1024;
      weight_.push_back(by[seed % 3] * (seed < 3 ? 1.0 : 0.5 + noise));
    }
  }

  Found Run() {
    if (!domains_.Propagate())
      return {Answer::kNo, {}};
    for (size_t index = 0; index < state_.size(); ++index) {
      if (problem_.buffers[index].pinned != Buffer::kAnywhere)
        state_[index] = State::kPlaced;
    }
    const std::vector<size_t> aside = PutAside();
    Group left;
    for (size_t index = 0; index < state_.size(); ++index) {
      if (state_[index] == State::kLeft)
        left.push_back(index);
    }
    if (!PlaceAll(left, {0, 0, false}))
      return {*effort_ < 0 ? Answer::kUnknown : Answer::kNo, {}};
    return {Answer::kYes, Offsets(aside)};
  }

 private:
  enum class State { kLeft, kPlaced, kAside };

  // The buffer placed last.
  struct Last {
    int64_t offset;
    size_t index;
    bool exists;
  };

  struct Candidate {
    int64_t offset;
    size_t index;
  };

  // Buffers that fit whatever the others do, in the order in which they were put aside.
  std::vector<size_t> PutAside() {
    std::vector<size_t> aside;
    std::vector<size_t> waiting;
    for (size_t index = state_.size(); index-- > 0;)
      waiting.push_back(index);
    while (!waiting.empty()) {
      const size_t index = waiting.back();
      waiting.pop_back();
      if (state_[index] != State::kLeft || !FitsAnyhow(index))
        continue;
      state_[index] = State::kAside;
      aside.push_back(index);
      for (const Conflict &conflict : conflicts_[index])
        waiting.push_back(conflict.other);
    }
    return aside;
  }

  bool FitsAnyhow(size_t index) const {
    const Buffer &buffer = problem_.buffers[index];
    int64_t forbidden = 0;
    for (const Conflict &conflict : conflicts_[index]) {
      // Of n offsets in a row, at most that many are aligned.
      if (state_[conflict.other] != State::kAside)
        forbidden += (conflict.below + conflict.above - 2) / buffer.alignment + 1;
    }
    return forbidden < (height_ - buffer.size) / buffer.alignment + 1;
  }

  // False: impossible, or the effort is used up. Then everything is as before.
  bool PlaceAll(const Group &left, const Last &last) {
    const size_t mark = domains_.Mark();
    std::vector<Group> groups = Split(left);
    size_t placed = 0;
    while (placed < groups.size() && PlaceGroup(groups[placed], last))
      ++placed;
    if (placed == groups.size())
      return true;
    for (size_t group = 0; group < placed; ++group) {
      for (size_t index : groups[group])
        state_[index] = State::kLeft;
    }
    domains_.Restore(mark);
    return false;
  }

  // Groups without conflicts between them, the smallest first.
  std::vector<Group> Split(const Group &left) {
    for (size_t index : left)
      in_group_[index] = true;
    std::vector<Group> groups;
    for (size_t start : left) {
      if (!in_group_[start])
        continue;
      in_group_[start] = false;
      Group group{start};
      for (size_t done = 0; done < group.size(); ++done) {
        *effort_ -= static_cast<int64_t>(conflicts_[group[done]].size()) + 4;
        for (const Conflict &conflict : conflicts_[group[done]]) {
          if (in_group_[conflict.other]) {
            in_group_[conflict.other] = false;
            group.push_back(conflict.other);
          }
        }
      }
      groups.push_back(std::move(group));
    }
    std::stable_sort(groups.begin(), groups.end(), [](const Group &a, const Group &b) { return a.size() < b.size(); });
    return groups;
  }

  bool PlaceGroup(const Group &group, const Last &last) {
    std::vector<Candidate> candidates = Candidates(group, last);
    for (const Candidate &candidate : candidates) {
      if (*effort_ < 0)
        return false;
      const size_t mark = domains_.Mark();
      state_[candidate.index] = State::kPlaced;
      if (Put(candidate, group)) {
        Group rest;
        for (size_t index : group) {
          if (index != candidate.index)
            rest.push_back(index);
        }
        if (PlaceAll(rest, {candidate.offset, candidate.index, true}))
          return true;
      }
      state_[candidate.index] = State::kLeft;
      domains_.Restore(mark);
    }
    return false;
  }

  bool Put(const Candidate &candidate, const Group &group) {
    if (!domains_.Fix(candidate.index, candidate.offset))
      return false;
    for (size_t index : group) {
      if (state_[index] == State::kLeft && !domains_.Raise(index, candidate.offset - descents_[index]))
        return false;
    }
    return domains_.Propagate();
  }

  // What may be placed next, the most promising first.
  std::vector<Candidate> Candidates(const Group &group, const Last &last) {
    std::vector<Candidate> candidates;
    // The lowest end that a buffer could have, and the same without the buffer that has it.
    int64_t lowest_end = kFar;
    int64_t second_end = kFar;
    size_t lowest = 0;
    int64_t descent = 0;
    for (size_t index : group) {
      descent = std::max(descent, descents_[index]);
      const std::vector<Gap> &forbidden = Forbidden(index);
      const int64_t alignment = problem_.buffers[index].alignment;
      int64_t offset = 0;
      int64_t end = kFar;
      const auto consider = [&]() {
        end = std::min(end, offset + problem_.buffers[index].size);
        if (domains_.Lowest(index) <= offset && offset <= domains_.Highest(index) && MayFollow(index, offset, last))
          candidates.push_back({offset, index});
      };
      for (const auto &[from, to] : forbidden) {
        if (offset <= from)
          consider();
        offset = std::max(offset, AlignUp(to, alignment));
      }
      consider();
      if (end < lowest_end) {
        second_end = lowest_end;
        lowest_end = end;
        lowest = index;
      } else {
        second_end = std::min(second_end, end);
      }
    }
    const auto leaves_room = [&](const Candidate &candidate) {
      return candidate.offset - descent >= (candidate.index == lowest ? second_end : lowest_end);
    };
    candidates.erase(std::remove_if(candidates.begin(), candidates.end(), leaves_room), candidates.end());
    const auto key = [&](const Candidate &candidate) {
      return std::make_tuple(candidate.offset, -weight_[candidate.index], candidate.index);
    };
    std::sort(candidates.begin(), candidates.end(),
              [&](const Candidate &a, const Candidate &b) { return key(a) < key(b); });
    return candidates;
  }

  const std::vector<Gap> &Forbidden(size_t index) {
    forbidden_.clear();
    *effort_ -= static_cast<int64_t>(2 * conflicts_[index].size()) + 8;
    for (const Conflict &conflict : conflicts_[index]) {
      if (state_[conflict.other] == State::kPlaced)
        Forbid(conflict, domains_.Lowest(conflict.other), &forbidden_);
    }
    std::sort(forbidden_.begin(), forbidden_.end());
    return forbidden_;
  }

  bool MayFollow(size_t index, int64_t offset, const Last &last) const {
    if (!last.exists || std::tie(offset, index) > std::tie(last.offset, last.index))
      return true;
    const std::vector<Conflict> &row = conflicts_[index];
    const auto found = std::lower_bound(row.begin(), row.end(), last.index,
                                        [](const Conflict &left, size_t right) { return left.other < right; });
    if (found == row.end() || found->other != last.index)
      return false;
    const int64_t alignment = problem_.buffers[index].alignment;
    return offset == AlignUp(last.offset + found->above, alignment) || (found->same && offset == last.offset);
  }

  std::vector<int64_t> Offsets(const std::vector<size_t> &aside) const {
    Plan plan;
    for (size_t index = 0; index < state_.size(); ++index) {
      const bool is_placed = state_[index] == State::kPlaced;
      plan.push_back({is_placed ? 0 : Place::kNowhere, domains_.Lowest(index)});
    }
    for (auto index = aside.rbegin(); index != aside.rend(); ++index)
      plan[*index] = {0, LowestOffset(problem_.buffers[*index], conflicts_[*index], plan, 0)};
    std::vector<int64_t> offsets;
    for (const Place &place : plan)
      offsets.push_back(place.offset);
    return offsets;
  }

  const Problem &problem_;
  const Conflicts &conflicts_;
  const int64_t height_;
  int64_t *effort_;
  Domains domains_;
  const std::vector<int64_t> descents_;
  std::vector<State> state_;
  std::vector<bool> in_group_;
  std::vector<double> weight_;  // the heavier first
  std::vector<Gap> forbidden_;
};

}  // namespace

Found Fit(const Problem &problem, const Conflicts &conflicts, int64_t height, uint64_t seed, int64_t *effort) {
  return Search(problem, conflicts, height, seed, effort).Run();
}

bool MayFit(const Problem &problem, const Conflicts &conflicts, int64_t height, int64_t *effort) {
  return Domains(problem, conflicts, height, effort).Propagate();
}

}  // namespace tvm_tiny::planner
