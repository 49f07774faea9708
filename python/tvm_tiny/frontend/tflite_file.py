"""A ``.tflite`` file as plain records, every offset in it checked.

The ``tflite`` package reads wherever a damaged offset points to. Here each table is checked to lie inside the file before it is
read, and each index before it is used, so that what comes after this module can trust the records.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from tvm_tiny.errors import ModelError

# Names of TensorType whose name in NumPy is another one, or that NumPy does not have.
_DTYPE_NAMES = {"BFLOAT16": "bfloat16", "INT4": "int4", "UINT4": "uint4", "INT2": "int2"}

# What reading a damaged flatbuffer raises.
_DAMAGE = (struct.error, ValueError, IndexError, TypeError, OverflowError, MemoryError, AttributeError)


@dataclass(frozen=True)
class Tensor:
    """A tensor of the file.

    Attributes
    ----------
    index : int
        Its place in the file's table of tensors.
    name : str
        Unique in the file: where an earlier tensor has the same name, ``#`` and the index follow it; an empty one is ``#<index>``.
    shape, signature : tuple of int
        ``signature`` has -1 where a dimension is not fixed, and is empty where all are.
    scale, zero_point : numpy.ndarray
        float32 and int64 of the same length, empty without quantisation; several values are those of the channels along ``axis``.
    data : numpy.ndarray or None
        The value of a constant.
    variable, sparse : bool
        It keeps its value from one inference to the next; it is stored in a compressed form.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: np.ndarray
    zero_point: np.ndarray
    axis: int
    data: np.ndarray | None = field(repr=False)
    signature: tuple[int, ...] = ()
    variable: bool = False
    sparse: bool = False

    @property
    def quantized(self) -> bool:
        return self.scale.size > 0


@dataclass(frozen=True)
class Operator:
    """An operator of the file; ``code`` is its name in the schema, ``custom`` that of a CUSTOM one. An input of -1 is left out."""

    index: int
    code: str
    custom: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def label(self) -> str:
        return f"CUSTOM {self.custom}".strip() if self.code == "CUSTOM" else self.code


@dataclass(frozen=True)
class Graph:
    """The first subgraph of a file. Operators are in the order of execution."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    subgraphs: int


def read_graph(data: bytes, file: str) -> Graph:
    """The first subgraph of the TFLite model ``data``.

    Raises
    ------
    ModelError
        The file is damaged: an offset, index or size in it cannot be.
    """
    try:
        reader = _Reader(data, file)
        return reader.graph()
    except _DAMAGE as error:
        raise _damaged(file, f"a field lies outside of its {len(data)} bytes") from error


def _damaged(file: str, what: str) -> ModelError:
    return ModelError(f"{file}: the TFLite file is truncated or damaged: {what}", "copy, download or convert it again")


@cache
def _names(enum: str) -> dict[int, str]:
    """Value → name of one of the schema's enums."""
    import tflite

    return {value: name for name, value in vars(getattr(tflite, enum)).items() if isinstance(value, int)}


class _Reader:
    def __init__(self, data: bytes, file: str) -> None:
        import tflite

        self._data = data
        self._file = file
        self._model = self._checked(tflite.Model.GetRootAs(data, 0))

    def graph(self) -> Graph:
        subgraphs = self._count(self._model.SubgraphsLength())
        if subgraphs == 0:
            raise _damaged(self._file, "it holds no graph")
        graph = self._checked(self._model.Subgraphs(0))
        names: set[str] = set()
        tensors = tuple(self._tensor(graph, i, names) for i in range(self._count(graph.TensorsLength())))
        operators = tuple(self._operator(graph, i, tensors) for i in range(self._count(graph.OperatorsLength())))
        inputs = self._indices(graph.InputsAsNumpy(), tensors, "the graph's inputs")
        outputs = self._indices(graph.OutputsAsNumpy(), tensors, "the graph's outputs")
        if not outputs:
            raise _damaged(self._file, "the graph has no output")
        self._check_order(tensors, operators, inputs, outputs)
        return Graph(tensors, operators, inputs, outputs, subgraphs)

    def _tensor(self, graph: Any, index: int, names: set[str]) -> Tensor:
        table = self._checked(graph.Tensors(index))
        name = (table.Name() or b"").decode("utf-8", "replace")
        if not name or name in names:
            name = f"{name}#{index}"
        names.add(name)
        shape = _ints(table.ShapeAsNumpy())
        dtype = self._dtype(table.Type())
        scale, zero_point, axis = self._quantization(table, name)
        return Tensor(
            index,
            name,
            shape,
            dtype,
            scale,
            zero_point,
            axis,
            self._constant(table.Buffer(), name, shape, dtype, table.Sparsity() is not None),
            _ints(table.ShapeSignatureAsNumpy()),
            bool(table.IsVariable()),
            table.Sparsity() is not None,
        )

    def _dtype(self, code: int) -> str:
        name = _names("TensorType").get(code, f"type {code}")
        return _DTYPE_NAMES.get(name, name.lower())

    def _quantization(self, table: Any, name: str) -> tuple[np.ndarray, np.ndarray, int]:
        none = np.empty(0, np.float32), np.empty(0, np.int64), 0
        quantization = table.Quantization()
        if quantization is None or self._checked(quantization).ScaleLength() == 0:
            return none
        scale = np.array(quantization.ScaleAsNumpy(), np.float32)
        zero_point = np.array(quantization.ZeroPointAsNumpy(), np.int64).reshape(-1)
        if quantization.ZeroPointLength() == 0:
            zero_point = np.zeros(scale.shape, np.int64)
        if scale.size == 1 and scale[0] == 0 and not zero_point.any():
            return none  # old converters write this for tensors without quantisation, such as shapes
        if zero_point.size not in (1, scale.size):
            raise _damaged(self._file, f"tensor {name!r} has {scale.size} scales but {zero_point.size} zero points")
        if not (np.isfinite(scale).all() and (scale > 0).all()):
            raise _damaged(self._file, f"tensor {name!r} has a quantisation scale that is not positive")
        return scale, np.broadcast_to(zero_point, scale.shape).copy(), int(quantization.QuantizedDimension())

    def _constant(self, index: int, name: str, shape: tuple[int, ...], dtype: str, sparse: bool) -> np.ndarray | None:
        if not 0 <= index < self._count(self._model.BuffersLength()):
            raise _damaged(self._file, f"tensor {name!r} refers to buffer {index}, which does not exist")
        buffer = self._checked(self._model.Buffers(index))
        if buffer.Offset() > 1:
            raise ModelError(f"{self._file}: the weights lie outside of the flatbuffer, as in files over 2 GB", "")
        if index == 0 or buffer.DataLength() == 0:
            return None
        raw = np.asarray(buffer.DataAsNumpy(), np.uint8)
        try:
            element = np.dtype(dtype)
        except TypeError:
            return raw  # a dtype that is refused later, with its name
        if sparse:
            return raw
        if any(extent < 0 for extent in shape) or raw.size != math.prod(shape) * element.itemsize:
            raise _damaged(self._file, f"tensor {name!r} has shape {shape} of {dtype} but {raw.size} bytes")
        return raw.view(element).reshape(shape)

    def _operator(self, graph: Any, index: int, tensors: tuple[Tensor, ...]) -> Operator:
        table = self._checked(graph.Operators(index))
        if table.BuiltinOptions() is not None:
            self._check_table(table.BuiltinOptions())
        position = table.OpcodeIndex()
        if not 0 <= position < self._count(self._model.OperatorCodesLength()):
            raise _damaged(self._file, f"operator {index} refers to operator code {position}, which does not exist")
        code = self._checked(self._model.OperatorCodes(position))
        # Codes beyond 127 do not fit the schema's first field, which then holds 127.
        number = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
        name = _names("BuiltinOperator").get(number, f"operator code {number}")
        return Operator(
            index,
            name,
            (code.CustomCode() or b"").decode("utf-8", "replace"),
            self._indices(table.InputsAsNumpy(), tensors, f"operator {index} ({name})", optional=True),
            self._indices(table.OutputsAsNumpy(), tensors, f"operator {index} ({name})"),
        )

    def _check_order(
        self, tensors: tuple[Tensor, ...], operators: Iterable[Operator], inputs: tuple[int, ...], outputs: tuple[int, ...]
    ) -> None:
        """Every tensor is computed once, before it is read."""
        known = {tensor.index for tensor in tensors if tensor.data is not None or tensor.variable} | set(inputs)
        computed = set(inputs)
        for operator in operators:
            for i in operator.inputs:
                if i >= 0 and i not in known and math.prod(tensors[i].shape) > 0:
                    raise _damaged(self._file, f"operator {operator.index} reads {tensors[i].name!r} before it is computed")
            for i in operator.outputs:
                if i in computed:
                    raise _damaged(self._file, f"operator {operator.index} computes {tensors[i].name!r} a second time")
                computed.add(i)
                known.add(i)
        for i in outputs:
            if i not in known:
                raise _damaged(self._file, f"the output {tensors[i].name!r} is never computed")

    def _indices(self, values: Any, tensors: tuple[Tensor, ...], what: str, optional: bool = False) -> tuple[int, ...]:
        indices = _ints(values)
        for i in indices:
            if not (0 <= i < len(tensors) or (optional and i == -1)):
                raise _damaged(self._file, f"{what}: tensor {i} does not exist")
        return indices

    def _count(self, length: int) -> int:
        """A vector's length, which cannot exceed the file's."""
        if not 0 <= length <= len(self._data) // 4:
            raise _damaged(self._file, f"a list of {length} entries in {len(self._data)} bytes")
        return int(length)

    def _checked(self, table: Any) -> Any:
        """``table``, an object of the schema, if it lies inside the file."""
        self._check_table(table._tab)
        return table

    def _check_table(self, table: Any) -> None:
        size = len(self._data)
        start = int(table.Pos)
        if not 0 <= start <= size - 4:
            raise ValueError(start)
        fields = start - struct.unpack_from("<i", self._data, start)[0]
        if not 0 <= fields <= size - 4:
            raise ValueError(fields)
        length, extent = struct.unpack_from("<HH", self._data, fields)
        if length < 4 or fields + length > size or start + extent > size:
            raise ValueError(fields)


def _ints(values: Any) -> tuple[int, ...]:
    """A vector of the schema, which is the number 0 where it is left out."""
    return tuple(int(value) for value in np.asarray(values).reshape(-1)) if not isinstance(values, int) else ()
