import numpy as np
import pytest

from .native import Runtime

SCALES = np.float32([0.5, 1 / 256, 0.0235294122, 3.0])


def reals(scale: np.float32) -> np.ndarray:
    rng = np.random.default_rng(9)
    ties = (np.arange(-300, 300, dtype=np.float32) + np.float32(0.5)) * scale
    return np.concatenate([ties, rng.normal(0, 100, 3000).astype(np.float32) * scale, np.float32([0, -0.0, np.inf, -np.inf, 1e30])])


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    ("zero_point", "low", "high"), [(0, -128, 127), (-128, -128, 127), (127, -128, 127), (7, -32768, 32767), (200, 0, 255)]
)
def test_quantize_rounds_halves_away_from_zero(runtime: Runtime, scale: np.float32, zero_point: int, low: int, high: int) -> None:
    x = reals(scale)
    with np.errstate(over="ignore"):
        ratio = (x / scale).astype(np.float64)
    expected = np.clip(np.trunc(ratio + np.copysign(0.5, ratio)) + zero_point, low, high)
    assert np.array_equal(runtime("tvm_tiny_quantize_f32", x, scale, zero_point, low, high), expected)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("zero_point", "low", "high"), [(0, -128, 127), (-128, -128, 127), (200, 0, 255)])
def test_quantize_even_is_onnx_quantize_linear(runtime: Runtime, scale: np.float32, zero_point: int, low: int, high: int) -> None:
    import onnx
    from onnx.reference import ReferenceEvaluator

    dtype = np.uint8 if low == 0 else np.int8
    x = reals(scale)[:-3]  # without the infinities, which ONNX leaves open
    node = onnx.helper.make_node("QuantizeLinear", ["x", "scale", "zero_point"], ["y"])
    expected = ReferenceEvaluator(node).run(None, {"x": x, "scale": scale, "zero_point": dtype(zero_point)})[0]
    assert np.array_equal(runtime("tvm_tiny_quantize_even_f32", x, scale, zero_point, low, high), expected)


def test_quantize_of_nan_is_the_zero_point(runtime: Runtime) -> None:
    assert runtime("tvm_tiny_quantize_f32", np.float32(np.nan), np.float32(0.1), -5, -128, 127).tolist() == [-5]
    assert runtime("tvm_tiny_quantize_even_f32", np.float32(np.nan), np.float32(0.1), -5, -128, 127).tolist() == [-5]


@pytest.mark.parametrize("scale", SCALES)
def test_dequantize_all_of_int16(runtime: Runtime, scale: np.float32) -> None:
    q = np.arange(-(2**15), 2**15)
    expected = (np.float64(scale) * (q + 128)).astype(np.float32)  # TFLite multiplies in double
    assert np.array_equal(runtime("tvm_tiny_dequantize", q, scale, -128), expected)
