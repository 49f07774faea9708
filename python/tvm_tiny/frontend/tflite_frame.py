"""The frame of TVM's TFLite importer: operators one by one, each judged, converted and held against the file's own types."""

from __future__ import annotations

from typing import Any

import numpy as np
import tvm
from tvm import relax
from tvm.relax.frontend.tflite.tflite_frontend import OperatorConverter, TensorWrapper

from tvm_tiny.frontend.refusal import Refusal, Refused, reason_of
from tvm_tiny.frontend.tflite_file import Graph, Operator, Tensor
from tvm_tiny.frontend.tflite_operators import early_reason, live_operators

# Limits of TFLite's fused activations on real values; TANH and SIGN_BIT are in the schema but not in its kernels.
_ACTIVATION_RANGES = {"RELU": (0.0, None), "RELU_N1_TO_1": (-1.0, 1.0), "RELU6": (0.0, 6.0)}


class OperatorsRefused(Exception):
    """Ends an import whose module would be of no use."""


class ConverterFrame(OperatorConverter):
    """TVM's converter with its frame replaced: how operators are walked, checked and refused, and how their operands are read.

    Attributes
    ----------
    tensors : dict of int to relax.Var
        Tensors of the file that operators computed, by index, in the order of execution.
    refusals : list of Refusal
        Operators that could not be converted. A placeholder stands for their outputs, so that the others are still looked at.
    """

    def __init__(self, graph: Graph, *importer: Any) -> None:
        super().__init__(*importer)
        self.graph = graph
        self.tensors: dict[int, relax.Var] = {}
        self.refusals: list[Refusal] = []
        self.operator: Operator = graph.operators[0] if graph.operators else Operator(0, "", "", (), ())
        self._operands: dict[int, TensorWrapper] = {}

    # ---- the importer's frame ----------------------------------------------------------------------------------------------------

    def check_unsupported_ops(self) -> None:
        """Nothing: each operator is judged where it is converted, so that one message can list all."""

    def convert_op_to_relax(self) -> None:
        """Convert the operators that the outputs depend on, in the file's order."""
        live = live_operators(self.graph)
        for operator in self.graph.operators:
            if operator.index not in live:
                continue
            self.operator = operator
            try:
                reason = early_reason(self.operator, self.graph, self.convert_map)
                if reason is not None:
                    raise Refused(reason)
                results = self._converted()
            except Exception as error:
                self._refuse(reason_of(error))
                results = [_placeholder(self.tensor(i)) for i in self.operator.outputs]
            for i, result in zip(self.operator.outputs, results, strict=True):
                self.tensors[i] = result
                self.exp_tab.set_expr(_importer_name(i), result)
        if self.refusals:
            raise OperatorsRefused

    def _refuse(self, reason: str) -> None:
        operator = self.operator
        first = self.tensor(operator.outputs[0]).name if operator.outputs else ""
        self.refusals.append(Refusal(operator.label, operator.index, first, reason))

    def _converted(self) -> list[relax.Var]:
        """The current operator's outputs, each bound to a variable, with the types that the file declares."""
        result = self.convert_map[self.operator.code](op=self.subgraph.Operators(self.operator.index))
        if result is None:
            raise Refused("it has no value")
        if len(self.operator.outputs) == 1:
            results = [self.bb.emit(result)]
        elif isinstance(result, relax.Tuple):
            results = [self.bb.emit(field) for field in result.fields]
        else:
            results = [self.bb.emit(relax.TupleGetItem(self.bb.emit(result), i)) for i in range(len(self.operator.outputs))]
        for i, (index, var) in enumerate(zip(self.operator.outputs, results, strict=True)):
            results[i] = self._as_declared(var, self.tensor(index))
        return results

    def _as_declared(self, var: relax.Var, tensor: Tensor) -> relax.Var:
        """``var`` with the dtype of ``tensor``; a wrong shape means that the importer and the file mean different things."""
        shape = tuple(int(extent) for extent in var.ty.shape.values)
        # A rank of 0 may also stand for one that the converter did not know.
        if tensor.shape and shape != tensor.shape:
            raise Refused(f"its output has the shape {tensor.shape} in the file, but the operator gives {shape}")
        if str(var.ty.dtype) == tensor.dtype:
            return var
        if {str(var.ty.dtype), tensor.dtype} <= {"int32", "int64"}:
            return self.bb.emit(relax.op.astype(var, tensor.dtype))
        raise Refused(f"its output is {tensor.dtype} in the file, but the operator gives {var.ty.dtype}")

    def get_tensors(self, tensors_idx_list: Any) -> list[TensorWrapper]:
        """The importer's view of tensors, with their quantisation parameters as checked in :mod:`tflite_file`."""
        return [self.wrapped(int(i)) for i in self._indices_or_empty(tensors_idx_list)]

    def wrapped(self, index: int) -> TensorWrapper:
        if index < 0:
            return TensorWrapper(index, 0, 0)
        if index not in self._operands:
            table, tensor = self.subgraph.Tensors(index), self.tensor(index)
            params = (
                {"scale": scale_of(tensor), "zero_point": zero_point_of(tensor), "axis": tensor.axis} if tensor.quantized else None
            )
            self._operands[index] = TensorWrapper(index, table, self.model.Buffers(table.Buffer()), params)
        return self._operands[index]

    def get_expr(self, input_tensor_idx: int) -> relax.Expr:
        """The value of a tensor, computed or constant."""
        return self.value(self.tensor(int(input_tensor_idx)))

    def get_tensor_value(self, tensor_wrapper: TensorWrapper, is_sparse: bool = False) -> np.ndarray:
        """The array of an operand that has to be a constant: axes, sizes, paddings."""
        return self.constant(self.tensor(tensor_wrapper.tensor_idx))

    def convert_qnn_fused_activation_function(
        self, expr: relax.Expr, fused_activation_fn: int, scale: float, zero_point: int, dtype: str
    ) -> relax.Expr:
        """Clip stored values as TFLite's ``CalculateActivationRangeQuantized``: float32, rounded half away from zero."""
        name = self.activation_fn_type[fused_activation_fn]
        if name == "NONE":
            return expr
        if name not in _ACTIVATION_RANGES:
            raise Refused(f"the fused activation {name} has no quantised form")
        limits = np.iinfo(dtype)
        low, high = (None if real is None else _stored(real, scale, zero_point) for real in _ACTIVATION_RANGES[name])
        low = limits.min if low is None else max(low, int(limits.min))
        high = limits.max if high is None else min(high, int(limits.max))
        if (low, high) == (limits.min, limits.max):
            return expr
        return relax.op.clip(expr, float(low), float(high))

    # ---- values ------------------------------------------------------------------------------------------------------------------

    def tensor(self, index: int) -> Tensor:
        return self.graph.tensors[index]

    def optional(self, position: int) -> Tensor | None:
        """Operand ``position`` of the current operator, None if it is left out."""
        inputs = self.operator.inputs
        return self.tensor(inputs[position]) if position < len(inputs) and inputs[position] >= 0 else None

    def required(self, position: int) -> Tensor:
        tensor = self.optional(position)
        if tensor is None:
            raise Refused(f"its input {position} is missing")
        return tensor

    @property
    def output(self) -> Tensor:
        return self.tensor(self.operator.outputs[0])

    def constant(self, tensor: Tensor) -> np.ndarray:
        if tensor.data is not None:
            return tensor.data
        if 0 in tensor.shape:
            return np.empty(tensor.shape, tensor.dtype)
        raise Refused(f"its operand {tensor.name!r} is computed, expected a constant")

    def value(self, tensor: Tensor) -> relax.Expr:
        name = _importer_name(tensor.index)
        return self.exp_tab.get_expr(name) if self.exp_tab.has_expr(name) else relax.const(self.constant(tensor), tensor.dtype)

    def real(self, tensor: Tensor) -> relax.Expr:
        value = self.value(tensor)
        return self.dequantize(value, self.wrapped(tensor.index)) if tensor.quantized else value

    def activated(self, expr: relax.Expr, activation: int) -> relax.Expr:
        """``expr``, stored values of the current operator's output or floats, behind its fused activation."""
        output = self.output
        if not output.quantized:
            return self.convert_fused_activation_function(expr, activation)
        scale, zero_point = float(output.scale[0]), int(output.zero_point[0])
        return self.convert_qnn_fused_activation_function(expr, activation, scale, zero_point, output.dtype)

    def result(self, real: relax.Expr, activation: int) -> relax.Expr:
        """A float result as the current operator's output: quantised if that is."""
        quantized = self.quantize(real, self.wrapped(self.output.index)) if self.output.quantized else real
        return self.activated(quantized, activation)

    def options(self, op: Any, name: str) -> Any:
        import tflite

        table = op.BuiltinOptions()
        if table is None or op.BuiltinOptionsType() != getattr(tflite.BuiltinOptions, name):
            raise Refused(f"its options ({name}) are missing")
        options = getattr(tflite, name)()
        options.Init(table.Bytes, table.Pos)
        return options


def _importer_name(index: int) -> str:
    """What a tensor is called inside the importer, where names must be unique."""
    return f"t{index}"


def scale_of(tensor: Tensor) -> relax.Expr:
    return relax.const(tensor.scale if tensor.scale.size > 1 else tensor.scale[0], "float32")


def zero_point_of(tensor: Tensor) -> relax.Expr:
    same = bool((tensor.zero_point == tensor.zero_point[0]).all())
    return relax.const(int(tensor.zero_point[0]) if same else tensor.zero_point.astype(np.int32), "int32")


def _stored(real: float, scale: float, zero_point: int) -> int:
    scaled = np.float32(real) / np.float32(scale)
    return int(np.trunc(scaled + np.copysign(np.float32(0.5), scaled))) + zero_point


def _placeholder(tensor: Tensor) -> relax.Var:
    return relax.Var(_importer_name(tensor.index), relax.TensorType(tensor.shape, tvm.DataType(tensor.dtype)))
