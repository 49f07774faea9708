"""Channels-first graphs are computed channels-last: what transposes remain, and that the numbers stay the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tvm
from tvm import relax

from tests.op.helpers import compile_onnx, operators, random_samples
from tests.op.test_moves import SHAPE
from tvm_tiny.op.operator import is_ours, node_of, notes_of, source_of
from tvm_tiny.op.qdq import Arithmetic, op_name, shape_of
from tvm_tiny.testing.onnx_builder import OnnxBuilder, Value
from tvm_tiny.transform.axes import composed, identity, inverse, keeps_memory_order, permuted
from tvm_tiny.transform.channels_last import channels_last
from tvm_tiny.transform.lower_integer import lower_integer

RNG = np.random.default_rng(0)


class Net(OnnxBuilder):
    """Channels-first layers with random weights; each output has scale 0.1 and zero point 3."""

    def conv2(self, x: Value, channels: int, filters: int, name: str = "") -> Value:
        kernel = self.weights(self._name("w"), RNG.normal(size=(filters, channels, 3, 3)).astype(np.float32) / 4)
        return self.operator("Relu", [self.conv(x, kernel, None, pads=(1, 1, 1, 1))], name, 0.1, 3)

    def dense(self, x: Value, depth: int, units: int, name: str = "") -> Value:
        return self.gemm(
            x, self.weights(self._name("w"), RNG.normal(size=(units, depth)).astype(np.float32)), None, name, scale=1.0
        )

    def plain(self, kind: str, *operands: Value, name: str = "", **attributes: object) -> Value:
        return self.operator(kind, operands, name, 0.1, 3, attributes)  # type: ignore[arg-type]


def lowered(source: bytes, tmp: object = None) -> tvm.IRModule:
    """After the integer lowering and before this pass."""
    from tests.op.helpers import load_onnx  # the frontend's reader

    model = load_onnx(source, "model", tmp)  # type: ignore[arg-type]
    mod = lower_integer(model, Arithmetic("onnx")).mod
    return relax.transform.CanonicalizeBindings()(mod)


def calls(mod: tvm.IRModule) -> list[relax.Call]:
    bindings = [binding for block in mod["main"].body.blocks for binding in block.bindings]
    return [binding.value for binding in bindings if isinstance(binding.value, relax.Call)]


def transposes(mod: tvm.IRModule) -> list[tuple[int, ...]]:
    """Shapes of what is transposed."""
    return [shape_of(call.args[0]) for call in calls(mod) if op_name(call) == "relax.permute_dims"]


def same_numbers(
    source: bytes, shapes: dict[str, tuple[int, ...]], monkeypatch: pytest.MonkeyPatch, dtype: str = "int8"
) -> list[str]:
    """Compiled with the pass and without it, both give the same; the operators with it."""
    samples = random_samples(shapes, 5, dtype=dtype)
    with_pass = compile_onnx(source)
    with monkeypatch.context() as context:
        context.setattr("tvm_tiny.transform.pipeline.channels_last", lambda mod: mod)
        without = compile_onnx(source)
    for ours, theirs in zip(with_pass.run(samples).outputs, without.run(samples).outputs, strict=True):
        for name, expected in theirs.items():
            np.testing.assert_array_equal(ours[name], expected, name)
    return operators(with_pass)


def classifier(channels: int) -> bytes:
    net = Net()
    x = net.input("x", (1, channels, 8, 8), scale=0.1, zero_point=3)
    first = net.max_pool(net.conv2(x, channels, 4, "c1"), (2, 2), "p1", strides=(2, 2), scale=0.1, zero_point=3)
    total = net.plain("Add", net.conv2(first, 4, 4, "c2"), first, name="sum")
    return net.build([net.dense(net.plain("Flatten", total, name="flat"), 64, 5, "y")])


@pytest.mark.parametrize(("channels", "expected"), [(3, [(1, 3, 8, 8)]), (1, [])])
def test_a_classifier_keeps_one_transpose_at_its_input_and_none_with_one_channel(
    channels: int, expected: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = classifier(channels)
    before = lowered(source)
    assert len(transposes(before)) == 6
    assert transposes(channels_last(before)) == expected
    names = same_numbers(source, {"x": (1, channels, 8, 8)}, monkeypatch)
    assert names == ["transpose"] * len(expected) + ["conv2d", "max_pool2d", "conv2d", "add", "fully_connected"]


def test_the_layout_tells_how_a_tensor_of_the_file_is_held() -> None:
    held = {source_of(call): call for call in calls(channels_last(lowered(classifier(3)))) if is_ours(call)}
    for name in ("c1", "p1", "c2", "sum"):
        assert notes_of(held[name])["layout"] == (0, 2, 3, 1), name
    node = node_of(held["sum"])
    assert node is not None
    assert node.output.shape == (1, 4, 4, 4)
    assert "layout" not in notes_of(held["y"])


def _elementwise(net: Net, x: Value) -> Value:
    """Broadcasting operands: per channel, per row, of lower rank, scalar."""
    per_channel = net.quantized_constant("k1", RNG.integers(-128, 128, (1, 4, 1, 1)).astype(np.int8), 0.05, 3)
    per_column = net.quantized_constant("k2", RNG.integers(-128, 128, (8,)).astype(np.int8), 0.05, 3)
    full = net.quantized_constant("k3", RNG.integers(-128, 128, (1, 4, 6, 8)).astype(np.int8), 0.05, 3)
    gate = net.plain("Sigmoid", net.plain("GlobalAveragePool", x))
    for kind, operand in (("Mul", per_channel), ("Add", per_column), ("Sub", full), ("Mul", gate)):
        x = net.plain(kind, x, operand)
    return net.plain("Mul", net.constant("k4", np.float32(1.7)), x)


def _concat(net: Net, x: Value) -> Value:
    return net.plain("Concat", x, net.plain("Neg", x), net.conv2(x, 4, 2), axis=1)


def _pad(net: Net, x: Value) -> Value:
    return net.pad(x, (0, 1, 2, 0, 0, 0, 1, 3), scale=0.1, zero_point=3)


def _slice(net: Net, x: Value) -> Value:
    begin, end, axes = (net.constant(name, np.array(n, np.int64)) for name, n in (("b", (1, 2)), ("e", (3, 6)), ("a", (1, 3))))
    return net.plain("Slice", x, begin, end, axes)


def _squeeze_and_excite(net: Net, x: Value) -> Value:
    pooled = net.plain("Flatten", net.plain("GlobalAveragePool", x))
    gate = net.reshape(net.plain("Sigmoid", net.dense(pooled, 4, 4)), (1, 4, 1, 1), scale=0.1, zero_point=3)
    return net.plain("Mul", x, gate)


def _mean(net: Net, x: Value) -> Value:
    return net.plain("ReduceMean", x, axes=(2, 3), keepdims=0)


def _mean_of_channels(net: Net, x: Value) -> Value:
    return net.plain("ReduceMean", x, axes=(1,), keepdims=1)


def _largest_row(net: Net, x: Value) -> Value:
    return net.plain("ReduceMax", x, axes=(2,), keepdims=0)


def _softmax_of_channels(net: Net, x: Value) -> Value:
    return net.operator("Softmax", [x], "", 1 / 256, -128, {"axis": 1})


def _softmax_of_columns(net: Net, x: Value) -> Value:
    return net.operator("Softmax", [x], "", 1 / 256, -128, {"axis": 3})


def _flat_function(net: Net, x: Value) -> Value:
    return net.dense(net.plain("Tanh", net.plain("Flatten", x)), 192, 3)


def _rows_of_two(net: Net, x: Value) -> Value:
    """A fully connected layer whose rows are not the rows that lie in memory."""
    return net.dense(net.reshape(x, (2, 96), scale=0.1, zero_point=3), 96, 3)


BODIES: dict[str, tuple[Callable[[Net, Value], Value], int]] = {
    "elementwise": (_elementwise, 2),
    "concat": (_concat, 2),
    "pad": (_pad, 2),
    "slice": (_slice, 2),
    "squeeze and excite": (_squeeze_and_excite, 2),
    "mean": (_mean, 1),
    "mean of channels": (_mean_of_channels, 1),
    "largest row": (_largest_row, 2),
    "softmax of channels": (_softmax_of_channels, 2),
    "softmax of columns": (_softmax_of_columns, 2),
    "function of the flat tensor": (_flat_function, 1),
    "rows across memory": (_rows_of_two, 2),
}


@pytest.mark.parametrize("name", BODIES)
def test_operators_follow(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between a convolution and the output nothing but the one transpose at each end remains."""
    body, remaining = BODIES[name]
    net = Net()
    x = net.input("x", SHAPE, scale=0.1, zero_point=3)
    source = net.build([body(net, net.conv2(x, 4, 4))])
    assert len(transposes(channels_last(lowered(source)))) == remaining
    same_numbers(source, {"x": SHAPE}, monkeypatch)


def test_a_float_input_is_quantised_before_it_is_moved() -> None:
    net = Net()
    x = net.input("x", SHAPE, scale=0.1, zero_point=3, dtype="float32")
    mod = channels_last(lowered(net.build([net.conv2(x, 4, 4)])))
    assert [op_name(call) for call in calls(mod)][:2] == ["tiny.quantize", "relax.permute_dims"]


def test_an_output_in_float_is_moved_before_it_is_dequantised() -> None:
    net = Net()
    x = net.input("x", SHAPE, scale=0.1, zero_point=3)
    mod = channels_last(lowered(net.build([net.conv2(x, 4, 4)], dequantized=True)))
    assert [op_name(call) for call in calls(mod)][-2:] == ["relax.permute_dims", "tiny.dequantize"]


@pytest.mark.parametrize("seed", range(6))
def test_random_networks(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers in any order, with branches that meet again."""
    rng = np.random.default_rng(seed)
    net = Net("uint8" if seed % 2 else "int8")
    x = net.input("x", (1, 3, 6, 8), scale=0.1, zero_point=3, dtype="float32" if seed == 0 else "")
    branches = [net.conv2(x, 3, 4), net.plain("Concat", x, net.plain("ReduceMean", x, axes=(1,), keepdims=1), axis=1)]
    layers: list[Callable[[Value], Value]] = [
        lambda v: net.conv2(v, 4, 4),
        lambda v: net.plain("Tanh", v),
        lambda v: net.plain("Transpose", net.plain("Transpose", v, perm=(0, 3, 1, 2)), perm=(0, 2, 3, 1)),
        lambda v: net.max_pool(v, (3, 3), strides=(1, 1), pads=(1, 1, 1, 1), scale=0.1, zero_point=3),
        lambda v: net.reshape(net.plain("Flatten", v), (1, 4, 6, 8), scale=0.1, zero_point=3),
        lambda v: net.plain("Mul", v, net.plain("Sigmoid", net.plain("GlobalAveragePool", v))),
    ]
    for _ in range(7):
        first, second = rng.integers(0, len(branches), 2)
        branches.append(net.plain("Add", layers[rng.integers(len(layers))](branches[first]), branches[second]))
    flat = net.dense(net.plain("Flatten", branches[-1]), 192, 5)
    dtype = "float32" if seed == 0 else "uint8" if seed % 2 else "int8"
    source = net.build([flat, branches[-2]])
    if dtype == "float32":
        pytest.importorskip("onnxruntime")
        samples = [{"x": rng.normal(size=(1, 3, 6, 8), scale=5).astype(np.float32)}]
        monkeypatch.setattr("tests.transform.test_channels_last.random_samples", lambda *_a, **_k: samples)
    same_numbers(source, {"x": (1, 3, 6, 8)}, monkeypatch, dtype)


def test_orders_of_axes() -> None:
    x = RNG.normal(size=(2, 3, 4, 5))
    first, second = (0, 2, 3, 1), (3, 1, 0, 2)
    np.testing.assert_array_equal(x.transpose(first).transpose(second), x.transpose(composed(first, second)))
    assert composed(first, inverse(first)) == identity(first)
    assert permuted((2, 3, 4, 5), first) == x.transpose(first).shape
    assert keeps_memory_order((1, 1, 4, 5), first)
    assert not keeps_memory_order((1, 3, 4, 5), first)
