"""Every operator of the builder, in LiteRT, against NumPy's float arithmetic on the same weights."""

import numpy as np
import pytest

from tvm_tiny.errors import ModelError
from tvm_tiny.model import TensorSpec
from tvm_tiny.testing.litert_reference import LiteRTReference
from tvm_tiny.testing.samples import random_inputs
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

SHAPE = (1, 9, 8, 4)
RNG = np.random.default_rng(7)
CONV = RNG.normal(0, 0.3, (6, 3, 3, 4))
DEPTHWISE = RNG.normal(0, 0.5, (1, 3, 3, 8))
DENSE = RNG.normal(0, 0.1, (5, 288))
BIAS = RNG.integers(-500, 500, 8).astype(np.int32)


def real(tensor):
    """The real values of a constant."""
    shape = [-1 if i == tensor.axis else 1 for i in range(tensor.data.ndim)]
    return tensor.data * np.array(tensor.scale).reshape(shape if len(tensor.scale) > 1 else [1] * tensor.data.ndim)


def windows(x, size, stride, dilation, padding, fill=0.0):
    """All windows of x (n, h, w, c) as (n, rows, columns, c, kh, kw), padded as TFLite pads: the odd row goes to the end."""
    pads = [(0, 0)]
    for n, k, s, d in zip(x.shape[1:3], size, stride, dilation, strict=True):
        lost = max(0, (-(-n // s) - 1) * s + (k - 1) * d + 1 - n) if padding == "SAME" else 0
        pads.append((lost // 2, lost - lost // 2))
    x = np.pad(x, [*pads, (0, 0)], constant_values=fill)
    spans = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    views = np.lib.stride_tricks.sliding_window_view(x, spans, axis=(1, 2))
    return views[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]


def relu6(x):
    return np.clip(x, 0, 6)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def conv2d(stride=(1, 1), dilation=(1, 1), padding="SAME", axis=0):
    def build(b, x):
        w = b.weights("w", CONV, axis)
        y = b.conv2d(x, w, BIAS[:6], "y", scale=0.1, zero_point=4, stride=stride, dilation=dilation, padding=padding)
        bias = BIAS[:6] * x.scale[0] * np.array(w.scale)
        return y, lambda x: np.einsum("nrclhw,ohwl->nrco", windows(x, (3, 3), stride, dilation, padding), real(w)) + bias

    return build


def depthwise(stride=(1, 1), dilation=(1, 1), padding="SAME"):
    def build(b, x):
        w = b.weights("w", DEPTHWISE, 3)
        y = b.depthwise_conv2d(x, w, BIAS, "y", scale=0.08, zero_point=-7, stride=stride, dilation=dilation, padding=padding)

        def expected(x):
            taps = real(w)[0].reshape(3, 3, 4, 2)
            out = np.einsum("nrclhw,hwlm->nrclm", windows(x, (3, 3), stride, dilation, padding), taps)
            return out.reshape(*out.shape[:3], 8) + BIAS * x_scale * np.array(w.scale)

        x_scale = x.scale[0]
        return y, expected

    return build


def dense(flatten):
    def build(b, x):
        w = b.weights("w", DENSE, axis=None)
        y = b.fully_connected(flatten(b, x), w, BIAS[:5], "y", scale=0.05, zero_point=3)
        return y, lambda x: x.reshape(1, -1) @ real(w).T + BIAS[:5] * 0.05 * w.scale[0]

    return build


def dense_keeping_dimensions(b, x):
    w = b.weights("w", DENSE[:, :4] * 10, axis=0)
    return b.fully_connected(x, w, None, "y", scale=0.1, zero_point=3, keep_num_dims=True), lambda x: x @ real(w).T


def binary(method, function, other_shape=(1, 9, 8, 4), activation="NONE", limit=lambda y: y):
    def build(b, x):
        stored = np.random.default_rng(3).integers(-128, 128, other_shape).astype(np.int8)
        other = b.constant("other", stored, 0.03, zero_point=11)
        y = getattr(b, method)(x, other, "y", scale=0.1, zero_point=-5, activation=activation)
        return y, lambda x: limit(function(x, (stored - 11.0) * 0.03))

    return build


def average_pool(b, x):
    counted = windows(np.ones(SHAPE), (3, 3), (2, 2), (1, 1), "SAME").sum((-2, -1))
    y = b.average_pool2d(x, (3, 3), "y", stride=(2, 2), padding="SAME")
    return y, lambda x: windows(x, (3, 3), (2, 2), (1, 1), "SAME").sum((-2, -1)) / counted


def max_pool(b, x):
    y = b.max_pool2d(x, (3, 2), "y", stride=(2, 2), padding="SAME", activation="RELU6")
    return y, lambda x: relu6(windows(x, (3, 2), (2, 2), (1, 1), "SAME", fill=-np.inf).max((-2, -1)))


def slice_every_other(b, x):
    return b.strided_slice(x, (0, 1, 7, 0), (1, 9, -9, 4), (1, 2, -2, 1), "y"), lambda x: x[:, 1:9:2, 7::-2, :]


def join(b, x):
    stored = np.arange(-36, 36, dtype=np.int8).reshape(1, 9, 8, 1)
    other = b.constant("other", stored, 0.05, zero_point=-3)  # LiteRT joins int8 tensors of one scale and zero point only
    y = b.concatenation([x, other], 3, "y", scale=0.05, zero_point=-3)
    return y, lambda x: np.concatenate([x, (stored + 3.0) * 0.05], axis=3)


def second_half(b, x):
    return b.split(x, 3, 2, "y")[1], lambda x: x[..., 2:]


def unary(code, function, **output):
    return lambda b, x: (b.unary(code, x, "y", **output), function)


OPERATORS = {
    "CONV_2D": conv2d(),
    "CONV_2D strided": conv2d(stride=(2, 1)),
    "CONV_2D valid": conv2d(padding="VALID", stride=(2, 2)),
    "CONV_2D dilated": conv2d(dilation=(2, 1)),
    "CONV_2D per tensor": conv2d(axis=None),
    "DEPTHWISE_CONV_2D": depthwise(),
    "DEPTHWISE_CONV_2D strided": depthwise(stride=(2, 2), padding="VALID"),
    "DEPTHWISE_CONV_2D dilated": depthwise(dilation=(2, 2)),
    "FULLY_CONNECTED": dense(lambda b, x: b.reshape(x, (1, 288))),
    "FULLY_CONNECTED flattening": dense(lambda b, x: x),
    "FULLY_CONNECTED kept": dense_keeping_dimensions,
    "ADD": binary("add", np.add),
    "ADD broadcast": binary("add", np.add, (4,)),
    "ADD RELU6": binary("add", np.add, activation="RELU6", limit=relu6),
    "SUB": binary("sub", np.subtract),
    "MUL": binary("mul", np.multiply),
    "AVERAGE_POOL_2D": average_pool,
    "MAX_POOL_2D": max_pool,
    "MEAN": lambda b, x: (b.mean(x, (1, 2), "y", scale=0.01, zero_point=6), lambda x: x.mean((1, 2))),
    "MEAN kept": lambda b, x: (b.mean(x, (1,), "y", scale=0.03, zero_point=6, keep_dims=True), lambda x: x.mean(1, keepdims=True)),
    "PAD": lambda b, x: (b.pad(x, ((0, 0), (1, 2), (0, 1), (0, 0)), "y"), lambda x: np.pad(x, ((0, 0), (1, 2), (0, 1), (0, 0)))),
    "RESHAPE": lambda b, x: (b.reshape(x, (1, 288), "y"), lambda x: x.reshape(1, 288)),
    "TRANSPOSE": lambda b, x: (b.transpose(x, (0, 3, 1, 2), "y"), lambda x: x.transpose(0, 3, 1, 2)),
    "CONCATENATION": join,
    "STRIDED_SLICE": slice_every_other,
    "SPLIT": second_half,
    "RESIZE_NEAREST_NEIGHBOR": lambda b, x: (
        b.resize_nearest_neighbor(x, (18, 16), "y"),
        lambda x: x.repeat(2, 1).repeat(2, 2),
    ),
    "SOFTMAX": lambda b, x: (b.softmax(x, "y", beta=0.5), lambda x: softmax(0.5 * x)),
    "RELU": unary("RELU", lambda x: np.maximum(x, 0)),
    "RELU rescaled": unary("RELU", lambda x: np.maximum(x, 0), scale=0.03, zero_point=-128),
    "RELU6": unary("RELU6", relu6),
    "RELU_N1_TO_1": unary("RELU_N1_TO_1", lambda x: np.clip(x, -1, 1)),
    "HARD_SWISH": unary("HARD_SWISH", lambda x: x * relu6(x + 3) / 6, scale=0.04, zero_point=-100),
    "LOGISTIC": lambda b, x: (b.logistic(x, "y"), lambda x: 1 / (1 + np.exp(-x))),
    "TANH": lambda b, x: (b.tanh(x, "y"), np.tanh),
    "LEAKY_RELU": lambda b, x: (b.leaky_relu(x, 0.2, "y", scale=0.04, zero_point=-90), lambda x: np.where(x > 0, x, 0.2 * x)),
    "QUANTIZE rescaled": lambda b, x: (b.quantize(x, "y", scale=0.08, zero_point=20), lambda x: x),
    "QUANTIZE to uint8": lambda b, x: (b.quantize(x, "y", scale=0.06, zero_point=120, dtype="uint8"), lambda x: x),
}

# What TVM's own importer does with them; strict, so that a newer TVM which mends one makes itself known.
NO_QUANTIZED_FORM = "TVM 0.27 refuses it on quantised tensors"
NOT_IMPORTED = {
    "FULLY_CONNECTED flattening": "TVM 0.27 does not flatten the input to the weights' depth",
    "PAD": NO_QUANTIZED_FORM,
    "TRANSPOSE": NO_QUANTIZED_FORM,
    "STRIDED_SLICE": NO_QUANTIZED_FORM,
    "SPLIT": NO_QUANTIZED_FORM,
    "RESIZE_NEAREST_NEIGHBOR": NO_QUANTIZED_FORM,
}


def build(case):
    b = TFLiteBuilder()
    x = b.input("x", SHAPE, scale=0.05, zero_point=-3)
    y, expected = OPERATORS[case](b, x)
    return b.build([y]), TensorSpec("x", SHAPE, "int8", 0.05, -3), y, expected


@pytest.mark.parametrize("case", OPERATORS)
def test_litert_computes_what_numpy_does(case):
    model, spec, y, expected = build(case)
    out = TensorSpec("y", y.shape, y.dtype, y.scale[0], y.zero_point[0])
    reference = LiteRTReference(model)
    seen = set()
    for sample in random_inputs([spec], 10):
        found = reference.run(sample)[y.name]
        real_output = expected(spec.dequantize(sample["x"]).astype(np.float64))
        assert found.shape == y.shape == real_output.shape
        assert np.abs(found.astype(int) - out.quantize(real_output).astype(int)).max() <= 1
        seen.update(found.ravel().tolist())
    assert len(seen) > 20, "an output without spread shows nothing"


@pytest.mark.parametrize("case", OPERATORS)
def test_tvm_imports_it(case, request):
    import tflite
    from tvm.relax.frontend.tflite import from_tflite

    if case in NOT_IMPORTED:
        request.applymarker(pytest.mark.xfail(strict=True, reason=NOT_IMPORTED[case]))
    model, _, y, _ = build(case)
    mod = from_tflite(tflite.Model.GetRootAsModel(model, 0))
    result = mod["main"].ret_ty
    assert tuple(int(n) for n in result.shape) == y.shape
    assert result.dtype == y.dtype


def test_float_borders():
    b = TFLiteBuilder()
    x = b.input("x", (1, 6), "float32")
    y = b.dequantize(b.unary("RELU", b.quantize(x, "q", scale=0.1, zero_point=0), "r"), "y")
    tensors = LiteRTReference(b.build([y])).run_all({"x": np.array([[-1, -0.26, 0, 0.24, 0.26, 99]], np.float32)})
    assert list(tensors) == ["x", "q", "r", "y"]
    assert tensors["q"].tolist() == [[-10, -3, 0, 2, 3, 127]]
    np.testing.assert_allclose(tensors["y"], [[0, 0, 0, 0.2, 0.3, 12.7]], rtol=1e-6)


def test_a_float_model():
    b = TFLiteBuilder()
    x = b.input("x", SHAPE, "float32")
    y = b.conv2d(x, b.constant("w", CONV.astype(np.float32)), BIAS[:6].astype(np.float32), "y", stride=(2, 1), activation="RELU6")
    sample = RNG.normal(size=SHAPE).astype(np.float32)
    expected = np.einsum("nrclhw,ohwl->nrco", windows(sample, (3, 3), (2, 1), (1, 1), "SAME"), CONV) + BIAS[:6]
    np.testing.assert_allclose(LiteRTReference(b.build([y])).run({"x": sample})["y"], relu6(expected), atol=1e-4)


def test_an_operator_that_nobody_knows():
    b = TFLiteBuilder()
    x = b.input("x", (1, 4), scale=0.1)
    with pytest.raises(ModelError, match="FancyOp"):
        LiteRTReference(b.build([b.custom(x, "FancyOp")]))


def test_dtype_and_dynamic_shape_are_in_the_file():
    import tflite

    b = TFLiteBuilder()
    x = b.input("x", (1, 4), "float16", shape_signature=(-1, 4))
    tensor = tflite.Model.GetRootAsModel(b.build([b.unary("RELU", x)]), 0).Subgraphs(0).Tensors(0)
    assert tensor.Type() == tflite.TensorType.FLOAT16
    assert tensor.ShapeSignatureAsNumpy().tolist() == [-1, 4]
