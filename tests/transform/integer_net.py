"""Builds modules of integer operators directly, at random or by hand, and runs them as C on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tvm
from tvm import relax

from tvm_tiny.board import get_board
from tvm_tiny.codegen.module import generate
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.memory.planner import plan_memory
from tvm_tiny.model import Model, TensorSpec
from tvm_tiny.op.add import ADD, AddAttrs
from tvm_tiny.op.average_pool2d import AVERAGE_POOL2D, AveragePool2dAttrs
from tvm_tiny.op.concatenate import CONCATENATE, ConcatenateAttrs
from tvm_tiny.op.conv2d import CONV2D, Conv2dAttrs
from tvm_tiny.op.depthwise_conv2d import DEPTHWISE_CONV2D
from tvm_tiny.op.fully_connected import FULLY_CONNECTED, FullyConnectedAttrs
from tvm_tiny.op.lookup import LOOKUP
from tvm_tiny.op.max_pool2d import MAX_POOL2D, MaxPool2dAttrs
from tvm_tiny.op.mean import MEAN, SUM, MeanAttrs
from tvm_tiny.op.mul import MUL, MulAttrs
from tvm_tiny.op.operator import NoAttrs, Node, Operator, call, node_of
from tvm_tiny.op.pad import PAD, PadAttrs
from tvm_tiny.op.qdq import shape_of
from tvm_tiny.op.reduce_max import REDUCE_MAX, REDUCE_MIN, ReduceMaxAttrs
from tvm_tiny.op.rounding import quantize_multiplier
from tvm_tiny.op.softmax import SOFTMAX, SoftmaxAttrs, tflite_exponentials
from tvm_tiny.schedule.program import schedule_program
from tvm_tiny.target import get_core
from tvm_tiny.transform.dead_channels import remove_dead_channels
from tvm_tiny.transform.intervals import bindings
from tvm_tiny.transform.pipeline import passes
from tvm_tiny.transform.rebuild import substituted
from tvm_tiny.tvm_compat import tensor_constant

Pair = tuple[int, int]
Four = tuple[int, int, int, int]
Samples = Sequence[dict[str, np.ndarray]]


class IntegerNet:
    """One method per operator; every tensor is int8. Parameters that a test does not care about are drawn from ``seed``."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.builder = relax.BlockBuilder()
        self.inputs: list[relax.Var] = []
        self._steps: list[tuple[relax.Var, relax.Call]] = []

    # ---- layers with weights -----------------------------------------------------------------------------------------------------

    def conv(
        self,
        x: relax.Var,
        weight: np.ndarray,
        bias: np.ndarray | int = 0,
        *,
        scale: float = 0.02,
        strides: Pair = (1, 1),
        padding: Four = (0, 0, 0, 0),
        dilation: Pair = (1, 1),
        pad_value: int = -128,
        limits: Pair = (-128, 127),
        zero_point: int = 0,
        rounding: str = "double",
        depthwise: bool = False,
    ) -> relax.Var:
        """``weight`` is (O, KH, KW, I), depthwise (KH, KW, C*M); ``bias`` may be one number for all channels."""
        channels = weight.shape[2 if depthwise else 0]
        attrs = Conv2dAttrs(strides, padding, dilation, pad_value, zero_point, *limits, rounding)  # type: ignore[arg-type]
        constants = [weight.astype(np.int8), np.broadcast_to(np.int32(bias), channels).copy(), np.full(channels, scale)]
        return self.emit(DEPTHWISE_CONV2D if depthwise else CONV2D, [x, *constants], attrs)

    def dense(
        self,
        x: relax.Var,
        weight: np.ndarray,
        bias: np.ndarray | int = 0,
        *,
        scale: float = 0.02,
        limits: Pair = (-128, 127),
        zero_point: int = 0,
        rounding: str = "double",
    ) -> relax.Var:
        attrs = FullyConnectedAttrs(zero_point, *limits, rounding)  # type: ignore[arg-type]
        constants = [weight.astype(np.int8), np.broadcast_to(np.int32(bias), weight.shape[0]).copy(), np.array([scale])]
        return self.emit(FULLY_CONNECTED, [x, *constants], attrs)

    # ---- elementwise -------------------------------------------------------------------------------------------------------------

    def add(
        self,
        x: relax.Expr | np.ndarray,
        y: relax.Expr | np.ndarray,
        *,
        exact: bool = False,
        subtract: bool = False,
        zero_point: int = 5,
    ) -> relax.Var:
        """``exact`` is ONNX's arithmetic, the other one TFLite's."""
        if exact:
            attrs = AddAttrs(subtract, (3, -7), (700_000_000, 900_000_000), (0, 0), 0, 30, zero_point, -128, 127, True)
        else:
            (first, s0), (second, s1), (last, shift) = (quantize_multiplier(each) for each in (0.5, 0.31, 0.9 / (1 << 19)))
            attrs = AddAttrs(subtract, (3, -7), (first, second), (s0, s1), last, shift, zero_point, -128, 127, False)
        return self.emit(ADD, [x, y], attrs)

    def mul(self, x: relax.Expr | np.ndarray, y: relax.Expr | np.ndarray, *, rounding: str = "double") -> relax.Var:
        return self.emit(MUL, [x, y], MulAttrs((3, -7), *quantize_multiplier(0.01), 2, -128, 127, rounding))  # type: ignore[arg-type]

    def lookup(self, x: relax.Expr, table: np.ndarray) -> relax.Var:
        """``table`` holds the outputs for -128 to 127."""
        return self.emit(LOOKUP, [x, table.astype(np.int8)], NoAttrs())

    def clamped(self, x: relax.Expr, low: int, high: int) -> relax.Var:
        return self.lookup(x, np.clip(np.arange(-128, 128), low, high))

    def softmax(self, x: relax.Expr) -> relax.Var:
        return self.emit(SOFTMAX, [x, tflite_exponentials(0.1, 1.0)], SoftmaxAttrs("tflite", -128, -128, 127))

    # ---- windows and reductions --------------------------------------------------------------------------------------------------

    def max_pool(self, x: relax.Expr, size: int = 2, padding: Four = (0, 0, 0, 0), limits: Pair = (-128, 127)) -> relax.Var:
        return self.emit(MAX_POOL2D, [x], MaxPool2dAttrs((size, size), (2, 2), padding, (1, 1), *limits))

    def average_pool(
        self, x: relax.Expr, *, away: bool = True, scale: float = 1.0, limits: Pair = (-128, 127), offset: int = 0
    ) -> relax.Var:
        """Windows of 3 x 3 in steps of 2, padded by one."""
        _, height, width, _ = shape_of(x)
        counts = [np.array([_inside(size, place) for place in range((size - 1) // 2 + 1)], np.int32) for size in (height, width)]
        ratio = (1, 1) if scale == 1.0 else ()
        attrs = AveragePool2dAttrs((3, 3), (2, 2), (1, 1, 1, 1), (1, 1), scale, ratio, -9, -9, *limits, away, offset)
        return self.emit(AVERAGE_POOL2D, [x, *counts], attrs)

    def mean(self, x: relax.Expr, axes: tuple[int, ...], *, keepdims: bool = False, total: bool = False) -> relax.Var:
        count = int(np.prod([shape_of(x)[axis] for axis in axes]))
        multiplier, shift = quantize_multiplier((0.1 if total else 1.3) / count)
        attrs = MeanAttrs(axes, keepdims, 4 * count, (), multiplier, shift, -3, -128, 127, "double")
        return self.emit(SUM if total else MEAN, [x], attrs)

    def extremum(self, x: relax.Expr, axes: tuple[int, ...], *, largest: bool = True) -> relax.Var:
        return self.emit(REDUCE_MAX if largest else REDUCE_MIN, [x], ReduceMaxAttrs(axes, False, -128, 127))

    # ---- moves -------------------------------------------------------------------------------------------------------------------

    def concatenate(self, *parts: relax.Expr | np.ndarray, axis: int = 3) -> relax.Var:
        return self.emit(CONCATENATE, list(parts), ConcatenateAttrs(axis))

    def pad(self, x: relax.Expr, before: tuple[int, ...], after: tuple[int, ...], value: int) -> relax.Var:
        return self.emit(PAD, [x], PadAttrs(before, after, value))

    def reshape(self, x: relax.Expr, *shape: int) -> relax.Var:
        return self._bind(relax.op.reshape(x, shape))

    def slice(self, x: relax.Expr, axis: int, begin: int, end: int, stride: int = 1) -> relax.Var:
        return self._bind(relax.op.strided_slice(x, [axis], [begin], [end], [stride]))

    def transpose(self, x: relax.Expr, *axes: int) -> relax.Var:
        return self._bind(relax.op.permute_dims(x, list(axes)))

    # ---- the module --------------------------------------------------------------------------------------------------------------

    def input(self, *shape: int) -> relax.Var:
        self.inputs.append(relax.Var(f"x{len(self.inputs)}", relax.TensorType(list(shape), "int8")))
        return self.inputs[-1]

    def emit(self, operator: Operator, args: Sequence[relax.Expr | np.ndarray], attrs: object) -> relax.Var:
        exprs = [tensor_constant(each) if isinstance(each, np.ndarray) else each for each in args]
        return self._bind(call(operator, exprs, attrs))

    def _bind(self, value: relax.Call) -> relax.Var:
        typed = self.builder.normalize(value)
        var = relax.Var(f"t{len(self._steps)}", typed.ty)
        self._steps.append((var, value))
        return var

    def build(self, *outputs: relax.Var) -> tvm.IRModule:
        """The module whose results are ``outputs``; what they do not need is left out."""
        builder, now = relax.BlockBuilder(), {}
        with builder.function("main", self.inputs):
            with builder.dataflow():
                for var, value in self._steps:
                    args = [now.get(each, each) if isinstance(each, relax.Var) else each for each in value.args]
                    now[var] = builder.emit(relax.Call(value.op, args, value.attrs), name_hint=var.name)
                results = [now[each] for each in outputs]
                result = builder.emit_output(relax.Tuple(results) if len(results) > 1 else results[0])
            builder.emit_func_output(result)
        mod = relax.transform.CanonicalizeBindings()(builder.get())
        return relax.transform.DeadCodeElimination()(mod)


def _inside(size: int, place: int) -> int:
    return len([tap for tap in range(2 * place - 1, 2 * place + 2) if 0 <= tap < size])


def call_of(mod: tvm.IRModule, name: str, index: int = 0) -> relax.Call:
    """The ``index``-th call of the operator ``name``."""
    values = [value for _, value in bindings(mod) if isinstance(value, relax.Call)]
    return [value for value in values if str(value.op.name) == f"tiny.{name}"][index]


def node(mod: tvm.IRModule, name: str, index: int = 0) -> Node:
    """The ``index``-th node of the operator ``name``."""
    found = node_of(call_of(mod, name, index))
    assert found is not None
    return found


def compiled(mod: tvm.IRModule) -> CModule:
    """``mod`` as C. Its channels stay as they are: the pass that removes some is left out."""
    for each in passes():
        if each is not remove_dead_channels:
            mod = each(mod)
    main = mod["main"]
    result = main.ret_ty
    types = list(result.fields) if hasattr(result, "fields") else [result]
    inputs = tuple(TensorSpec(var.name, shape_of(var), str(var.ty.dtype)) for var in main.params)
    outputs = tuple(TensorSpec(f"y{i}", tuple(int(n) for n in ty.shape), str(ty.dtype)) for i, ty in enumerate(types))
    core = get_core("c")
    program = schedule_program(mod, Model("m", mod, inputs, outputs, "tflite", b"", {}), core)
    return generate(program, plan_memory(program), core)


@dataclass(frozen=True)
class Outcome:
    """For each sample: the outputs y0, y1, ..., and what each layer wrote, by the name of its variable."""

    outputs: list[dict[str, np.ndarray]]
    layers: list[dict[str, np.ndarray]]


def run(mod: tvm.IRModule, samples: Samples) -> Outcome:
    """``mod`` as C on this machine."""
    module, host = compiled(mod), get_board("host")
    result = host.run(host.build(module, trace=True), samples)
    layers = [
        {layer.output: trace[index].reshape(layer.output_shape) for index, layer in enumerate(module.layers)}
        for trace in result.traces
    ]
    return Outcome(list(result.outputs), layers)


def beside(one: tvm.IRModule, other: tvm.IRModule) -> tvm.IRModule:
    """Both modules as one that reads its inputs once; the outputs of ``one`` come first."""
    params = [relax.Var(param.name, param.ty) for param in one["main"].params]
    builder, results = relax.BlockBuilder(), []
    with builder.function("main", params):
        with builder.dataflow():
            for mod in (one, other):
                now = dict(zip(mod["main"].params, params, strict=True))
                for var, value in bindings(mod):
                    now[var] = builder.emit(substituted(value, now), name_hint=var.name)
                result = now[mod["main"].body.body]
                results += (
                    [builder.emit(relax.TupleGetItem(result, i)) for i in range(len(result.ty.fields))]
                    if _is_tuple(result)
                    else [result]
                )
            output = builder.emit_output(relax.Tuple(results))
        builder.emit_func_output(output)
    return relax.transform.CanonicalizeBindings()(builder.get())


def _is_tuple(expr: relax.Expr) -> bool:
    return isinstance(expr.ty, tvm.ir.TupleType)


def random_inputs(mod: tvm.IRModule, count: int, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """Noise over the whole range, then the lowest and the highest value throughout."""
    rng = np.random.default_rng(seed)
    shapes = {var.name: shape_of(var) for var in mod["main"].params}
    samples = [{name: rng.integers(-128, 128, shape).astype(np.int8) for name, shape in shapes.items()} for _ in range(count)]
    return samples + [{name: np.full(shape, value, np.int8) for name, shape in shapes.items()} for value in (-128, 127)]
