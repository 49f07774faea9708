"""ONNX operators that TVM's importer gets wrong: compiled for this machine and held against ONNX Runtime and NumPy, or refused."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import tvm_tiny
from tvm_tiny.errors import UnsupportedOperatorError
from tvm_tiny.testing.onnx_reference import OnnxRuntimeReference

REAL = np.random.default_rng(0).normal(size=(2, 4, 6, 6)).astype(np.float32)


def model_of(
    operator: str,
    inputs: Sequence[np.ndarray],
    constants: Sequence[np.ndarray] = (),
    outputs: Sequence[str] = ("y",),
    opset: int = 18,
    **attributes: Any,
) -> bytes:
    """A model of one node; its inputs are x0, x1, ..., then the constants."""
    names = [f"x{index}" for index in range(len(inputs) + len(constants))]
    node = helper.make_node(operator, names, list(outputs), **attributes)
    given = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in zip(names, inputs, strict=False)
    ]
    held = [numpy_helper.from_array(array, name) for name, array in zip(names[len(inputs) :], constants, strict=True)]
    graph = helper.make_graph([node], "one", given, [onnx.ValueInfoProto(name=name) for name in outputs], held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    inferred = onnx.shape_inference.infer_shapes(model)
    return bytes(inferred.SerializeToString())


def run(model: bytes, inputs: Sequence[np.ndarray], folder: Path) -> dict[str, np.ndarray]:
    path = folder / "model.onnx"
    path.write_bytes(model)
    (outputs,) = tvm_tiny.compile(path).run({f"x{index}": array for index, array in enumerate(inputs)}).outputs
    return outputs


def assert_equals_onnxruntime(model: bytes, inputs: Sequence[np.ndarray], folder: Path) -> None:
    expected = OnnxRuntimeReference(model).run({f"x{index}": array for index, array in enumerate(inputs)})
    found = run(model, inputs, folder)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("positive", "negative"), [(1, 1), (1, 0), (0, 1), (0, 0)])
def test_is_inf_of_either_sign(positive: int, negative: int, tmp_path: Path):
    x = np.array([np.inf, -np.inf, np.nan, 0.0, 3e38, -3e38], np.float32)
    model = model_of("IsInf", [x], detect_positive=positive, detect_negative=negative)
    assert_equals_onnxruntime(model, [x], tmp_path)


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.int64])
@pytest.mark.parametrize("direction", ["LEFT", "RIGHT"])
def test_bit_shift_by_any_number(direction: str, dtype: type, tmp_path: Path):
    """By less than nothing or by the width and more, only copies of the sign are left."""
    bits, limits = np.iinfo(dtype).bits, np.iinfo(dtype)
    steps = [0, 1, bits - 1, bits, bits + 1, limits.max] + ([-1, limits.min] if limits.min else [])
    x, by = (each.ravel() for each in np.meshgrid(np.array([5, limits.max, limits.min], dtype), np.array(steps, dtype)))
    inside = (by >= 0) & (by < bits)
    count = np.where(inside, by, 0).astype(dtype)
    if direction == "RIGHT":
        expected = np.where(inside, x >> count, np.where(x < 0, -1, 0)).astype(dtype)
    else:
        expected = np.where(inside, x << count, 0).astype(dtype)
    opset = 11 if limits.min == 0 else onnx.defs.onnx_opset_version()
    model = model_of("BitShift", [x, by], opset=max(opset, 13), direction=direction)
    np.testing.assert_array_equal(run(model, [x, by], tmp_path)["y"], expected)


@pytest.mark.parametrize("fmod", [0, 1])
def test_mod_of_floats(fmod: int, tmp_path: Path):
    """0.3 is no multiple of 0.1, although their quotient rounds to 3."""
    values = np.array([0.0, -0.0, 0.3, -0.3, 0.1, -0.1, 7.5, -7.5, 1e30, np.inf, -np.inf, np.nan], np.float32)
    a, b = (each.ravel() for each in np.meshgrid(values, values))
    with np.errstate(invalid="ignore"):
        expected = np.fmod(a, b) if fmod else np.mod(a, b)
    model = model_of("Mod", [a, b], opset=onnx.defs.onnx_opset_version(), fmod=fmod)
    np.testing.assert_array_equal(run(model, [a, b], tmp_path)["y"], expected)


def test_two_mods_of_different_kinds(tmp_path: Path):
    """TVM's converter keeps the kind in its class."""
    x, y = np.arange(-6, 6).astype(np.int32), np.array([4], np.int32)
    for fmod in (0, 1, 0):
        assert_equals_onnxruntime(model_of("Mod", [x], [y], fmod=fmod), [x], tmp_path)


def test_ceil(tmp_path: Path):
    x = np.array([-1.5, -0.0, 0.2, 2.0, 2.0000002, 1e30], np.float32)
    assert_equals_onnxruntime(model_of("Ceil", [x]), [x], tmp_path)


@pytest.mark.parametrize("operator", ["ReduceMax", "ReduceMin"])
def test_extrema_of_infinities(operator: str, tmp_path: Path):
    x = np.array([[np.inf, np.inf], [-np.inf, -np.inf], [1.0, -np.inf]], np.float32)
    assert_equals_onnxruntime(model_of(operator, [x], [np.array([1])], keepdims=0), [x], tmp_path)


@pytest.mark.parametrize("axis", [-1, 1, 0])
@pytest.mark.parametrize("outputs", [("y",), ("y", "mean", "inverse")])
def test_layer_normalization_with_all_its_outputs(axis: int, outputs: tuple[str, ...], tmp_path: Path):
    """With scale and bias that are computed, too."""
    scale, bias = REAL[:, :, 0, 0].copy(), REAL[:, :, 1, 1].copy()
    x = REAL.reshape(6, 6, 2, 4).copy()
    if axis != -1:
        x = x[0, :2] if axis == 0 else x[0, :3]
    shape = x.shape[axis:]
    gamma, beta = (np.resize(each, shape).astype(np.float32) for each in (scale, bias))
    model = model_of("LayerNormalization", [x, gamma, beta], outputs=outputs, axis=axis, epsilon=1e-3)
    assert_equals_onnxruntime(model, [x, gamma, beta], tmp_path)


def test_power_of_floats_by_whole_numbers(tmp_path: Path):
    x = np.array([-2.0, 0.5, 3.0], np.float32)
    assert_equals_onnxruntime(model_of("Pow", [x], [np.array([3], np.int64)]), [x], tmp_path)


@pytest.mark.parametrize(
    ("operator", "attributes"), [("Shape", {}), ("Shape", {"start": 1, "end": 3}), ("Size", {}), ("EyeLike", {})]
)
def test_outputs_that_are_constant(operator: str, attributes: dict[str, int], tmp_path: Path):
    x = REAL[0, 0].copy() if operator == "EyeLike" else REAL
    assert_equals_onnxruntime(model_of(operator, [x], **attributes), [x], tmp_path)


def refusal(model: bytes, folder: Path) -> str:
    path = folder / "model.onnx"
    path.write_bytes(model)
    with pytest.raises(UnsupportedOperatorError) as refused:
        tvm_tiny.compile(path)
    return refused.value.message


SCALES = np.array([1.0, 1.0, 0.6, 0.6], np.float32)
ALIGNED = {"coordinate_transformation_mode": "align_corners"}
NONE = np.zeros(0, np.float32)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (model_of("Pow", [np.ones(3, np.int32)] * 2), "it raises int32 to a power"),
        (model_of("Resize", [REAL], [NONE, SCALES], mode="linear"), "give no whole sizes"),
        (model_of("Resize", [REAL], [NONE, SCALES * 2], mode="cubic", exclude_outside=1), "exclude_outside"),
        (model_of("Resize", [REAL], [NONE, np.float32([1, 1, 0.5, 0.5])], mode="linear", antialias=1), "antialias"),
        (
            model_of("RoiAlign", [REAL, np.ones((3, 4), np.float32)], [np.zeros(3, np.int64)], mode="max"),
            "its mode is max",
        ),
        (model_of("ScatterElements", [REAL[0, 0], np.zeros((2, 2), np.int64), REAL[0, 0, :2, :2]]), "where its values go"),
        (model_of("Shape", [REAL], start=3, end=2), "no elements"),
    ],
    ids=lambda each: each.split()[-1] if isinstance(each, str) else "",
)
def test_forms_that_are_refused(model: bytes, reason: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    assert reason in refusal(model, tmp_path)
    gc.collect()
    assert capfd.readouterr().err == ""  # nor does TVM print a warning


def test_an_operator_of_which_tvm_makes_no_loops_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    model = model_of("Resize", [REAL[:, :, :2, :2]], [NONE, np.float32([1, 1, 0.5, 0.5])], mode="linear", **ALIGNED)
    assert refusal(model, tmp_path).startswith("operator image.resize2d cannot be compiled to C")
    gc.collect()
    assert capfd.readouterr().err == ""
