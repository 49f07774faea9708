"""Float ONNX to int8 QDQ."""

import sys

import numpy as np
import pytest

import tvm_tiny
from tvm_tiny.errors import InputError, ModelError, ToolchainError
from tvm_tiny.quantize.onnx import quantize
from tvm_tiny.testing.onnx_builder import OnnxBuilder
from tvm_tiny.testing.onnx_reference import OnnxRuntimeReference, load_onnx

RNG = np.random.default_rng(4)
CONV = RNG.normal(0, 0.4, (6, 3, 3, 3)).astype(np.float32) * np.array([0.01, 0.1, 1, 1, 2, 4], np.float32).reshape(6, 1, 1, 1)


def float_model(opset=13, batch=1, inputs=("x",)):
    b = OnnxBuilder(opset=opset)
    values = [b.input(name, (batch, 3, 8, 8)) for name in inputs]
    x = values[0] if len(values) == 1 else b.operator("Add", values, "sum")
    y = b.conv(x, b.constant("w", CONV), np.ones(6, np.float32), "conv", pads=(1, 1, 1, 1))
    return b.build([b.operator("Relu", [y], "y")])


DATA = RNG.normal(0, 1, (20, 1, 3, 8, 8)).astype(np.float32)


def constants(source):
    import onnx

    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in load_onnx(source).graph.initializer}


def operators(source):
    return [node.op_type for node in load_onnx(source).graph.node]


def test_quantized_model_stays_near_the_float_one():
    model = float_model()
    quantized = quantize(model, DATA)
    assert operators(quantized).count("QuantizeLinear") == 2
    assert constants(quantized)["w_quantized"].dtype == np.int8
    expected, found = (OnnxRuntimeReference(m).run({"x": DATA[3]})["y"] for m in (model, quantized))
    assert 0 < np.abs(expected - found).max() < 0.02 * expected.max()


def test_a_scale_for_each_channel_or_one_for_all():
    per_channel = constants(quantize(float_model(), DATA))["w_scale"]
    np.testing.assert_allclose(per_channel, np.abs(CONV).max((1, 2, 3)) / 127, rtol=1e-5)
    per_tensor = constants(quantize(float_model(), DATA, per_channel=False))["w_scale"]
    assert per_tensor.size == 1


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_dtype_of_activations(dtype):
    quantized = quantize(float_model(), DATA, activations=dtype)
    assert constants(quantized)["x_zero_point"].dtype == dtype
    assert constants(quantized)["w_quantized"].dtype == np.int8


def test_ranges_come_from_the_calibration_data():
    data = np.clip(DATA, -1, 0.5)
    scale = constants(quantize(float_model(), data))["x_scale"]
    assert scale == pytest.approx(1.5 / 255, rel=1e-3)


def test_forms_of_calibration_data_that_mean_the_same(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(float_model())
    expected = quantize(float_model(), DATA)
    assert quantize(path, DATA) == expected
    assert quantize(str(path), ({"x": sample} for sample in DATA)) == expected
    assert quantize(path, DATA[:, 0]) == expected
    assert quantize(path, DATA.astype(np.float64)) == expected
    assert tvm_tiny.quantize(path, DATA) == expected


def test_a_dynamic_batch_is_calibrated_one_by_one():
    assert "QuantizeLinear" in operators(quantize(float_model(batch="n"), DATA[:, 0]))


def test_an_older_opset_is_brought_to_one_that_knows_channels():
    quantized = load_onnx(quantize(float_model(opset=11), DATA))
    assert [(entry.domain, entry.version) for entry in quantized.opset_import] == [("", 13)]


def test_batch_normalization_is_folded():
    b = OnnxBuilder()
    y = b.conv(b.input("x", (1, 3, 8, 8)), b.constant("w", CONV), None, "conv")
    statistics = [b.constant(name, np.full(6, value, np.float32)) for name, value in zip("sbmv", (2, 1, 0.5, 4), strict=True)]
    model = b.build([b.operator("BatchNormalization", [y, *statistics], "y")])
    assert "BatchNormalization" in operators(model)
    assert "BatchNormalization" not in operators(quantize(model, DATA))


@pytest.mark.parametrize(
    ("calibration", "message"),
    [
        ([], "has no samples"),
        (np.zeros((0, 1, 3, 8, 8), np.float32), "has no samples"),
        ([{"y": DATA[0]}], r"expected data for the inputs \['x'\], found \['y'\]"),
        ([{"x": DATA[0]}, {"x": DATA[0, :, :2]}], r"sample 1, input 'x': expected shape \(1, 3, 8, 8\), found \(1, 2, 8, 8\)"),
        (np.zeros((5, 8, 8), np.float32), r"expected shape \(1, 3, 8, 8\), found \(8, 8\)"),
        (np.zeros((5, 1, 3, 8, 8), np.uint8), "expected float values, found uint8"),
        (np.full((5, 1, 3, 8, 8), np.nan, np.float32), "must be finite"),
        ([DATA[0]], "expected a dictionary, input name → array, found ndarray"),
    ],
)
def test_wrong_calibration_data(calibration, message):
    with pytest.raises(InputError, match=message):
        quantize(float_model(), calibration)


def test_one_array_is_not_enough_for_two_inputs():
    model = float_model(inputs=("a", "b"))
    with pytest.raises(InputError, match=r"this one has 2: \['a', 'b'\]"):
        quantize(model, DATA)
    assert "QuantizeLinear" in operators(quantize(model, [{"a": sample, "b": sample} for sample in DATA]))


def test_wrong_models(tmp_path):
    with pytest.raises(ModelError, match=r"cannot read .*missing\.onnx"):
        quantize(tmp_path / "missing.onnx", DATA)
    with pytest.raises(ModelError, match="not a valid ONNX model"):
        quantize(b"hello", DATA)
    with pytest.raises(ModelError, match="not a valid ONNX model"):
        quantize(float_model()[:200], DATA)
    with pytest.raises(ModelError, match="quantised already"):
        quantize(quantize(float_model(), DATA), DATA)
    b = OnnxBuilder()
    with pytest.raises(ModelError, match="input 'x' is float16"):
        quantize(b.build([b.operator("Relu", [b.input("x", (1, 4), dtype="float16")], "y")]), DATA)


def test_unknown_dtype_of_activations():
    with pytest.raises(InputError, match="'int4'"):
        quantize(float_model(), DATA, activations="int4")


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime.quantization", None)
    with pytest.raises(ToolchainError, match=r"tvm-tiny\[quantize\]"):
        quantize(float_model(), DATA)
