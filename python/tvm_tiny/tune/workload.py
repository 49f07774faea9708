"""What is tuned: an operator with its shapes on a core, as one compiler compiles it.

Two layers are one workload if the same code suits them. What differs between such layers is left out: weights, scales, zero points,
limits of the activation, whose rounding is followed. What stays is written down as text, and that text is the key of all records:

- the operator, its attributes, shapes and dtypes of its inputs, constants and output;
- the core, with what selects it for the compiler, and how far schedules may unroll;
- the compiler with its major version, and the level of optimisation: "gcc-12 -O2";
- the implementations that apply, for some need more than a shape;
- :data:`SCHEDULE_VERSION`.

So a record cannot be used for another core, compiler or version of the schedules: its key is another one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tvm_tiny.op.operator import Node, Value
from tvm_tiny.schedule.implementation import Decision, Implementation, Knob
from tvm_tiny.schedule.select import implementations
from tvm_tiny.target import Core
from tvm_tiny.tune import DEFAULT_COMPILER

if TYPE_CHECKING:
    import tvm

SCHEDULE_VERSION = 1
"""Raised when implementations change so that what was measured of them does not hold any more; all records before are then void.

A new knob whose default is what was there before, or a new value of a knob, makes no record void.
"""

FLAGS = {"speed": "-O2", "size": "-Os", "ram": "-O2"}
"""By what to optimise for: the level at which boards compile."""

ATTRIBUTE = "tvm_tiny.workload"
"""The attribute of a workload's function that holds its description."""

_NORMAL: dict[str, Any] = {
    "zero_point": 0,
    "zero_points": (0, 0),
    "input_zero_point": 0,
    "sum_zero_point": 0,
    "pad_value": 0,
    "value": 0,
    "low": -128,
    "high": 127,
    "rounding": "double",
}
"""Attributes that do not matter, and what they are in a workload's function."""

_IGNORED = frozenset(
    {*_NORMAL, "multiplier", "multipliers", "shift", "shifts", "output_multiplier", "output_shift", "scale", "ratio"}
)


@dataclass(frozen=True)
class Space:
    """All that one implementation can do with a node.

    ``keep`` is the share of candidates at random that keep a knob's default; None: all values are as likely.
    """

    implementation: str
    knobs: tuple[Knob, ...]
    keep: float | None = None

    @property
    def size(self) -> int:
        size = 1
        for knob in self.knobs:
            size *= len(knob.values)
        return size

    @property
    def default(self) -> Decision:
        """The first value of each knob."""
        return Decision(self.implementation, {knob.name: knob.values[0] for knob in self.knobs})


class Tunable(Protocol):
    """What the search and the database need of a workload: of a node on a core (below), or of a region on an NPU."""

    @property
    def core(self) -> Core: ...
    @property
    def description(self) -> str: ...
    @property
    def spaces(self) -> tuple[Space, ...]: ...
    @property
    def key(self) -> str: ...
    @property
    def default(self) -> Decision: ...
    @property
    def size(self) -> int: ...
    def module(self) -> tvm.IRModule: ...


@dataclass(frozen=True)
class Workload:
    """A node on a core, under a compiler.

    Attributes
    ----------
    node : Node
        The node itself: the first of those that are this workload.
    description : str
        What it is, as JSON with sorted keys.
    spaces : tuple of Space
        One for each implementation that applies, the default first.
    """

    node: Node
    core: Core
    description: str
    spaces: tuple[Space, ...]

    @cached_property
    def key(self) -> str:
        """Hash of the description."""
        return key_of(self.description)

    @property
    def default(self) -> Decision:
        """What the compiler does without tuning."""
        return self.spaces[0].default

    @property
    def size(self) -> int:
        """How many candidates there are."""
        return sum(space.size for space in self.spaces)

    def module(self) -> tvm.IRModule:
        """TVM's side of it: the operator's definition as a function, with the description as an attribute."""
        import tvm
        from tvm import te

        definition = self.node.op.define(_normalised(self.node))
        placeholders = [placeholder for placeholder, _ in definition.constants.values()]
        func = te.create_prim_func([*definition.inputs, *placeholders, definition.output])
        return tvm.IRModule({"main": func.with_attr("global_symbol", "main").with_attr(ATTRIBUTE, self.description)})


def key_of(description: str) -> str:
    """The key of the workload that ``description`` is of."""
    return hashlib.sha256(description.encode()).hexdigest()[:32]


def workload_of(node: Node, core: Core, *, compiler: str = DEFAULT_COMPILER, optimize: str = "speed") -> Workload:
    """The workload that ``node`` is on ``core``."""
    candidates = implementations(node, core)
    spaces = tuple(Space(each.name, each.knobs(node, core)) for each in candidates)
    return Workload(node, core, _description(node, core, candidates, compiler, FLAGS[optimize]), spaces)


def _description(node: Node, core: Core, candidates: list[Implementation], compiler: str, flags: str) -> str:
    facts = {
        "operator": node.op.name,
        "attributes": {
            field.name: getattr(node.attrs, field.name) for field in dataclasses.fields(node.attrs) if field.name not in _IGNORED
        },
        "inputs": [_shape(value) for value in node.inputs],
        "output": _shape(node.output),
        "core": {field.name: getattr(core, field.name) for field in dataclasses.fields(core)},
        "compiler": compiler,
        "flags": flags,
        "implementations": [each.name for each in candidates],
        "version": SCHEDULE_VERSION,
    }
    return json.dumps(facts, sort_keys=True, separators=(",", ":"))


def _shape(value: Value | np.ndarray) -> list[Any]:
    kind = "constant" if isinstance(value, np.ndarray) else "activation"
    return [kind, str(value.dtype), [int(extent) for extent in value.shape]]


def _normalised(node: Node) -> Node:
    names = {field.name for field in dataclasses.fields(node.attrs)}
    return dataclasses.replace(
        node, attrs=dataclasses.replace(node.attrs, **{name: value for name, value in _NORMAL.items() if name in names})
    )
