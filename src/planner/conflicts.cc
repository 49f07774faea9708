#include "conflicts.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace tvm_tiny::planner {

namespace {

// Relaxed pairs by (output, input). Of a pair that is given twice, both must hold.
std::map<std::pair<size_t, size_t>, Relaxed> RelaxedPairs(const Problem &problem) {
  std::map<std::pair<size_t, size_t>, Relaxed> pairs;
  for (const Relaxed &relaxed : problem.relaxed) {
    const auto [found, is_new] = pairs.try_emplace({relaxed.output, relaxed.input}, relaxed);
    if (!is_new) {
      found->second.before = std::max(found->second.before, relaxed.before);
      found->second.after = std::max(found->second.after, relaxed.after);
      found->second.same = found->second.same && relaxed.same;
    }
  }
  return pairs;
}

}  // namespace

Conflicts FindConflicts(const Problem &problem) {
  const std::vector<Buffer> &buffers = problem.buffers;
  const auto relaxed_pairs = RelaxedPairs(problem);
  std::vector<size_t> by_first(buffers.size());
  std::iota(by_first.begin(), by_first.end(), size_t{0});
  std::stable_sort(by_first.begin(), by_first.end(),
                   [&](size_t a, size_t b) { return buffers[a].first < buffers[b].first; });

  Conflicts conflicts(buffers.size());
  const auto add = [&](size_t a, size_t b) {
    int64_t below = buffers[a].size;
    int64_t above = buffers[b].size;
    bool same = false;
    if (const auto found = relaxed_pairs.find({a, b}); found != relaxed_pairs.end()) {
      below = std::min(below, found->second.before);
      above = std::min(above, found->second.after);
      same = found->second.same;
    } else if (const auto mirrored = relaxed_pairs.find({b, a}); mirrored != relaxed_pairs.end()) {
      below = std::min(below, mirrored->second.after);
      above = std::min(above, mirrored->second.before);
      same = mirrored->second.same;
    }
    const int64_t step = std::gcd(buffers[a].alignment, buffers[b].alignment);
    below = AlignUp(below, step);
    above = AlignUp(above, step);
    same = same && below > 0 && above > 0;
    const int64_t forbidden = (below + above) / step - 1 - (same ? 1 : 0);
    if (forbidden <= 0)
      return;
    conflicts[a].push_back({b, below, above, same});
    conflicts[b].push_back({a, above, below, same});
  };

  // A sweep over time: `alive` holds the buffers that have begun and not yet ended.
  std::vector<size_t> alive;
  for (size_t index : by_first) {
    const Buffer &buffer = buffers[index];
    if (buffer.size == 0)
      continue;
    alive.erase(std::remove_if(alive.begin(), alive.end(), [&](size_t a) { return buffers[a].last < buffer.first; }),
                alive.end());
    for (size_t other : alive)
      add(index, other);
    alive.push_back(index);
  }
  for (std::vector<Conflict> &row : conflicts) {
    std::sort(row.begin(), row.end(), [](const Conflict &a, const Conflict &b) { return a.other < b.other; });
  }
  return conflicts;
}

void Forbid(const Conflict &conflict, int64_t offset, std::vector<Gap> *forbidden) {
  if (conflict.same) {
    forbidden->emplace_back(offset - conflict.below, offset);
    forbidden->emplace_back(offset, offset + conflict.above);
  } else {
    forbidden->emplace_back(offset - conflict.below, offset + conflict.above);
  }
}

int64_t LowestOffset(const Buffer &buffer, const std::vector<Conflict> &conflicts, const Plan &plan, int64_t pool) {
  std::vector<Gap> forbidden;
  for (const Conflict &conflict : conflicts) {
    const Place &place = plan[conflict.other];
    if (place.pool == pool)
      Forbid(conflict, place.offset, &forbidden);
  }
  std::sort(forbidden.begin(), forbidden.end());

  int64_t offset = 0;
  for (const auto &[from, to] : forbidden) {
    if (offset <= from)
      break;  // the room before this neighbour, and so before all later ones, is wide enough
    offset = std::max(offset, AlignUp(to, buffer.alignment));
  }
  return offset;
}

}  // namespace tvm_tiny::planner
