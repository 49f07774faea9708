// Which buffer lies in which pool.
#ifndef TVM_TINY_PLANNER_ASSIGN_H_
#define TVM_TINY_PLANNER_ASSIGN_H_

#include "problem.h"

namespace tvm_tiny::planner {

// A plan in which each buffer lies in the best pool for it that has room: each begins in its best one; where that is
// too small, buffers move to the next best one, those first that relieve the pool most for the least; in the end those
// that have moved are brought back where there is room after all, alone or in exchange for one that costs less
// elsewhere. Whether buffers fit into a pool is asked of pack.h. A good plan, not always the best.
Plan Assign(const Problem &problem, int64_t effort);

}  // namespace tvm_tiny::planner

#endif  // TVM_TINY_PLANNER_ASSIGN_H_
