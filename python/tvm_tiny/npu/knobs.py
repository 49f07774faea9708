"""What is open to choice in a region, for a tuner: it begins with what `search.py` has found; the device model tells the cycles.

Three knobs of each operation on the array (rows of a command, split, depth step), rows alone of every other one, and how many of
the first operations run as one cascade. Whatever their values, the region computes the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property

from tvm_tiny.npu.cost import Cost, cost_of
from tvm_tiny.npu.region import Feature, Graph, Operation, placed, window_of
from tvm_tiny.npu.streams import Choice, Packer
from tvm_tiny.npu.tiling import Tiling, depth_of, depth_steps, fitting, splits
from tvm_tiny.target.npu import Npu

VERSION = 1
"""Raised when the compiler or the device model changes so that what was tuned does not hold any more; it is part of every key."""

CASCADE = "cascade"
_STRIPES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16)
_CASCADES = 12
"""Most ends of a cascade that are tried."""

Values = Mapping[str, int]
"""Name of a knob → one of its values; of a knob that is not there, the first."""

Lookup = Callable[["Region"], Values | None]
"""What somebody knows of a region: the values that are best for it, None for nothing."""


@dataclass(frozen=True)
class Region:
    """A region of a model on an NPU, and the choice from which tuning begins.

    Attributes
    ----------
    optimize : str
        "speed", "size" or "ram".
    base : Choice
        What the search has found.
    """

    graph: Graph
    npu: Npu
    optimize: str
    base: Choice

    @cached_property
    def packer(self) -> Packer:
        return Packer(self.graph, self.npu)

    @cached_property
    def knobs(self) -> dict[str, tuple[int, ...]]:
        """Name → values, the one of ``base`` first; names begin with the number of the operation. Only what leaves a choice."""
        found: dict[str, tuple[int, ...]] = {}
        for number, (operation, tiling) in enumerate(zip(self.graph.operations, self.base.tilings, strict=True)):
            height, width, _ = operation.output.shape
            rows = {-(-height // stripes) for stripes in _STRIPES}
            if operation.on_array:
                split = [each for each in splits(operation, self.npu) if -(-width // each) <= self.npu.accumulators]
                rows = {fitting(operation, each, max(split), self.npu) for each in rows}
                found[f"{number}.split"] = _first(tiling.split, split)
                found[f"{number}.step"] = _first(tiling.depth_step, depth_steps(operation, self.npu))
            found[f"{number}.rows"] = _first(tiling.rows, sorted(rows))
        count = len(self.graph.operations)
        found[CASCADE] = _first(self._cascade, sorted({0, *range(2, count, max(1, count // _CASCADES)), count}))
        return {name: values for name, values in found.items() if len(values) > 1}

    @property
    def _cascade(self) -> int:
        first = self.base.groups[0] if self.base.groups else ()
        return len(first) if len(first) > 1 else 0

    def choice(self, values: Values) -> Choice:
        """The choice that ``values`` stand for; rows that the accumulators do not hold become fewer."""
        tilings = []
        for number, (operation, tiling) in enumerate(zip(self.graph.operations, self.base.tilings, strict=True)):
            rows = values.get(f"{number}.rows", tiling.rows)
            if operation.on_array:
                split = values.get(f"{number}.split", tiling.split)
                step = values.get(f"{number}.step", tiling.depth_step)
                tilings.append(replace(tiling, rows=fitting(operation, rows, split, self.npu), split=split, depth_step=step))
            else:
                tilings.append(replace(tiling, rows=rows))
        end = values.get(CASCADE, self._cascade)
        rest = [(number,) for number in range(end, len(self.graph.operations))]
        groups = ((tuple(range(end)), *rest) if end else tuple(rest)) if end != self._cascade else self.base.groups
        return Choice(tuple(tilings), groups, rolling=bool(end))

    def tilings(self, values: Values) -> tuple[Tiling, ...]:
        """Of each operation."""
        return self.choice(values).tilings

    def cost(self, values: Values) -> Cost:
        """What the device model counts, and the SRAM of activations, as the region would be compiled."""
        return cost_of(self.graph, self.npu, self.choice(values), self.packer, overlap=self.optimize == "ram")

    @cached_property
    def description(self) -> str:
        """All that cycles depend on, as JSON with sorted keys: not weights, scales or zero points."""
        numbers = {storage: index for index, storage in enumerate(self.graph.storages)}
        operations = [_operation(each, numbers) for each in self.graph.operations]
        last = self.graph.operations[-1].output.shape if self.graph.operations else ()
        facts = {
            "operator": f"region of {len(operations)}",
            "output": ["activation", "int8", list(last)],
            "region": hashlib.sha256(json.dumps(operations).encode()).hexdigest(),
            "core": asdict(self.npu),
            "compiler": f"etpu-{VERSION}",
            "flags": self.optimize,
            "implementations": ["tilings"],
            "version": VERSION,
        }
        return json.dumps(facts, sort_keys=True, separators=(",", ":"))


def _first(value: int, values: list[int]) -> tuple[int, ...]:
    return (value, *(each for each in values if each != value))


def _operation(operation: Operation, numbers: Mapping[str, int]) -> list[object]:
    seen: object = None
    if operation.on_array or operation.kind in ("max_pool2d", "average_pool2d"):
        seen = asdict(replace(window_of(operation), pad_value=0))
    elif operation.kind in ("pad", "resize_nearest"):
        seen = placed(operation)
    features = [_feature(each, numbers) for each in (*operation.inputs, operation.output)]
    return [operation.kind, features, seen, depth_of(operation) if operation.on_array else 0]


def _feature(feature: Feature, numbers: Mapping[str, int]) -> list[object]:
    return [numbers.get(feature.storage, -1), feature.shape, feature.row_bytes, feature.pixel_bytes, feature.offset]
