"""What is easily lost on the way from a TFLite file into Relax."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tvm import relax

from tests.frontend.imported import bindings, call, imported, operators, run, steps_apart
from tests.frontend.test_tflite_operators import IMAGE, biases, reals, single
from tvm_tiny.model import Model
from tvm_tiny.testing.samples import random_inputs
from tvm_tiny.testing.tflite_builder import TFLiteBuilder
from tvm_tiny.tvm_compat import constant_array


def weights_behind(model: Model, expr: relax.Expr) -> relax.Call:
    """What variable ``expr`` of ``main`` is bound to."""
    (value,) = [value for var, value in bindings(model) if var == expr]
    return value


def test_weights_are_constants_in_the_layout_of_the_convolution(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    x = b.input("x", IMAGE, scale=0.05)
    weights = b.weights("w", reals(1, 3, 2, 8), 3)
    model = imported(tmp_path, b.build([b.depthwise_conv2d(x, weights, biases(8), scale=0.1)]))
    convolution = call(model, "nn.conv2d")
    assert (convolution.attrs.data_layout, convolution.attrs.kernel_layout, convolution.attrs.groups) == ("NHWC", "HWOI", 4)
    stored, scales = (constant_array(argument) for argument in weights_behind(model, convolution.args[1]).args[:2])
    np.testing.assert_array_equal(stored[..., 0], weights.data[0])
    np.testing.assert_array_equal(scales, np.float32(weights.scale))


def test_a_bias_has_the_scale_of_the_accumulator_whatever_the_file_says(tmp_path: Path) -> None:
    """TFLite's kernels never look at the bias's own scale; LiteRT only refuses files where it is far off."""
    b = TFLiteBuilder()
    x = b.input("x", (1, 4), scale=0.05)
    weights = b.weights("w", reals(3, 4), None)
    bias = b.constant("bias", biases(3), 0.05 * weights.scale[0] * 1.01)
    y = b.operator("FULLY_CONNECTED", [x, weights, bias], (1, 3), scale=0.1, options="FullyConnectedOptions")
    model = imported(tmp_path, b.build([y]))
    scale = constant_array(weights_behind(model, call(model, "add").args[1]).args[1])
    assert scale == np.float32(0.05) * np.float32(weights.scale[0])
    assert steps_apart(model) <= 1


@pytest.mark.parametrize(("scale", "high"), [(0.5, 12 - 3), (4 / 9, 14 - 3), (12 / 5, 3 - 3), (0.02, 127)])
def test_the_limit_of_relu6_rounds_half_away_from_zero(tmp_path: Path, scale: float, high: int) -> None:
    """6 / (12 / 5) is 2.5: TFLite makes 3 of it, Python's round would make 2."""
    model = single(tmp_path, lambda b, x: b.add(x, x, scale=scale, zero_point=-3, activation="RELU6"))
    clip = call(model, "clip")
    assert [float(limit.value.value if hasattr(limit.value, "value") else limit.value) for limit in clip.args[1:]] == [-3.0, high]
    assert steps_apart(model) <= 1


def test_two_tensors_of_one_name_stay_two(tmp_path: Path) -> None:
    """TVM's importer takes tensors of one name for the same tensor."""
    b = TFLiteBuilder()
    x = b.input("x", (1, 4), scale=0.05)
    y = b.add(
        b.unary("ABS", x, "same", scale=0.05, zero_point=0), b.unary("RELU", x, "same", scale=0.05, zero_point=0), "y", scale=0.1
    )
    model = imported(tmp_path, b.build([y]))
    assert list(model.tensor_names.values()) == ["x", "same", "same#2", "y"]
    assert steps_apart(model) <= 1


def test_a_shape_that_the_model_computes_is_taken_from_the_file(tmp_path: Path) -> None:
    """Keras writes SHAPE → STRIDED_SLICE → PACK → RESHAPE for Flatten with an open batch."""
    b = TFLiteBuilder()
    x = b.input("x", IMAGE, "float32", shape_signature=(-1, *IMAGE[1:]))
    shape = b.operator("SHAPE", [x], (4,), options="ShapeOptions", fields={"OutType": 2}, dtype="int32")
    one = b.constant("one", np.int32([0])), b.constant("two", np.int32([1])), b.constant("three", np.int32([1]))
    batch = b.operator("STRIDED_SLICE", [shape, *one], (), options="StridedSliceOptions", fields={"ShrinkAxisMask": 1})
    target = b.operator("PACK", [batch, b.constant("rest", np.int32(288))], (2,), options="PackOptions", fields={"ValuesCount": 2})
    model = imported(tmp_path, b.build([b.operator("RESHAPE", [x, target], (1, 288), options="ReshapeOptions")]))
    assert operators(model) == ["reshape"]
    assert steps_apart(model) == 0


def test_a_convolution_without_bias(tmp_path: Path) -> None:
    """TFLite Micro allows it, LiteRT's int8 kernel does not: held against the same convolution with a bias of zeros."""
    weights, results = reals(6, 3, 3, 4), []
    for bias in (None, np.zeros(6, np.int32)):
        model = single(tmp_path, lambda b, x, bias=bias: b.conv2d(x, b.weights("w", weights), bias, "y", scale=0.1))
        assert ("add" in operators(model)) == (bias is not None)
        results.append(run(model, random_inputs(model.inputs, 1)[0])[0])
    np.testing.assert_array_equal(*results)


def test_sum_adds_signed_values(tmp_path: Path) -> None:
    """Held against NumPy: the int8 kernel of LiteRT 2.3 takes its input for unsigned."""
    fields = {"KeepDims": False}
    model = single(
        tmp_path,
        lambda b, x: b.operator("SUM", [x, b.constant("a", np.int32([3]))], (1, 9, 8), "", 0.2, 4, "ReducerOptions", fields),
    )
    assert operators(model) == ["dequantize", "sum", "quantize"]
    (inputs,) = random_inputs(model.inputs, 1)
    expected = np.clip(np.rint((inputs["x"].astype(int) + 7).sum(3) * 0.05 / 0.2) + 4, -128, 127)
    assert np.abs(run(model, inputs)[0] - expected).max() <= 1
