"""Which operators of a model file can be compiled, in which dtypes, and under which constraints: the table behind
``tvm-tiny operators`` and ``docs/operators.md``.

The tables are data. What keeps them true is their test: it compiles a model of every row in every dtype, and one that violates each
constraint.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Support:
    """One operator of one format.

    Attributes
    ----------
    format : str
        "tflite" or "onnx".
    operator : str
        Its name in that format.
    dtypes : tuple of str
        Of the activations: what can be compiled.
    integer : bool
        8-bit activations are computed in integer arithmetic. Otherwise they become float32 for this operator.
    constraints : tuple of str
        What the integer form needs, in sentences. Where one does not hold, the operator is computed in float32 or refused.
    npu : bool
        The accelerator can run it.
    """

    format: str
    operator: str
    dtypes: tuple[str, ...]
    integer: bool
    constraints: tuple[str, ...] = ()
    npu: bool = False


QUANTIZED = ("int8", "uint8")
ALL = (*QUANTIZED, "float32")

# What holds for every operator of a format.
GENERAL = {
    "tflite": (
        "Every shape is fixed; a first dimension that the file leaves open is a batch of 1.",
        "Activations are int8, uint8 or float32, with one scale for the whole tensor.",
        "No operator keeps state from one inference to the next.",
    ),
    "onnx": (
        "Every shape is fixed.",
        "The opset is 13 or later.",
        "Quantised models are in QDQ form: float operators between DequantizeLinear and QuantizeLinear.",
        "Activations are int8, uint8 or float32, with one scale for the whole tensor.",
    ),
}


def operators() -> tuple[Support, ...]:
    """All rows, by format and name."""
    from tvm_tiny.op.support_npu import NPU
    from tvm_tiny.op.support_onnx import ONNX
    from tvm_tiny.op.support_tflite import TFLITE

    rows = (replace(row, npu=row.operator in NPU[row.format]) for row in (*TFLITE, *ONNX))
    return tuple(sorted(rows, key=lambda row: (row.format != "tflite", row.operator.lower())))
