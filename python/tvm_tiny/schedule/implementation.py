"""How an operator is computed on a core: one of several implementations, chosen by instruction set and shape.

An implementation says for which nodes it applies, and builds a scheduled TIRx function together with the constants that it reads,
laid out for it. To add one, write a file in the folder of its instruction set and list it in :mod:`tvm_tiny.schedule.select`.
What it leaves open are its knobs: whatever their values, the function computes the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.op.operator import Node
from tvm_tiny.target import Core

if TYPE_CHECKING:
    from tvm import tirx


@dataclass(frozen=True)
class Scheduled:
    """A scheduled function and its constants.

    Attributes
    ----------
    func : tirx.PrimFunc
        With blocks; its parameters are the node's activations, then ``constants`` in order, then the output.
    constants : dict of str to array
        Role → array, as it lies in flash.
    """

    func: tirx.PrimFunc
    constants: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Knob:
    """A choice that an implementation leaves open. Of ``values``, all different, the first is the default."""

    name: str
    values: tuple[int, ...]


Choices = Mapping[str, int]
"""Name of a knob → one of its values; of a knob that is not there, the default."""


def _no_knobs(_node: Node, _core: Core) -> tuple[Knob, ...]:
    return ()


@dataclass(frozen=True)
class Implementation:
    """One way to compute some operators.

    Attributes
    ----------
    name : str
        For the comment in the C, for reports, and for records of tuning: "gemm".
    applies : callable
        (node, core) → whether this implementation can compute the node, exactly.
    build : callable
        (node, core, choices) → :class:`Scheduled`; one without knobs takes (node, core).
    knobs : callable
        (node, core) → its knobs, for a node to which it applies.
    """

    name: str
    applies: Callable[[Node, Core], bool]
    build: Callable[..., Scheduled] = field(repr=False)
    knobs: Callable[[Node, Core], tuple[Knob, ...]] = _no_knobs

    def schedule(self, node: Node, core: Core, choices: Choices | None = None) -> Scheduled:
        """Build with ``choices``; knobs that they do not name keep their defaults."""
        if self.knobs is _no_knobs:
            return self.build(node, core)
        values = {knob.name: knob.values[0] for knob in self.knobs(node, core)}
        return self.build(node, core, {**values, **(choices or {})})


@dataclass(frozen=True)
class Decision:
    """What tuning has found for a node: the implementation called ``implementation``, with ``choices``."""

    implementation: str
    choices: Choices

    def fits(self, implementation: Implementation, node: Node, core: Core) -> bool:
        """Whether ``implementation``, which applies to ``node``, is the one, and has these knobs and values."""
        values = {knob.name: knob.values for knob in implementation.knobs(node, core)}
        return implementation.name == self.implementation and all(
            name in values and value in values[name] for name, value in self.choices.items()
        )


Decide = Callable[[Node, Core], Decision | None]
"""(node, core) → what to do; None leaves it to the default."""


def by_default(_node: Node, _core: Core) -> Decision | None:
    """Decide nothing: the first implementation that applies, with the defaults of its knobs."""
    return None
