"""An ONNX node as its converter sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from tvm import relax

from tvm_tiny.frontend.refusal import Refused
from tvm_tiny.tvm_compat import constant_array

if TYPE_CHECKING:
    from tvm_tiny.frontend.onnx_file import TensorType
    from tvm_tiny.frontend.onnx_importer import CanonicalImporter


@dataclass(frozen=True)
class Node:
    """A node with its inputs converted; ``outputs`` is what shape inference knows of its results."""

    operator: str
    inputs: Sequence[relax.Expr | None]
    attributes: dict[str, Any]
    outputs: tuple[TensorType, ...]

    @property
    def x(self) -> relax.Expr:
        """The first input."""
        if not self.has(0):
            raise Refused("its input is missing")
        return self.inputs[0]

    @property
    def second(self) -> relax.Expr:
        """The second input."""
        if not self.has(1):
            raise Refused("its second input is missing")
        return self.inputs[1]

    def has(self, position: int) -> bool:
        return position < len(self.inputs) and self.inputs[position] is not None

    def array(self, position: int, what: str) -> np.ndarray:
        """Input ``position``, which has to be a constant."""
        array = constant_array(self.inputs[position]) if self.has(position) else None
        if array is None:
            raise Refused(f"its {what} is computed, expected a constant" if self.has(position) else f"its {what} is missing")
        return array

    def text(self, name: str, default: str) -> str:
        return bytes(self.attributes.get(name, default.encode())).decode()


Converter = Callable[["CanonicalImporter", Node], relax.Expr]


def shape_of(expr: relax.Expr) -> tuple[int, ...]:
    """Static shape of a Relax expression."""
    return tuple(int(extent) for extent in expr.ty.shape)
