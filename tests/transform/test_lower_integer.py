"""A quantised graph goes in, a module of integer operators comes out; what stays float is named with its reason."""

from __future__ import annotations

import numpy as np
import pytest
import tvm
from tvm import relax

from tvm_tiny.model import Model
from tvm_tiny.op.operator import node_of
from tvm_tiny.op.qdq import Arithmetic
from tvm_tiny.transform.lower_integer import Lowered, lower_integer

RNG = np.random.default_rng(0)


class Graph:
    """Builds a Relax ``main`` of one int8 input; ``q`` and ``dq`` are quantize and dequantize."""

    def __init__(self, shape: tuple[int, ...], dtype: str = "int8") -> None:
        self.builder = relax.BlockBuilder()
        self.x = relax.Var("x", relax.TensorType(list(shape), dtype))

    def dq(self, x: relax.Expr, scale: float = 0.5, zero_point: int = 3, axis: int = 0) -> relax.Expr:
        return self.emit(relax.op.dequantize(x, relax.const(scale, "float32"), relax.const(zero_point, "int32"), axis=axis))

    def weights(self, *shape: int, scale: float = 0.25) -> relax.Expr:
        data = relax.const(RNG.integers(-127, 128, shape).astype(np.int8))
        return self.emit(relax.op.dequantize(data, relax.const(scale, "float32"), relax.const(0, "int32"), axis=0))

    def q(self, x: relax.Expr, scale: float = 2.0, zero_point: int = -7, dtype: str = "int8") -> relax.Expr:
        return self.emit(
            relax.op.quantize(x, relax.const(scale, "float32"), relax.const(zero_point, "int32"), axis=0, out_dtype=dtype)
        )

    def emit(self, expr: relax.Expr) -> relax.Expr:
        self.pending.append(expr)
        return self.builder.emit(expr)

    def lower(self, body: object, style: str = "tflite-micro") -> Lowered:
        self.pending: list[relax.Expr] = []
        with self.builder.function("main", [self.x]):
            with self.builder.dataflow():
                result = self.builder.emit_output(body(self))  # type: ignore[operator]
            self.builder.emit_func_output(result)
        model = Model("m", self.builder.get(), (), (), "tflite", b"", {})
        return lower_integer(model, Arithmetic(style))  # type: ignore[arg-type]


def operators(mod: tvm.IRModule) -> list[str]:
    """Names of the operators that ``main`` calls, in order."""
    bindings = [binding for block in mod["main"].body.blocks for binding in block.bindings]
    return [str(binding.value.op.name) for binding in bindings if isinstance(binding.value, relax.Call)]


def nodes(mod: tvm.IRModule) -> list[object]:
    bindings = [binding for block in mod["main"].body.blocks for binding in block.bindings]
    return [node for binding in bindings if isinstance(binding.value, relax.Call) and (node := node_of(binding.value))]


def convolution(g: Graph, **attrs: object) -> relax.Expr:
    layouts = {"data_layout": "NHWC", "kernel_layout": "HWIO"}
    return g.emit(relax.op.nn.conv2d(g.dq(g.x), g.weights(3, 3, 4, 8), **layouts, **attrs))  # type: ignore[arg-type]


def test_dequantize_conv2d_quantize_is_one_integer_convolution() -> None:
    lowered = Graph((1, 6, 6, 4)).lower(lambda g: g.q(convolution(g, padding=1)))
    assert operators(lowered.mod) == ["tiny.conv2d"]
    assert lowered.remarks == ()
    (node,) = nodes(lowered.mod)
    assert node.output.shape == (1, 6, 6, 8)
    assert node.attrs.pad_value == 3
    assert node.attrs.zero_point == -7
    assert (node.attrs.low, node.attrs.high) == (-128, 127)
    assert node.constant(3) == pytest.approx(np.full(8, 0.5 * 0.25 / 2.0))


def test_the_zero_point_of_the_input_is_folded_into_the_bias() -> None:
    lowered = Graph((1, 6, 6, 4)).lower(lambda g: g.q(convolution(g)))
    (node,) = nodes(lowered.mod)
    weight = node.constant(1).astype(np.int64)
    assert np.array_equal(node.constant(2), -3 * weight.reshape(8, -1).sum(axis=1))


@pytest.mark.parametrize("channels", [4])
def test_one_group_for_each_channel_is_a_depthwise_convolution(channels: int) -> None:
    def body(g: Graph) -> relax.Expr:
        kernel = g.weights(3, 3, channels, 1)
        return g.q(g.emit(relax.op.nn.conv2d(g.dq(g.x), kernel, groups=channels, data_layout="NHWC", kernel_layout="HWOI")))

    assert operators(Graph((1, 6, 6, channels)).lower(body).mod) == ["tiny.depthwise_conv2d"]


def test_a_relu_in_between_becomes_the_lower_limit() -> None:
    lowered = Graph((1, 6, 6, 4)).lower(lambda g: g.q(g.emit(relax.op.nn.relu(convolution(g)))))
    (node,) = nodes(lowered.mod)
    assert (node.attrs.low, node.attrs.high) == (-7, 127)


def test_an_integer_clip_behind_becomes_the_limits() -> None:
    lowered = Graph((1, 6, 6, 4)).lower(lambda g: g.emit(relax.op.clip(g.q(convolution(g)), -7, 20)))
    assert operators(lowered.mod) == ["tiny.conv2d"]
    (node,) = nodes(lowered.mod)
    assert (node.attrs.low, node.attrs.high) == (-7, 20)


def test_a_uint8_output_is_held_as_int8_inside() -> None:
    lowered = Graph((1, 6, 6, 4)).lower(lambda g: g.q(g.dq(g.q(convolution(g), zero_point=121, dtype="uint8"), 2.0, 121), 2.0, -7))
    node = nodes(lowered.mod)[0]
    assert (node.attrs.zero_point, node.attrs.low, node.attrs.high) == (-7, -128, 127)


def test_an_accumulator_that_could_overflow_is_refused_with_its_reach() -> None:
    def body(g: Graph) -> relax.Expr:
        bias = relax.const(np.full(8, 2**31 - 1, np.int32))
        real = g.emit(relax.op.dequantize(bias, relax.const(0.125, "float32"), relax.const(0, "int32"), axis=0))
        return g.q(g.emit(relax.op.add(convolution(g), real)))

    (remark,) = Graph((1, 6, 6, 4)).lower(body).remarks
    assert "can overflow" in remark.reason


def test_a_grouped_convolution_stays_float_and_says_why() -> None:
    def body(g: Graph) -> relax.Expr:
        kernel = g.weights(3, 3, 2, 8)
        return g.q(g.emit(relax.op.nn.conv2d(g.dq(g.x), kernel, groups=2, data_layout="NHWC", kernel_layout="HWIO")))

    lowered = Graph((1, 6, 6, 4)).lower(body)
    assert "relax.nn.conv2d" in operators(lowered.mod)
    (remark,) = lowered.remarks
    assert remark.operator == "conv2d"
    assert "2 groups for 4 input channels" in remark.reason
