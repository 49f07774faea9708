"""Every operator of the builder, in ONNX Runtime, against NumPy's float arithmetic on the same weights."""

import numpy as np
import pytest

from tvm_tiny.model import TensorSpec
from tvm_tiny.testing.onnx_builder import OnnxBuilder
from tvm_tiny.testing.onnx_reference import OnnxRuntimeReference, load_onnx
from tvm_tiny.testing.samples import random_inputs

SHAPE = (1, 4, 9, 8)
RNG = np.random.default_rng(11)
CONV = RNG.normal(0, 0.3, (6, 4, 3, 3))
DEPTHWISE = RNG.normal(0, 0.5, (8, 1, 3, 3))
DENSE = RNG.normal(0, 0.1, (5, 288))
BIAS = RNG.integers(-500, 500, 8).astype(np.int32)
X_SCALE = 0.05


def quantized(real, axis):
    """(values that int8 weights stand for, their scale), by the usual symmetric rule."""
    others = tuple(i for i in range(real.ndim) if i != axis) if axis is not None else None
    scale = np.abs(real).max(axis=others, keepdims=True) / 127
    return np.rint(real / scale) * scale, scale.ravel()


def windows(x, size, strides, pads, dilations=(1, 1), fill=0.0):
    """All windows of x (n, c, h, w) as (n, c, rows, columns, kh, kw)."""
    x = np.pad(x, [(0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])], constant_values=fill)
    spans = [(k - 1) * d + 1 for k, d in zip(size, dilations, strict=True)]
    views = np.lib.stride_tricks.sliding_window_view(x, spans, axis=(2, 3))
    return views[:, :, :: strides[0], :: strides[1], :: dilations[0], :: dilations[1]]


def conv(strides=(1, 1), pads=(1, 1, 1, 1), dilations=(1, 1), axis=0):
    def build(b, x):
        w = b.weights("w", CONV, axis)
        window = {"strides": strides, "pads": pads, "dilations": dilations}
        values, scale = quantized(CONV, axis)
        bias = (BIAS[:6] * X_SCALE * scale).reshape(-1, 1, 1)
        y = b.conv(x, w, BIAS[:6], "y", scale=0.1, zero_point=b.zero + 4, **window)
        return y, lambda x: np.einsum("nirchw,oihw->norc", windows(x, (3, 3), strides, pads, dilations), values) + bias

    return build


def conv_relu(b, x):
    values, _ = quantized(CONV, 0)
    real = b.conv(x, b.weights("w", CONV, 0), None, "c")
    y = b.operator("Relu", [real], "y", scale=0.03, zero_point=b.zero - 128)
    return y, lambda x: np.maximum(np.einsum("nirchw,oihw->norc", windows(x, (3, 3), (1, 1), (0,) * 4), values), 0)


def depthwise(b, x):
    values, scale = quantized(DEPTHWISE, 0)
    pads, strides = (1, 0, 1, 1), (2, 1)
    y = b.conv(x, b.weights("w", DEPTHWISE), BIAS, "y", scale=0.05, zero_point=b.zero, strides=strides, pads=pads, group=4)

    def expected(x):
        taps = values.reshape(4, 2, 3, 3)
        out = np.einsum("nirchw,imhw->nimrc", windows(x, (3, 3), strides, pads), taps)
        return out.reshape(1, 8, *out.shape[3:]) + (BIAS * X_SCALE * scale).reshape(-1, 1, 1)

    return y, expected


def gemm(b, x):
    values, scale = quantized(DENSE, 0)
    flat = b.operator("Flatten", [x], "flat", scale=X_SCALE, zero_point=b.zero - 3)
    y = b.gemm(flat, b.weights("w", DENSE), BIAS[:5], "y", scale=0.05, zero_point=b.zero + 3)
    return y, lambda x: x.reshape(1, -1) @ values.T + BIAS[:5] * X_SCALE * scale


def matmul(b, x):
    values, _ = quantized(DENSE.T, 1)
    flat = b.reshape(x, (1, 288), "flat", scale=X_SCALE, zero_point=b.zero - 3)
    y = b.matmul(flat, b.weights("w", DENSE.T, axis=1), "y", scale=0.05, zero_point=b.zero + 3)
    return y, lambda x: x.reshape(1, -1) @ values


def binary(op_type, function, shape=SHAPE):
    def build(b, x):
        stored = np.random.default_rng(3).integers(-128, 128, shape).astype(np.int8)
        other = b.quantized_constant("other", stored, 0.03, zero_point=11)
        y = b.operator(op_type, [x, other], "y", scale=0.1, zero_point=b.zero - 5)
        return y, lambda x: function(x, (stored - 11.0) * 0.03)

    return build


def join(b, x):
    stored = np.arange(-36, 36, dtype=np.int8).reshape(1, 1, 9, 8)
    other = b.quantized_constant("other", stored, 0.07, zero_point=2)
    y = b.operator("Concat", [x, other], "y", scale=0.06, zero_point=b.zero, attributes={"axis": 1})
    return y, lambda x: np.concatenate([x, (stored - 2.0) * 0.07], axis=1)


def average_pool(include):
    def build(b, x):
        pads, strides = (1, 1, 1, 0), (2, 2)
        counted = windows(np.ones(SHAPE), (3, 3), strides, pads, fill=float(include)).sum((-2, -1))
        y = b.average_pool(x, (3, 3), "y", scale=0.04, zero_point=b.zero, strides=strides, pads=pads, count_include_pad=include)
        return y, lambda x: windows(x, (3, 3), strides, pads).sum((-2, -1)) / counted

    return build


def max_pool(b, x):
    y = b.max_pool(x, (3, 2), "y", scale=X_SCALE, zero_point=b.zero - 3, strides=(2, 2), pads=(1, 0, 1, 1))
    return y, lambda x: windows(x, (3, 2), (2, 2), (1, 0, 1, 1), fill=-np.inf).max((-2, -1))


def function(op_type, compute, scale, zero_point, **attributes):
    return lambda b, x: (b.operator(op_type, [x], "y", scale, b.zero + zero_point, attributes), compute)


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def clip(b, x):
    return b.clip(x, -1.5, 3, "y", scale=0.03, zero_point=b.zero), lambda x: np.clip(x, -1.5, 3)


def pad(b, x):
    y = b.pad(x, (0, 0, 1, 0, 0, 0, 2, 1), "y", scale=X_SCALE, zero_point=b.zero - 3)
    return y, lambda x: np.pad(x, ((0, 0), (0, 0), (1, 2), (0, 1)))


OPERATORS = {
    "Conv": conv(),
    "Conv strided": conv(strides=(2, 1), pads=(0, 1, 2, 0)),
    "Conv dilated": conv(dilations=(2, 2)),
    "Conv per tensor": conv(axis=None),
    "Conv Relu": conv_relu,
    "Conv depthwise": depthwise,
    "Gemm": gemm,
    "MatMul": matmul,
    "Add": binary("Add", np.add),
    "Add broadcast": binary("Add", np.add, (4, 1, 1)),
    "Sub": binary("Sub", np.subtract),
    "Mul": binary("Mul", np.multiply),
    "Concat": join,
    "AveragePool": average_pool(include=False),
    "AveragePool padding counted": average_pool(include=True),
    "MaxPool": max_pool,
    "GlobalAveragePool": function("GlobalAveragePool", lambda x: x.mean((2, 3), keepdims=True), 0.01, 0),
    "Pad": pad,
    "Clip": clip,
    "Relu": function("Relu", lambda x: np.maximum(x, 0), 0.03, -128),
    "LeakyRelu": function("LeakyRelu", lambda x: np.where(x > 0, x, 0.25 * x), 0.04, -90, alpha=0.25),
    "Sigmoid": function("Sigmoid", lambda x: 1 / (1 + np.exp(-x)), 1 / 256, -128),
    "Tanh": function("Tanh", np.tanh, 1 / 128, 0),
    "Softmax": function("Softmax", softmax, 1 / 256, -128, axis=1),
    "Transpose": function("Transpose", lambda x: x.transpose(0, 2, 3, 1), X_SCALE, -3, perm=(0, 2, 3, 1)),
}


def build(case, dtype):
    b = OnnxBuilder(dtype)
    b.zero = 128 if dtype == "uint8" else 0
    x = b.input("x", SHAPE, X_SCALE, b.zero - 3)
    y, expected = OPERATORS[case](b, x)
    return b.build([y]), TensorSpec("x", SHAPE, dtype, X_SCALE, b.zero - 3), expected


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("case", OPERATORS)
def test_onnx_runtime_computes_what_numpy_does(case, dtype):
    model, spec, expected = build(case, dtype)
    constants = {tensor.name: tensor for tensor in load_onnx(model).graph.initializer}
    scale, zero_point = (read(constants[f"y/{kind}"]) for kind in ("scale", "zero_point"))
    reference = OnnxRuntimeReference(model)
    seen = set()
    for sample in random_inputs([spec], 10):
        found = reference.run(sample)["y"]
        real = expected(spec.dequantize(sample["x"]).astype(np.float64))
        assert found.dtype == dtype
        assert found.shape == real.shape
        out = TensorSpec("y", found.shape, dtype, float(scale), int(zero_point))
        assert np.abs(found.astype(int) - out.quantize(real).astype(int)).max() <= 1
        seen.update(found.ravel().tolist())
    assert len(seen) > 20, "an output without spread shows nothing"


def read(tensor):
    import onnx

    return onnx.numpy_helper.to_array(tensor)


@pytest.mark.parametrize("case", OPERATORS)
def test_tvm_imports_it(case):
    from tvm.relax.frontend.onnx import from_onnx

    model, _, _ = build(case, "int8")
    assert from_onnx(load_onnx(model))["main"].ret_ty.dtype == "int8"


def test_float_borders():
    b = OnnxBuilder()
    x = b.input("x", (1, 4), scale=0.1, zero_point=0, dtype="float32")
    y = b.operator("Relu", [x], "y", scale=0.1, zero_point=0)
    tensors = OnnxRuntimeReference(b.build([y], dequantized=True)).run_all({"x": np.array([[-1, 0.24, 0.26, 99]], np.float32)})
    assert tensors["x/quantized"].tolist() == [[-10, 2, 3, 127]]
    np.testing.assert_allclose(tensors["y/real"], [[0, 0.2, 0.3, 12.7]], rtol=1e-6)


def test_a_float_model_has_no_quantization():
    b = OnnxBuilder()
    x = b.input("x", ("batch", 4))
    y = b.gemm(x, b.constant("w", np.eye(2, 4, dtype=np.float32)), np.array([1, 2], np.float32), "y")
    model = load_onnx(b.build([y]))
    assert [node.op_type for node in model.graph.node] == ["Gemm"]
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
