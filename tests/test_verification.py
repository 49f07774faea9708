"""Inner tensors that have lost channels are compared with the channels of the reference that are left."""

from __future__ import annotations

import numpy as np
import pytest

from tests.op.helpers import compile_onnx, compile_tflite
from tvm_tiny.board import get_board
from tvm_tiny.codegen.sources import LayerInfo
from tvm_tiny.frontend.onnx import load_onnx
from tvm_tiny.frontend.tflite import load_tflite
from tvm_tiny.testing.onnx_builder import OnnxBuilder
from tvm_tiny.testing.tflite_builder import TFLiteBuilder
from tvm_tiny.verification import Verification, _compare, as_in_file, live_part, verify_model

RNG = np.random.default_rng(5)


def layer(shape: tuple[int, ...], layout: tuple[int, ...] | None, channels: tuple[int, ...] | None) -> LayerInfo:
    return LayerInfo(
        "l", "m_l", "conv2d", 0, 0, "default", "cpu", True, "t", shape, "int8", "file/t", layout, 0, output_channels=channels
    )


def test_a_whole_tensor_is_compared_as_it_is() -> None:
    reference = np.arange(24).reshape(1, 2, 3, 4)
    assert live_part(reference, layer((1, 2, 3, 4), None, None)) is reference


def test_channels_are_taken_along_the_last_axis() -> None:
    reference = np.arange(24).reshape(1, 2, 3, 4)
    assert np.array_equal(live_part(reference, layer((1, 2, 3, 2), None, (1, 3))), reference[..., [1, 3]])


def test_channels_of_a_channels_first_file_are_taken_along_its_own_axis() -> None:
    reference = np.arange(24).reshape(1, 4, 2, 3)
    info = layer((1, 2, 3, 2), (0, 2, 3, 1), (1, 3))
    part = live_part(reference, info)
    assert np.array_equal(part, reference[:, [1, 3]])
    stored = np.ascontiguousarray(part.transpose(0, 2, 3, 1)).astype(np.int8)
    assert np.array_equal(as_in_file(stored.reshape(-1), info), part)


def test_extents_of_one_may_differ_from_the_files() -> None:
    # A mean that the file has as (1, 4) is computed as (1, 1, 1, 4).
    part = live_part(np.array([[5, 6, 7, 8]]), layer((1, 1, 1, 3), None, (0, 2, 3)))
    assert part.reshape(-1).tolist() == [5, 7, 8]


def dead(weights: np.ndarray, axis: int, *channels: int) -> np.ndarray:
    """``weights`` that are zero for some ``channels`` along ``axis``."""
    weights[(slice(None),) * axis + (list(channels),)] = 0
    return weights.astype(np.float32)


def tflite_model() -> bytes:
    """A residual block behind which two of six channels are read by nobody, and one is constant."""
    b = TFLiteBuilder()
    x = b.input("x", (1, 6, 6, 2), scale=0.05, zero_point=-3)
    first = b.weights("w1", dead(RNG.normal(size=(6, 3, 3, 2)), 0, 4))
    y = b.conv2d(x, first, RNG.integers(-500, 500, 6).astype(np.int32), "first", scale=0.06, zero_point=-128, activation="RELU")
    depthwise = b.weights("w2", dead(RNG.normal(size=(1, 3, 3, 6)), 3, 4), axis=3)
    z = b.depthwise_conv2d(y, depthwise, np.zeros(6, np.int32), "depthwise", scale=0.06, zero_point=-128, activation="RELU")
    total = b.add(y, z, "sum", scale=0.1, zero_point=-128)
    last = b.weights("w3", dead(RNG.normal(size=(3, 1, 1, 6)), 3, 0, 5))
    out = b.conv2d(b.max_pool2d(total, (2, 2), "pool"), last, np.zeros(3, np.int32), "last", scale=0.2, zero_point=4)
    return b.build([out])


def onnx_model() -> bytes:
    net = OnnxBuilder()
    x = net.input("x", (1, 2, 6, 6), scale=0.05, zero_point=-3)
    first = net.weights("w1", dead(RNG.normal(size=(6, 2, 3, 3)), 0, 4))
    y = net.conv(x, first, None, "first", pads=(1, 1, 1, 1), scale=0.06, zero_point=-3)
    last = net.weights("w3", dead(RNG.normal(size=(3, 6, 1, 1)), 1, 0, 5))
    pool = net.max_pool(y, (2, 2), "pool", strides=(2, 2), scale=0.06, zero_point=-3)
    return net.build([net.conv(pool, last, None, "last", scale=0.2)])


def verified(source: bytes, kind: str) -> Verification:
    model = load_tflite(source, "model", "model.tflite") if kind == "tflite" else load_onnx(source, "model", None)  # type: ignore[arg-type]
    compiled = compile_tflite(source) if kind == "tflite" else compile_onnx(source)
    return verify_model(
        model,
        compiled,
        get_board("host"),
        samples=5,
        seed=0,
        layers=True,
        inputs=None,
        expected=None,
        progress=lambda _step: None,
    )


@pytest.mark.parametrize(
    ("kind", "elements"),
    [
        # Four of six channels are left: 4 is constant, and 0 and 5 nobody reads.
        ("tflite", {"first": 36 * 3, "depthwise": 36 * 3, "sum": 36 * 3, "pool": 9 * 3, "last": 9 * 3}),
        ("onnx", {"first": 36 * 3, "pool": 9 * 3, "last": 9 * 3}),
    ],
)
def test_every_layer_of_a_network_with_dead_channels_equals_the_reference(kind: str, elements: dict[str, int]) -> None:
    found = verified(tflite_model() if kind == "tflite" else onnx_model(), kind)
    assert found.mismatches == 0
    compared = {each.tensor: each.elements // 5 for each in found.layers}
    assert {name: compared[name] for name in elements} == elements
    report = found.run.report
    assert report["live_macs"] < report["macs"]


@pytest.mark.filterwarnings("error")
def test_what_is_no_number_on_both_sides_is_the_same() -> None:
    ours = np.array([np.nan, np.inf, -np.inf, 1.0, np.nan, np.inf], np.float32)
    alike = _compare("t", "", [(ours[:4], ours[:4].copy())])
    assert (alike.mismatches, alike.max_abs_diff) == (0, 0.0)
    apart = _compare("t", "", [(ours, np.array([np.nan, np.inf, -np.inf, 1.5, 0.0, -np.inf], np.float32))])
    assert (apart.mismatches, apart.max_abs_diff) == (3, np.inf)


def test_long_integers_are_compared_exactly() -> None:
    """float64 holds neither of them."""
    assert _compare("t", "", [(np.array([2**60 + 1]), np.array([2**60]))]).mismatches == 1
