"""Which ONNX operators are taken; what is refused before it is converted, and why."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

_CONTROL = "control flow is not supported"
_SEQUENCE = "sequences and optional values are not supported"
_RANDOM = "it draws random numbers"
_STATE = "recurrent layers are not supported"
_OPERATOR_FORM = "the quantised operators of ONNX's QOperator format are not supported: quantise the model in QDQ format"
_SCATTER = "where its values go is only known when it runs"
_DYNAMIC_QUANTISATION = "dynamic quantisation is not supported: quantise the model statically, in QDQ format"

# Operators that the importer may know but this package cannot compile, with the reason.
REFUSED = {
    "If": _CONTROL,
    "Loop": _CONTROL,
    "Scan": _CONTROL,
    "Optional": _SEQUENCE,
    "OptionalGetElement": _SEQUENCE,
    "OptionalHasElement": _SEQUENCE,
    "SequenceAt": _SEQUENCE,
    "SequenceConstruct": _SEQUENCE,
    "SequenceEmpty": _SEQUENCE,
    "SequenceErase": _SEQUENCE,
    "SequenceInsert": _SEQUENCE,
    "SequenceLength": _SEQUENCE,
    "SequenceMap": _SEQUENCE,
    "SplitToSequence": _SEQUENCE,
    "ConcatFromSequence": _SEQUENCE,
    "RandomNormal": _RANDOM,
    "RandomNormalLike": _RANDOM,
    "RandomUniform": _RANDOM,
    "RandomUniformLike": _RANDOM,
    "Bernoulli": _RANDOM,
    "Multinomial": _RANDOM,
    "GRU": _STATE,
    "LSTM": _STATE,
    "RNN": _STATE,
    "MaxUnpool": _SCATTER,
    "Scatter": _SCATTER,
    "ScatterElements": _SCATTER,
    "ScatterND": _SCATTER,
    "ConvInteger": _DYNAMIC_QUANTISATION,
    "MatMulInteger": _DYNAMIC_QUANTISATION,
    "DynamicQuantizeLinear": _DYNAMIC_QUANTISATION,
}

# Of ONNX Runtime's own operators, those that mean what ONNX's of the same name mean.
_MICROSOFT = ("QuantizeLinear", "DequantizeLinear")

# Never worked out at compile time, although their inputs are constant: what a weight's DequantizeLinear takes apart is needed, and
# random numbers would be the same in every run.
_KEPT = ("DequantizeLinear", "Identity", *(name for name, reason in REFUSED.items() if reason == _RANDOM))


def early_reason(node: onnx.NodeProto) -> str | None:
    """Why ``node`` is refused without looking at its inputs; None if it is not."""
    if node.domain not in ("", "ai.onnx") and not (node.domain == "com.microsoft" and node.op_type in _MICROSOFT):
        return _OPERATOR_FORM if node.op_type.startswith("QLinear") else "operators of this domain have no public definition"
    if node.op_type in REFUSED:
        return REFUSED[node.op_type]
    if node.op_type.startswith("QLinear"):
        return _OPERATOR_FORM
    return None if node.op_type in known_operators() else "no importer exists for it"


def folds(node: onnx.NodeProto) -> bool:
    """Whether ``node`` is worked out at compile time where its inputs are constant."""
    return node.op_type not in _KEPT


@cache
def known_operators() -> frozenset[str]:
    """Operators that can be imported."""
    from tvm.relax.frontend.onnx.onnx_frontend import _get_convert_map

    from tvm_tiny.frontend.onnx_converters import CONVERTERS

    return (frozenset(_get_convert_map()) | frozenset(CONVERTERS)) - frozenset(REFUSED)
