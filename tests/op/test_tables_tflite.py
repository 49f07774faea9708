"""Tables of TFLite's elementwise kernels, over all 256 inputs, against the kernels themselves: LiteRT's and TFLite Micro's.

Scales are drawn over five orders of magnitude, zero points over the whole range with its ends.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from tests.op.tflite_micro import run_tflite_micro
from tvm_tiny.op import tables_tflite
from tvm_tiny.op.qdq import NotInteger, Operand, OutputQuantization
from tvm_tiny.testing.litert_reference import LiteRTReference
from tvm_tiny.testing.tflite_builder import TFLiteBuilder
from tvm_tiny.testing.tflite_file import TensorRecord

Parameters = tuple[float, int]
Build = Callable[[TFLiteBuilder, TensorRecord, float, int], TensorRecord]
Table = Callable[[Operand, OutputQuantization], np.ndarray]

DRAWS = 24
EVERY_INT8 = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)


def parameters(seed: int) -> list[Parameters]:
    """(scale, zero point), ``DRAWS`` + 1 of them."""
    rng = np.random.default_rng(seed)
    scales = np.float32(10.0 ** rng.uniform(-4, 1, DRAWS + 1))
    zero_points = rng.integers(-128, 128, DRAWS + 1)
    zero_points[:3] = -128, 0, 127
    return [(float(scale), int(zero_point)) for scale, zero_point in zip(scales, zero_points, strict=True)]


def limited(output: Parameters, low: float | None = None, high: float | None = None) -> OutputQuantization:
    """The output's parameters with an activation's real limits."""
    scale, zero_point = output

    def stored(real: float) -> int:
        steps = float(np.float32(real) / np.float32(scale))
        return zero_point + int(np.trunc(steps + np.copysign(0.5, steps)))

    lowest = -128 if low is None else min(max(-128, stored(low)), 127)
    return OutputQuantization(scale, zero_point, lowest, 127 if high is None else max(min(127, stored(high)), -128))


def model_of(build: Build, given: Parameters, output: Parameters) -> bytes:
    builder = TFLiteBuilder()
    x = builder.input("x", (1, 256), scale=given[0], zero_point=given[1])
    return builder.build([build(builder, x, *output)])


def litert(model: bytes, x: np.ndarray = EVERY_INT8) -> np.ndarray:
    return LiteRTReference(model).run({"x": x})["y"].ravel()


def micro(model: bytes, x: np.ndarray = EVERY_INT8) -> np.ndarray:
    return run_tflite_micro(model, [{"x": x}])[0][0].ravel()


def unary(code: str) -> Build:
    return lambda builder, x, scale, zero_point: builder.unary(code, x, "y", scale=scale, zero_point=zero_point)


def quantize(builder: TFLiteBuilder, x: TensorRecord, scale: float, zero_point: int) -> TensorRecord:
    return builder.quantize(x, "y", scale=scale, zero_point=zero_point)


def leaky(alpha: float) -> Build:
    return lambda builder, x, scale, zero_point: builder.leaky_relu(x, alpha, "y", scale=scale, zero_point=zero_point)


def gelu(approximate: bool) -> Build:
    fields = {"Approximate": approximate}
    return lambda builder, x, scale, zero_point: builder.operator(
        "GELU", [x], x.shape, "y", scale, zero_point, "GeluOptions", fields
    )


BOTH, LITERT = (litert, micro), (litert,)
KERNELS = {
    "QUANTIZE": (quantize, tables_tflite.requantized, (None, None), BOTH),
    "RELU": (unary("RELU"), tables_tflite.rectified, (0.0, None), BOTH),
    "RELU6": (unary("RELU6"), tables_tflite.rectified, (0.0, 6.0), LITERT),
    "RELU_N1_TO_1": (unary("RELU_N1_TO_1"), tables_tflite.rectified, (-1.0, 1.0), LITERT),
    "LEAKY_RELU": (leaky(0.3), lambda x, y: tables_tflite.leaky_relu(x, y, 0.3), (None, None), BOTH),
    "LEAKY_RELU with a negative slope": (leaky(-1.7), lambda x, y: tables_tflite.leaky_relu(x, y, -1.7), (None, None), BOTH),
    "HARD_SWISH": (unary("HARD_SWISH"), tables_tflite.hard_swish, (None, None), BOTH),
    "ABS": (unary("ABS"), tables_tflite.absolute, (None, None), BOTH),
    "LOG": (
        unary("LOG"),
        lambda x, y: tables_tflite.transformed(x, y, tables_tflite.logarithm(x, y)),
        (None, None),
        LITERT,
    ),
    "GELU": (gelu(False), lambda x, y: tables_tflite.transformed(x, y, tables_tflite.gelu), (None, None), LITERT),
    "GELU, approximate": (
        gelu(True),
        lambda x, y: tables_tflite.transformed(x, y, tables_tflite.gelu_approximate),
        (None, None),
        LITERT,
    ),
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_for_any_parameters(kernel: str) -> None:
    build, table, limits, interpreters = KERNELS[kernel]
    drawn = parameters(len(kernel))
    compared = 0
    for given, output in pairwise(drawn):
        try:
            ours = table(Operand(None, (1, 256), *given), limited(output, *limits))
        except NotInteger:
            assert kernel == "HARD_SWISH"
            assert given[0] / output[0] >= 128
            continue
        model = model_of(build, given, output)
        for interpreter in interpreters:
            np.testing.assert_array_equal(ours, interpreter(model), f"{given} → {output}, {interpreter.__name__}")
            compared += 1
    assert compared >= DRAWS // 2


@pytest.mark.parametrize("code", ["RELU", "RELU6", "ABS", "QUANTIZE"])
def test_equal_parameters(code: str) -> None:
    build = quantize if code == "QUANTIZE" else unary(code)
    limits = {"RELU": (0.0, None), "RELU6": (0.0, 6.0)}.get(code, (None, None))
    table = {"ABS": tables_tflite.absolute, "QUANTIZE": tables_tflite.requantized}.get(code, tables_tflite.rectified)
    for given in parameters(1):
        if code == "RELU6" and given[1] + 6 / given[0] > 300:
            continue  # TFLite Micro's six would not fit
        ours = table(Operand(None, (1, 256), *given), limited(given, *limits))
        model = model_of(build, given, given)
        np.testing.assert_array_equal(ours, litert(model))
        np.testing.assert_array_equal(ours, micro(model))


@pytest.mark.parametrize(
    ("code", "output", "micro_table", "function"),
    [
        ("LOGISTIC", (1 / 256, -128), tables_tflite.logistic, tables_tflite.float_logistic),
        ("TANH", (1 / 128, 0), tables_tflite.tanh, tables_tflite.float_tanh),
    ],
)
def test_squashing_functions_differ_between_litert_and_micro(
    code: str, output: Parameters, micro_table: Table, function: Callable[[np.float32], np.float32]
) -> None:
    build = unary(code)
    for given in [*parameters(3), (8.5, 0), (100.0, -128)]:
        operand, quantization = Operand(None, (1, 256), *given), limited(output)
        model = model_of(build, given, output)
        np.testing.assert_array_equal(micro_table(operand, quantization), micro(model))
        np.testing.assert_array_equal(tables_tflite.transformed(operand, quantization, function), litert(model))


def test_exp_where_it_stays_within_int32() -> None:
    for given, output in zip(parameters(4), parameters(5), strict=True):
        if given[0] * (127 - given[1]) < 18:
            ours = tables_tflite.transformed(Operand(None, (1, 256), *given), limited(output), tables_tflite.exp)
            np.testing.assert_array_equal(ours, litert(model_of(unary("EXP"), given, output)))


def test_what_leaves_int32_saturates() -> None:
    table = tables_tflite.transformed(Operand(None, (1, 256), 1.0, 0), limited((1e-3, 0)), tables_tflite.exp)
    assert table[-1] == 127
    assert table[0] == 0


def test_elu_of_tflite_micro() -> None:
    for given, output in zip(parameters(6), parameters(7), strict=True):
        ours = tables_tflite.transformed(Operand(None, (1, 256), *given), limited(output), tables_tflite.elu_micro)
        np.testing.assert_array_equal(ours, micro(model_of(unary("ELU"), given, output)))


def test_roots_of_what_is_not_negative() -> None:
    inputs = np.maximum(EVERY_INT8, 0)
    indices = inputs.ravel().astype(int) + 128
    for given, output in zip(parameters(8), parameters(9), strict=True):
        given = (given[0], min(given[1], 0))
        operand, quantization = Operand(None, (1, 256), *given), limited(output)
        model = model_of(unary("SQRT"), given, output)
        np.testing.assert_array_equal(tables_tflite.square_root(operand, quantization)[indices], litert(model, inputs))
        model = model_of(unary("RSQRT"), given, output)
        ours = tables_tflite.reciprocal_square_root(operand, quantization)[indices]
        np.testing.assert_array_equal(ours, litert(model, inputs))
        np.testing.assert_array_equal(ours, micro(model, inputs))


def test_negation_is_that_of_stored_values() -> None:
    given = (0.25, 0)
    ours = tables_tflite.negated(Operand(None, (1, 256), *given), limited(given))
    np.testing.assert_array_equal(ours, litert(model_of(unary("NEG"), given, given)))
    assert ours[0] == -128


def test_a_negation_that_tflite_gets_wrong_is_refused() -> None:
    with pytest.raises(NotInteger, match="zero point 0"):
        tables_tflite.negated(Operand(None, (1, 256), 0.25, 5), limited((0.25, 5)))
