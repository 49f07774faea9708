#include "domains.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "bound.h"

namespace tvm_tiny::planner {

Domains::Domains(const Problem &problem, const Conflicts &conflicts, int64_t height, int64_t *effort)
    : problem_(problem),
      conflicts_(conflicts),
      effort_(effort),
      is_touched_(problem.buffers.size(), false),
      cliques_of_(problem.buffers.size()) {
  for (size_t index = 0; index < problem.buffers.size(); ++index) {
    const Buffer &buffer = problem.buffers[index];
    const bool is_free = buffer.pinned == Buffer::kAnywhere;
    const int64_t room = height - buffer.size;
    lowest_.push_back(is_free ? 0 : buffer.pinned);
    highest_.push_back(is_free ? AlignDown(room, buffer.alignment) : buffer.pinned);
    possible_ = possible_ && lowest_.back() <= highest_.back() && highest_.back() <= room;
  }
  FindCliques();
  *effort_ -= static_cast<int64_t>(problem.buffers.size() * 64);
  for (size_t index = 0; index < problem.buffers.size(); ++index)
    Touch(index);
}

void Domains::FindCliques() {
  std::set<std::vector<size_t>> found;
  for (std::vector<size_t> alive : LargestSetsAlive(problem_)) {
    std::sort(alive.begin(), alive.end(), [&](size_t a, size_t b) {
      const int64_t size_a = problem_.buffers[a].size;
      const int64_t size_b = problem_.buffers[b].size;
      return size_a != size_b ? size_a > size_b : a < b;
    });
    // Whom a buffer does not simply exclude.
    const auto excludes = [&](size_t a, size_t b) {
      const std::vector<Conflict> &row = conflicts_[a];
      const auto conflict = std::lower_bound(row.begin(), row.end(), b,
                                             [](const Conflict &left, size_t right) { return left.other < right; });
      return conflict != row.end() && conflict->other == b && !conflict->same &&
             conflict->below >= problem_.buffers[a].size && conflict->above >= problem_.buffers[b].size;
    };
    // From each buffer that may overlap another, and from the largest one, take what excludes all taken so far.
    for (size_t start : alive) {
      const bool is_first = start == alive.front();
      if (!is_first &&
          std::all_of(alive.begin(), alive.end(), [&](size_t b) { return b == start || excludes(start, b); }))
        continue;
      std::vector<size_t> members{start};
      for (size_t next : alive) {
        if (next != start && std::all_of(members.begin(), members.end(), [&](size_t a) { return excludes(a, next); }))
          members.push_back(next);
      }
      std::sort(members.begin(), members.end());
      if (members.size() > 2)
        found.insert(std::move(members));
    }
  }
  for (const std::vector<size_t> &members : found) {
    int64_t grain = 0;
    for (size_t index : members)
      grain = std::gcd(grain, problem_.buffers[index].alignment);
    Clique clique{members, {}, 0};
    for (size_t index : members) {
      const int64_t size = problem_.buffers[index].size;
      clique.sizes.push_back(AlignUp(size, grain));
      clique.slack = std::max(clique.slack, clique.sizes.back() - size);
      cliques_of_[index].push_back(cliques_.size());
    }
    cliques_.push_back(std::move(clique));
  }
  is_waiting_.assign(cliques_.size(), false);
}

void Domains::Touch(size_t index) {
  if (!is_touched_[index]) {
    is_touched_[index] = true;
    touched_.push_back(index);
  }
  for (size_t clique : cliques_of_[index]) {
    if (!is_waiting_[clique]) {
      is_waiting_[clique] = true;
      waiting_.push_back(clique);
    }
  }
}

void Domains::ClearTouched() {
  for (size_t index : touched_)
    is_touched_[index] = false;
  touched_.clear();
  for (size_t clique : waiting_)
    is_waiting_[clique] = false;
  waiting_.clear();
}

bool Domains::Set(size_t index, int64_t lowest, int64_t highest) {
  if (lowest == lowest_[index] && highest == highest_[index])
    return true;
  trail_.push_back({index, lowest_[index], highest_[index]});
  lowest_[index] = lowest;
  highest_[index] = highest;
  Touch(index);
  return lowest <= highest;
}

void Domains::Restore(size_t mark) {
  while (trail_.size() > mark) {
    const Change &change = trail_.back();
    lowest_[change.index] = change.lowest;
    highest_[change.index] = change.highest;
    trail_.pop_back();
  }
  ClearTouched();
}

bool Domains::Raise(size_t index, int64_t lowest) {
  const int64_t aligned = AlignUp(lowest, problem_.buffers[index].alignment);
  return aligned <= lowest_[index] || Set(index, aligned, highest_[index]);
}

bool Domains::Fix(size_t index, int64_t offset) {
  return lowest_[index] <= offset && offset <= highest_[index] && Set(index, offset, offset);
}

// The values of `index` strictly between `from` and `to` go with no value of the neighbour but, if `same`, its own.
bool Domains::Revise(size_t index, const Conflict &conflict) {
  const int64_t alignment = problem_.buffers[index].alignment;
  const int64_t other_lowest = lowest_[conflict.other];
  const int64_t other_highest = highest_[conflict.other];
  const int64_t from = other_highest - conflict.below;
  const int64_t to = other_lowest + conflict.above;
  int64_t lowest = lowest_[index];
  int64_t highest = highest_[index];
  while (from < lowest && lowest < to) {
    if (conflict.same && lowest <= other_highest) {
      if (lowest >= other_lowest)
        break;
      lowest = AlignUp(other_lowest, alignment);
    } else {
      lowest = AlignUp(to, alignment);
    }
  }
  while (from < highest && highest < to) {
    if (conflict.same && highest >= other_lowest) {
      if (highest <= other_highest)
        break;
      highest = AlignDown(other_highest, alignment);
    } else {
      highest = AlignDown(from, alignment);
    }
  }
  return Set(index, lowest, highest);
}

// A stretch from the lowest offset of one member to the highest end of another, in which others have to lie.
bool Domains::IsOverfull(const Clique &clique) {
  const size_t count = clique.members.size();
  // By their highest end, so that a stretch grows upwards.
  std::vector<std::pair<int64_t, size_t>> ends;
  for (size_t position = 0; position < count; ++position) {
    const size_t index = clique.members[position];
    ends.emplace_back(highest_[index] + problem_.buffers[index].size, position);
  }
  std::sort(ends.begin(), ends.end());
  *effort_ -= static_cast<int64_t>(count * (count + 8) / 4);
  for (size_t start : clique.members) {
    const int64_t begin = lowest_[start];
    int64_t needed = 0;
    for (const auto &[end, position] : ends) {
      if (lowest_[clique.members[position]] < begin)
        continue;
      needed += clique.sizes[position];
      if (needed - clique.slack > end - begin)
        return true;
    }
  }
  return false;
}

bool Domains::Propagate() {
  while (possible_) {
    if (!touched_.empty()) {
      const size_t index = touched_.back();
      touched_.pop_back();
      is_touched_[index] = false;
      *effort_ -= static_cast<int64_t>(conflicts_[index].size()) + 1;
      for (const Conflict &conflict : conflicts_[index]) {
        const Conflict mirrored{index, conflict.above, conflict.below, conflict.same};
        if (!Revise(conflict.other, mirrored)) {
          ClearTouched();
          return false;
        }
      }
    } else if (!waiting_.empty()) {
      const size_t clique = waiting_.back();
      waiting_.pop_back();
      is_waiting_[clique] = false;
      if (IsOverfull(cliques_[clique])) {
        ClearTouched();
        return false;
      }
    } else {
      return true;
    }
  }
  return false;
}

}  // namespace tvm_tiny::planner
