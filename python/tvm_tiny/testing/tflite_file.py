"""Writes a ``.tflite`` file from records of its tensors and operators, with the ``tflite`` package's flatbuffer functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# The schema's name of each dtype; "string" and "dynamic" types have no place in these models.
_TYPES = {
    "float32": "FLOAT32",
    "float16": "FLOAT16",
    "int8": "INT8",
    "uint8": "UINT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "bool": "BOOL",
}

# From this code on, an operator no longer fits the schema's first, one-byte field, which then holds this number.
_PLACEHOLDER_FOR_GREATER_OP_CODES = 127

# LiteRT wants constants aligned as its own converter aligns them.
_BUFFER_ALIGNMENT = 16


@dataclass(frozen=True)
class TensorRecord:
    """A row of the file's tensor table.

    Attributes
    ----------
    index : int
        Its position in the table.
    scale, zero_point : tuple
        Empty for a tensor that is not quantised, one value per tensor or one per channel along ``axis``.
    data : numpy.ndarray or None
        The values of a constant.
    shape_signature : tuple of int
        The shape with -1 for a dimension that is not fixed; empty where all are.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: tuple[float, ...] = ()
    zero_point: tuple[int, ...] = ()
    axis: int = 0
    data: np.ndarray | None = field(default=None, repr=False)
    shape_signature: tuple[int, ...] = ()


@dataclass(frozen=True)
class OperatorRecord:
    """An operator, by its name in the schema ("CONV_2D"), or "CUSTOM" with a ``custom_code``.

    ``options`` is the schema's options table ("Conv2DOptions") with its fields; ``inputs`` may have -1 for one that is left out.
    """

    code: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: str = ""
    fields: Mapping[str, int | float | bool] = field(default_factory=dict)
    version: int = 1
    custom_code: str = ""


def write_tflite(
    tensors: Sequence[TensorRecord], operators: Sequence[OperatorRecord], inputs: Sequence[int], outputs: Sequence[int]
) -> bytes:
    """The bytes of a model with one subgraph, schema version 3."""
    import flatbuffers
    import tflite

    writer = _Writer(flatbuffers.Builder(4096), tflite)
    # Buffer 0 is the empty one, which every tensor without data shares.
    constants = [tensor for tensor in tensors if tensor.data is not None]
    buffers = [writer.table("Buffer", {})] + [writer.buffer(tensor.data) for tensor in constants if tensor.data is not None]
    position = {tensor.index: i + 1 for i, tensor in enumerate(constants)}
    codes = list(dict.fromkeys((operator.code, operator.custom_code, operator.version) for operator in operators))
    graph = writer.table(
        "SubGraph",
        {
            "Tensors": writer.offsets([writer.tensor(tensor, position.get(tensor.index, 0)) for tensor in tensors]),
            "Inputs": writer.numbers(inputs, np.int32),
            "Outputs": writer.numbers(outputs, np.int32),
            "Operators": writer.offsets(
                [writer.operator(op, codes.index((op.code, op.custom_code, op.version))) for op in operators]
            ),
            "Name": writer.text("main"),
        },
    )
    model = {
        "Version": 3,
        "OperatorCodes": writer.offsets([writer.operator_code(*code) for code in codes]),
        "Subgraphs": writer.offsets([graph]),
        "Buffers": writer.offsets(buffers),
    }
    writer.builder.Finish(writer.table("Model", model), file_identifier=b"TFL3")
    return bytes(writer.builder.Output())


class _Writer:
    """The schema's tables over a flatbuffer builder. Children are written before the table that refers to them."""

    def __init__(self, builder: Any, schema: Any) -> None:
        self.builder = builder
        self.schema = schema

    def table(self, name: str, fields: Mapping[str, Any]) -> int:
        """One table: the schema's functions are called ``<Table>Start``, ``<Table>Add<Field>`` and ``<Table>End``."""
        self._function(name, "Start")(self.builder)
        for key, value in fields.items():
            self._function(name, f"Add{key}")(self.builder, value)
        return int(self._function(name, "End")(self.builder))

    def _function(self, table: str, action: str) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(self.schema, f"{table}{action}")
        return function

    def offsets(self, items: Sequence[int]) -> int:
        self.builder.StartVector(4, len(items), 4)
        for item in reversed(items):
            self.builder.PrependUOffsetTRelative(item)
        return int(self.builder.EndVector())

    def numbers(self, values: Sequence[float], dtype: type[np.generic]) -> int:
        return int(self.builder.CreateNumpyVector(np.asarray(values, dtype)))

    def text(self, value: str) -> int:
        return int(self.builder.CreateString(value))

    def buffer(self, data: np.ndarray) -> int:
        raw = np.ascontiguousarray(data).tobytes()
        self.builder.StartVector(1, len(raw), _BUFFER_ALIGNMENT)
        self.builder.head -= len(raw)
        self.builder.Bytes[self.builder.head : self.builder.head + len(raw)] = raw
        return self.table("Buffer", {"Data": int(self.builder.EndVector())})

    def tensor(self, tensor: TensorRecord, buffer: int) -> int:
        fields: dict[str, Any] = {
            "Shape": self.numbers(tensor.shape, np.int32),
            "Type": getattr(self.schema.TensorType, _TYPES[tensor.dtype]),
            "Buffer": buffer,
            "Name": self.text(tensor.name),
        }
        if tensor.shape_signature:
            fields["ShapeSignature"] = self.numbers(tensor.shape_signature, np.int32)
        if tensor.scale:
            quantization = {
                "Scale": self.numbers(tensor.scale, np.float32),
                "ZeroPoint": self.numbers(tensor.zero_point, np.int64),
                "QuantizedDimension": tensor.axis,
            }
            fields["Quantization"] = self.table("QuantizationParameters", quantization)
        return self.table("Tensor", fields)

    def operator_code(self, code: str, custom_code: str, version: int) -> int:
        builtin = getattr(self.schema.BuiltinOperator, code)
        fields = {
            "DeprecatedBuiltinCode": min(builtin, _PLACEHOLDER_FOR_GREATER_OP_CODES),
            "Version": version,
            "BuiltinCode": builtin,
        }
        if custom_code:
            fields["CustomCode"] = self.text(custom_code)
        return self.table("OperatorCode", fields)

    def operator(self, operator: OperatorRecord, opcode_index: int) -> int:
        fields = {
            "OpcodeIndex": opcode_index,
            "Inputs": self.numbers(operator.inputs, np.int32),
            "Outputs": self.numbers(operator.outputs, np.int32),
        }
        if operator.options:
            fields["BuiltinOptionsType"] = getattr(self.schema.BuiltinOptions, operator.options)
            fields["BuiltinOptions"] = self.table(operator.options, operator.fields)
        return self.table("Operator", fields)
