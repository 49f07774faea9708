"""Which layers compute with floating-point numbers, and why each does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tvm_tiny.codegen.sources import CModule, LayerInfo

CONVERSIONS = {
    "quantize": "it takes a float32 tensor to 8 bits",
    "dequantize": "it takes an 8-bit tensor to float32",
}
RESCALED = "its sums are rescaled in float64, as LiteRT does"
UNQUANTISED = "the model computes it in float32"
NO_FORM = "it reads 8-bit tensors, but has no integer form here"


@dataclass(frozen=True)
class FloatLayer:
    """A layer whose C computes with floating-point numbers.

    ``operator`` and ``tensor`` are those of the lowering's remark, where there is one: the model's operator, and the quantised
    tensor
    that it should have computed in integers. Else they are the layer's own; ``tensor`` may be "".
    """

    layer: str
    operator: str
    tensor: str
    reason: str


class Remark(Protocol):
    """What the integer lowering says of an operator that it left in float32."""

    @property
    def operator(self) -> str: ...
    @property
    def tensor(self) -> str: ...
    @property
    def reason(self) -> str: ...


def float_layers(module: CModule, remarks: Sequence[Remark]) -> list[FloatLayer]:
    """Every layer of ``module`` that is not integer, in the order of execution.

    A remark belongs to the layers that compute what the quantisation of its tensor reads, as far as they are not quantised between.
    """
    told = {remark.tensor: remark for remark in remarks if remark.tensor}
    behind: dict[str, Remark] = {}  # tensor of the program → the remark on what computes it
    for layer in reversed(module.layers):
        remark = told.get(layer.output_source) or behind.get(layer.output)
        if remark is not None and layer.op != "dequantize" and not layer.integer:
            behind |= dict.fromkeys(layer.layer_inputs, remark)
    quantised: set[str] = set()  # tensors of the program that come of 8-bit ones
    found = []
    for layer in module.layers:
        reads = any(name in quantised for name in layer.layer_inputs)
        if layer.op == "dequantize" or (reads and layer.op != "quantize"):
            quantised.add(layer.output)
        if not layer.integer:
            found.append(_explained(layer, behind.get(layer.output) or told.get(layer.output_source), reads))
    return found


def _explained(layer: LayerInfo, remark: Remark | None, reads_quantised: bool) -> FloatLayer:
    if layer.op in CONVERSIONS:
        return FloatLayer(layer.name, layer.op, layer.output_source, CONVERSIONS[layer.op])
    if remark is not None:
        return FloatLayer(layer.name, remark.operator, remark.tensor, remark.reason)
    reason = RESCALED if layer.op == "fully_connected" else NO_FORM if reads_quantised else UNQUANTISED
    return FloatLayer(layer.name, layer.op, layer.output_source, reason)
