// What is still possible for each offset, and what follows from that.
#ifndef TVM_TINY_PLANNER_DOMAINS_H_
#define TVM_TINY_PLANNER_DOMAINS_H_

#include "conflicts.h"

namespace tvm_tiny::planner {

// The buffers of one pool of `height` bytes. Each offset lies between a lowest and a highest value. Two rules make
// these ranges smaller until nothing changes any more, or find that no plan is left:
//   - a value that no value of a neighbour goes with is impossible;
//   - buffers that are alive at one time and share no byte cannot all lie in a stretch that is shorter than they
//     are together.
// Changes can be taken back in the reverse order.
class Domains {
 public:
  Domains(const Problem &problem, const Conflicts &conflicts, int64_t height, int64_t *effort);

  // Applies the rules. False: no plan fits, and the ranges hold nothing of value until a Restore.
  bool Propagate();

  // Makes the range of one buffer smaller; Propagate() then applies the rules. False: nothing is left of it.
  bool Raise(size_t index, int64_t lowest);
  bool Fix(size_t index, int64_t offset);

  int64_t Lowest(size_t index) const { return lowest_[index]; }
  int64_t Highest(size_t index) const { return highest_[index]; }

  size_t Mark() const { return trail_.size(); }
  void Restore(size_t mark);

 private:
  struct Change {
    size_t index;
    int64_t lowest;
    int64_t highest;
  };

  // Buffers of which no two may share a byte, all alive at one time.
  struct Clique {
    std::vector<size_t> members;
    std::vector<int64_t> sizes;  // rounded up to what offsets can differ by
    int64_t slack;               // by which the topmost may be shorter than that
  };

  void FindCliques();
  bool Set(size_t index, int64_t lowest, int64_t highest);
  bool Revise(size_t index, const Conflict &conflict);
  bool IsOverfull(const Clique &clique);
  void Touch(size_t index);
  void ClearTouched();

  const Problem &problem_;
  const Conflicts &conflicts_;
  int64_t *effort_;  // counts down
  std::vector<int64_t> lowest_;
  std::vector<int64_t> highest_;
  std::vector<Change> trail_;
  std::vector<size_t> touched_;  // whose neighbours have to be revised
  std::vector<bool> is_touched_;
  std::vector<Clique> cliques_;
  std::vector<std::vector<size_t>> cliques_of_;  // of each buffer
  std::vector<size_t> waiting_;                  // cliques of which a member has changed
  std::vector<bool> is_waiting_;
  bool possible_ = true;
};

}  // namespace tvm_tiny::planner

#endif  // TVM_TINY_PLANNER_DOMAINS_H_
