"""The tensors and operators of a ``.tflite`` model under construction: what every operator of the builder stands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tvm_tiny.testing.tflite_file import OperatorRecord, TensorRecord, write_tflite

# The first version of each operator that has int8 kernels; the version LiteRT's converter writes. Others: 1.
_VERSIONS = {
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "FULLY_CONNECTED": 4,
    "ADD": 2,
    "SUB": 2,
    "MUL": 2,
    "AVERAGE_POOL_2D": 2,
    "MAX_POOL_2D": 2,
    "MEAN": 2,
    "PAD": 2,
    "CONCATENATION": 2,
    "SOFTMAX": 2,
    "RELU": 2,
    "RELU6": 2,
    "LOGISTIC": 2,
    "TANH": 2,
    "LEAKY_RELU": 2,
    "DEQUANTIZE": 2,
    "TRANSPOSE": 2,
    "STRIDED_SLICE": 2,
    "SPLIT": 2,
    "RESIZE_NEAREST_NEIGHBOR": 2,
}


class TFLiteGraph:
    """Collects tensors and operators in their order of execution; :meth:`build` gives the file."""

    def __init__(self) -> None:
        self._tensors: list[TensorRecord] = []
        self._operators: list[OperatorRecord] = []
        self._inputs: list[int] = []

    def build(self, outputs: Sequence[TensorRecord]) -> bytes:
        """The model file with these outputs."""
        return write_tflite(self._tensors, self._operators, self._inputs, [tensor.index for tensor in outputs])

    def input(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: str = "int8",
        scale: float | None = None,
        zero_point: int = 0,
        shape_signature: tuple[int, ...] = (),
    ) -> TensorRecord:
        """An input of the model; ``shape_signature`` has -1 where a dimension is dynamic."""
        tensor = self._tensor(name, shape, dtype, scale, zero_point, shape_signature=shape_signature)
        self._inputs.append(tensor.index)
        return tensor

    def constant(
        self, name: str, data: np.ndarray, scale: float | Sequence[float] | None = None, zero_point: int = 0, axis: int = 0
    ) -> TensorRecord:
        """A constant with its stored values; a sequence of scales is one per channel along ``axis``."""
        return self._tensor(name, data.shape, str(data.dtype), scale, zero_point, axis=axis, data=data)

    def weights(self, name: str, real: np.ndarray, axis: int | None = 0) -> TensorRecord:
        """``real`` quantised symmetrically to int8, one scale per channel along ``axis``, or one for all of them if None."""
        others = None if axis is None else tuple(i for i in range(real.ndim) if i != axis)
        scale = np.maximum(np.abs(real).max(axis=others, keepdims=True), 1e-6).astype(np.float32) / np.float32(127)
        stored = np.clip(np.rint(real / scale), -127, 127).astype(np.int8)
        return self.constant(name, stored, [float(s) for s in scale.ravel()], axis=axis or 0)

    def bias(self, name: str, data: np.ndarray, x: TensorRecord, weights: TensorRecord) -> TensorRecord:
        """An int32 bias with the scales that TFLite prescribes: those of the input times those of the weights. Float as it is."""
        scale = [x.scale[0] * s for s in weights.scale] if x.scale and weights.scale else None
        return self.constant(name, data, scale)

    def operator(
        self,
        code: str,
        operands: Sequence[TensorRecord | None],
        shape: tuple[int, ...],
        name: str = "",
        scale: float | None = None,
        zero_point: int | None = None,
        options: str = "",
        fields: Mapping[str, int | float | bool] | None = None,
        dtype: str = "",
    ) -> TensorRecord:
        """Any operator of the schema with one output; an operand that is left out is None."""
        first = next(operand for operand in operands if operand is not None)
        output = self._like(first, name or self._name(code.lower()), shape, scale, zero_point, dtype)
        self._append(code, operands, [output], options, fields or {})
        return output

    def _append(
        self,
        code: str,
        operands: Sequence[TensorRecord | None],
        outputs: Sequence[TensorRecord],
        options: str,
        fields: Mapping[str, int | float | bool],
    ) -> None:
        indices = tuple(-1 if operand is None else operand.index for operand in operands)
        targets = tuple(output.index for output in outputs)
        self._operators.append(OperatorRecord(code, indices, targets, options, fields, _VERSIONS.get(code, 1)))

    def _parameter(self, kind: str, values: Sequence[int] | Sequence[tuple[int, int]]) -> TensorRecord:
        return self.constant(self._name(kind), np.array(values, np.int32))

    def _like(
        self,
        x: TensorRecord,
        name: str,
        shape: tuple[int, ...],
        scale: float | None = None,
        zero_point: int | None = None,
        dtype: str = "",
    ) -> TensorRecord:
        """A tensor with the dtype and quantisation of ``x`` where nothing else is said."""
        scale = scale if scale is not None else (x.scale[0] if x.scale else None)
        zero_point = zero_point if zero_point is not None else (x.zero_point[0] if x.zero_point else 0)
        return self._tensor(name, shape, dtype or x.dtype, scale, zero_point)

    def _tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: str,
        scale: float | Sequence[float] | None,
        zero_point: int,
        *,
        axis: int = 0,
        data: np.ndarray | None = None,
        shape_signature: tuple[int, ...] = (),
    ) -> TensorRecord:
        scales = () if scale is None else (float(scale),) if isinstance(scale, (int, float)) else tuple(float(s) for s in scale)
        zero_points = (zero_point,) * len(scales)
        shape = tuple(int(n) for n in shape)
        record = TensorRecord(len(self._tensors), name, shape, dtype, scales, zero_points, axis, data, shape_signature)
        self._tensors.append(record)
        return record

    def _name(self, kind: str) -> str:
        return f"{kind}_{len(self._tensors)}"
