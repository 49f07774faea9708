"""How an operator is computed on a core: one of several implementations, chosen by instruction set and shape.

An implementation says for which nodes it applies, and builds a scheduled TIRx function together with the constants that it reads,
laid out for it. To add one, write a file in the folder of its instruction set and list it in :mod:`tvm_tiny.schedule.select`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
class Implementation:
    """One way to compute some operators.

    Attributes
    ----------
    name : str
        For the comment in the C and for reports: "gemm 3x2".
    applies : callable
        (node, core) → whether this implementation can compute the node, exactly.
    build : callable
        (node, core) → :class:`Scheduled`.
    """

    name: str
    applies: Callable[[Node, Core], bool]
    build: Callable[[Node, Core], Scheduled]
