"""What is tuned on an NPU: a region of a model, whose knobs are those of :mod:`tvm_tiny.npu.knobs`.

Its key has all that cycles depend on: shapes, strides and windows of all operations, every number of the variant, what is favoured,
and the version of the NPU's compiler.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

from tvm_tiny.npu.knobs import Region
from tvm_tiny.schedule.implementation import Decision, Knob
from tvm_tiny.target import Core
from tvm_tiny.tune.workload import ATTRIBUTE, Space, key_of

if TYPE_CHECKING:
    import tvm

TILINGS = "tilings"
_CHANGED = 3
"""Knobs that a candidate at random changes, on the average: what is far from the search's choice is hardly ever better."""


@dataclass(frozen=True)
class RegionWorkload:
    """A region as MetaSchedule searches it: a :class:`tvm_tiny.tune.workload.Tunable`.

    Attributes
    ----------
    core : Core
        Beside the NPU; nothing depends on it.
    """

    region: Region
    core: Core

    @property
    def description(self) -> str:
        return self.region.description

    @cached_property
    def key(self) -> str:
        """Hash of the description."""
        return key_of(self.description)

    @cached_property
    def spaces(self) -> tuple[Space, ...]:
        """One; its default is the search's choice."""
        knobs = tuple(Knob(name, values) for name, values in self.region.knobs.items())
        return (Space(TILINGS, knobs, keep=max(0.25, 1.0 - _CHANGED / max(len(knobs), 1))),)

    @property
    def default(self) -> Decision:
        """What the search has found."""
        return self.spaces[0].default

    @property
    def size(self) -> int:
        """How many candidates there are."""
        return prod(len(knob.values) for knob in self.spaces[0].knobs)

    def module(self) -> tvm.IRModule:
        """A function that stands for the region: it has the description as an attribute, and computes nothing."""
        import tvm
        from tvm import te

        given = te.placeholder((1,), "int8", "x")
        func = te.create_prim_func([given, te.compute((1,), lambda i: given[i], name="output")])
        return tvm.IRModule({"main": func.with_attr("global_symbol", "main").with_attr(ATTRIBUTE, self.description)})
