"""Where every tensor lives: lifetimes, the static plan, its lower bound, and an independent test of it."""

from tvm_tiny.memory.check import PlanError, check_plan
from tvm_tiny.memory.plan import MemoryPlan, Placement
from tvm_tiny.memory.planner import plan_memory

__all__ = ["MemoryPlan", "Placement", "PlanError", "check_plan", "plan_memory"]
