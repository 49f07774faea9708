"""One small TFLite model for each operator: what the table of operators promises is tried on these."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tvm_tiny.testing.tflite_builder import TFLiteBuilder
from tvm_tiny.testing.tflite_file import TensorRecord

_IMAGE = (1, 6, 6, 4)


class Bench(TFLiteBuilder):
    """A builder for models of one operator whose activations have the dtype ``kind``."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.prefix = ""
        self._rng = np.random.default_rng(0)

    def _tensor(self, name: str, *args: Any, **kwargs: Any) -> TensorRecord:
        return super()._tensor(self.prefix + name, *args, **kwargs)

    @property
    def quantized(self) -> bool:
        return self.kind != "float32"

    def x(self, shape: tuple[int, ...] = _IMAGE, name: str = "x", scale: float = 0.05, zero: int = -3) -> TensorRecord:
        """An input; ``zero`` is meant for int8."""
        if not self.quantized:
            return self.input(name, shape, "float32")
        return self.input(name, shape, self.kind, scale, zero + (128 if self.kind == "uint8" else 0))

    def out(self, scale: float, zero: int = 5) -> dict[str, Any]:
        """The parameters of an output that has its own."""
        return {"scale": scale, "zero_point": zero + (128 if self.kind == "uint8" else 0)} if self.quantized else {}

    def kernel(self, shape: tuple[int, ...], axis: int | None) -> TensorRecord:
        """Weights: int8 with a scale per channel along ``axis``; uint8 with one scale, as models of that kind have them."""
        real = self._rng.normal(0.0, 0.3, shape).astype(np.float32)
        if self.kind == "float32":
            return self.constant("weights", real)
        if self.kind == "uint8":
            return self.constant("weights", np.clip(np.rint(real / 0.01) + 128, 0, 255).astype(np.uint8), 0.01, 128)
        return self.weights("weights", real, axis)

    def offsets(self, size: int) -> np.ndarray:
        """A bias."""
        stored = self._rng.integers(-500, 500, size).astype(np.int32)
        return stored if self.quantized else (stored / 1000).astype(np.float32)

    def numbers(self, shape: tuple[int, ...], name: str = "numbers") -> TensorRecord:
        """A constant operand, positive."""
        real = self._rng.uniform(0.5, 2.0, shape).astype(np.float32)
        if self.kind == "float32":
            return self.constant(name, real)
        zero = 128 if self.kind == "uint8" else 0
        return self.constant(name, (np.rint(real / 0.02) + zero).astype(self.kind), 0.02, zero)

    def only(self, result: TensorRecord | list[TensorRecord]) -> bytes:
        return self.build(result if isinstance(result, list) else [result])


Recipe = Callable[[Bench], "TensorRecord | list[TensorRecord]"]


def _unary(code: str, scale: float = 0.05, zero: int = 5, positive: bool = False) -> Recipe:
    """An operator of one operand; ``positive`` gives it an input without negative values."""
    return lambda b: b.unary(code, b.x((1, 32), zero=-128 if positive else -3), "y", **b.out(scale, zero))


def _binary(code: str, options: str = "", dtype: str = "", same: bool = False) -> Recipe:
    """An operator of two operands of one shape."""

    def make(b: Bench) -> TensorRecord:
        a, c = b.x((1, 32), "a"), b.x((1, 32), "b", **({} if same else {"scale": 0.02, "zero": 7}))
        out = {} if dtype or same else b.out(0.06)
        if dtype:
            output = b._tensor("y", a.shape, dtype, None, 0)
            b._append(code, [a, c], [output], options, {})
            return output
        return b.operator(code, [a, c], a.shape, "y", options=options, **out)

    return make


def reduction(code: str, scale: float | None = 0.04) -> Recipe:
    return lambda b: b.operator(
        code,
        [b.x(), b._parameter("axes", (1, 2))],
        (1, 4),
        "y",
        options="ReducerOptions",
        fields={"KeepDims": False},
        **(b.out(scale) if scale else {}),
    )


def _position(code: str, options: str) -> Recipe:
    def make(b: Bench) -> TensorRecord:
        x, axis = b.x((1, 32)), b.constant("axis", np.array(1, np.int32))
        output = b._tensor("y", (1,), "int32", None, 0)
        b._append(code, [x, axis], [output], options, {"OutputType": 2})
        return output

    return make


def _window(code: str) -> Recipe:
    def make(b: Bench) -> TensorRecord:
        pool = b.average_pool2d if code == "AVERAGE_POOL_2D" else b.max_pool2d
        return pool(b.x(), (2, 2), "y")

    return make


def _conv(b: Bench) -> TensorRecord:
    return b.conv2d(b.x(), b.kernel((5, 3, 3, 4), 0), b.offsets(5), "y", activation="RELU", **b.out(0.2))


def _depthwise(b: Bench) -> TensorRecord:
    return b.depthwise_conv2d(b.x(), b.kernel((1, 3, 3, 4), 3), b.offsets(4), "y", **b.out(0.1))


def _dense(b: Bench) -> TensorRecord:
    return b.fully_connected(b.x((1, 32)), b.kernel((6, 32), None), b.offsets(6), "y", **b.out(0.1))


def _transpose_conv(b: Bench) -> TensorRecord:
    x, weights = b.x(), b.kernel((5, 3, 3, 4), 0)
    size = b.constant("size", np.array((1, 12, 12, 5), np.int32))
    fields = {"Padding": 0, "StrideH": 2, "StrideW": 2}
    return b.operator(
        "TRANSPOSE_CONV",
        [size, weights, x],
        (1, 12, 12, 5),
        "y",
        options="TransposeConvOptions",
        fields=fields,
        **b.out(0.2),
        dtype=b.kind,
    )


def _prelu(b: Bench) -> TensorRecord:
    return b.operator("PRELU", [b.x(), b.numbers((1, 1, 4))], _IMAGE, "y", **b.out(0.05))


def _batch_matmul(b: Bench) -> TensorRecord:
    fields = {"AdjX": False, "AdjY": False}
    return b.operator(
        "BATCH_MATMUL",
        [b.x((1, 4, 5)), b.x((1, 5, 6), "b")],
        (1, 4, 6),
        "y",
        options="BatchMatMulOptions",
        fields=fields,
        **b.out(0.1),
    )


def _resize(code: str, options: str) -> Recipe:
    return lambda b: b.operator(code, [b.x(), b._parameter("size", (12, 12))], (1, 12, 12, 4), "y", options=options)


def _moved(
    code: str, shape: tuple[int, ...], *parameters: tuple[str, Any], options: str = "", fields: dict[str, Any] | None = None
) -> Recipe:
    """A move of an image to ``shape``, with constant int32 operands behind it."""
    return lambda b: b.operator(
        code, [b.x(), *(b._parameter(*each) for each in parameters)], shape, "y", options=options, fields=fields
    )


def _split(b: Bench) -> list[TensorRecord]:
    return b.split(b.x(), 3, 2, "y")


def _split_v(b: Bench) -> list[TensorRecord]:
    x = b.x()
    outputs = [b._like(x, f"y{i}", (1, 6, 6, n)) for i, n in enumerate((1, 3))]
    b._append(
        "SPLIT_V",
        [x, b._parameter("sizes", (1, 3)), b.constant("axis", np.array(3, np.int32))],
        outputs,
        "SplitVOptions",
        {"NumSplits": 2},
    )
    return outputs


def _unpack(b: Bench) -> list[TensorRecord]:
    x = b.x((1, 2, 8))
    outputs = [b._like(x, f"y{i}", (1, 8)) for i in range(2)]
    b._append("UNPACK", [x], outputs, "UnpackOptions", {"Num": 2, "Axis": 1})
    return outputs


def _pack(b: Bench) -> TensorRecord:
    return b.operator(
        "PACK", [b.x((1, 8), "a"), b.x((1, 8), "b")], (1, 2, 8), "y", options="PackOptions", fields={"ValuesCount": 2, "Axis": 1}
    )


def _concatenation(b: Bench) -> TensorRecord:
    return b.concatenation([b.x((1, 8), "a"), b.x((1, 4), "b")], 1, "y")


def _gather(b: Bench) -> TensorRecord:
    return b.operator(
        "GATHER",
        [b.x(), b._parameter("indices", (3, 0))],
        (1, 6, 6, 2),
        "y",
        options="GatherOptions",
        fields={"Axis": 3, "BatchDims": 0},
    )


def _select(code: str) -> Recipe:
    def make(b: Bench) -> TensorRecord:
        mask = b.input("mask", (1, 32), "bool")
        a, c = b.x((1, 32), "a"), b.x((1, 32), "b")
        output = b._like(a, "y", (1, 32))
        b._append(code, [mask, a, c], [output], "SelectOptions" if code == "SELECT" else "SelectV2Options", {})
        return output

    return make


def _padv2(b: Bench) -> TensorRecord:
    x = b.x()
    if b.quantized:
        value = b.constant("value", np.array([9], b.kind), x.scale[0], x.zero_point[0])
    else:
        value = b.constant("value", np.array([0.5], np.float32))
    return b.operator(
        "PADV2", [x, b._parameter("paddings", ((0, 0), (1, 1), (2, 0), (0, 0))), value], (1, 8, 8, 4), "y", options="PadV2Options"
    )


def _quantize(b: Bench) -> TensorRecord:
    if b.kind == "float32":
        return b.quantize(b.x((1, 32)), "y", scale=0.05, zero_point=-3)
    return b.quantize(b.x((1, 32)), "y", dtype=b.kind, **b.out(0.03))


def _dequantize(b: Bench) -> TensorRecord:
    return b.dequantize(b.x((1, 32)), "y")


RECIPES: dict[str, Recipe] = {
    "ABS": _unary("ABS"),
    "ADD": _binary("ADD", "AddOptions"),
    "ARG_MAX": _position("ARG_MAX", "ArgMaxOptions"),
    "ARG_MIN": _position("ARG_MIN", "ArgMinOptions"),
    "AVERAGE_POOL_2D": _window("AVERAGE_POOL_2D"),
    "BATCH_MATMUL": _batch_matmul,
    "BATCH_TO_SPACE_ND": lambda b: b.operator(
        "BATCH_TO_SPACE_ND",
        [b.x((4, 3, 3, 4)), b._parameter("block", (2, 2)), b._parameter("crops", ((0, 0), (0, 0)))],
        _IMAGE,
        "y",
        options="BatchToSpaceNDOptions",
    ),
    "BROADCAST_TO": lambda b: b.operator(
        "BROADCAST_TO", [b.x((1, 1, 1, 4)), b._parameter("shape", _IMAGE)], _IMAGE, "y", options="BroadcastToOptions"
    ),
    "CONCATENATION": _concatenation,
    "CONV_2D": _conv,
    "COS": _unary("COS", 1 / 128, 0),
    "DEPTHWISE_CONV_2D": _depthwise,
    "DEPTH_TO_SPACE": _moved("DEPTH_TO_SPACE", (1, 12, 12, 1), options="DepthToSpaceOptions", fields={"BlockSize": 2}),
    "DEQUANTIZE": _dequantize,
    "DIV": lambda b: b.operator("DIV", [b.x((1, 32)), b.numbers((1, 32))], (1, 32), "y", options="DivOptions", **b.out(0.06)),
    "ELU": _unary("ELU"),
    "EQUAL": _binary("EQUAL", "EqualOptions", "bool"),
    "EXP": _unary("EXP", 1.0, -128),
    "EXPAND_DIMS": lambda b: b.operator(
        "EXPAND_DIMS", [b.x((1, 32)), b.constant("axis", np.array(1, np.int32))], (1, 1, 32), "y", options="ExpandDimsOptions"
    ),
    "FLOOR": _unary("FLOOR"),
    "FLOOR_DIV": _binary("FLOOR_DIV", "FloorDivOptions", same=True),
    "FLOOR_MOD": _binary("FLOOR_MOD", "FloorModOptions", same=True),
    "FULLY_CONNECTED": _dense,
    "GATHER": _gather,
    "GELU": lambda b: b.operator(
        "GELU", [b.x((1, 32))], (1, 32), "y", options="GeluOptions", fields={"Approximate": False}, **b.out(0.05)
    ),
    "GREATER": _binary("GREATER", "GreaterOptions", "bool"),
    "GREATER_EQUAL": _binary("GREATER_EQUAL", "GreaterEqualOptions", "bool"),
    "HARD_SWISH": _unary("HARD_SWISH"),
    "L2_NORMALIZATION": lambda b: b.operator(
        "L2_NORMALIZATION",
        [b.x((1, 32))],
        (1, 32),
        "y",
        options="L2NormOptions",
        fields={"FusedActivationFunction": 0},
        **b.out(1 / 128, 0),
    ),
    "LEAKY_RELU": lambda b: b.leaky_relu(b.x((1, 32)), 0.1, "y", **b.out(0.05)),
    "LESS": _binary("LESS", "LessOptions", "bool"),
    "LESS_EQUAL": _binary("LESS_EQUAL", "LessEqualOptions", "bool"),
    "LOG": _unary("LOG", 0.05, positive=True),
    "LOGISTIC": _unary("LOGISTIC", 1 / 256, -128),
    "LOG_SOFTMAX": _unary("LOG_SOFTMAX", 16 / 256, 127),
    "MAXIMUM": _binary("MAXIMUM", "MaximumMinimumOptions", same=True),
    "MAX_POOL_2D": _window("MAX_POOL_2D"),
    "MEAN": lambda b: b.mean(b.x(), (1, 2), "y", **b.out(0.04)),
    "MINIMUM": _binary("MINIMUM", "MaximumMinimumOptions", same=True),
    "MIRROR_PAD": _moved(
        "MIRROR_PAD", (1, 8, 8, 4), ("paddings", ((0, 0), (1, 1), (1, 1), (0, 0))), options="MirrorPadOptions", fields={"Mode": 0}
    ),
    "MUL": _binary("MUL", "MulOptions"),
    "NEG": lambda b: b.unary("NEG", b.x((1, 32), zero=0), "y"),
    "NOT_EQUAL": _binary("NOT_EQUAL", "NotEqualOptions", "bool"),
    "PACK": _pack,
    "PAD": lambda b: b.pad(b.x(), ((0, 0), (1, 1), (2, 0), (0, 0)), "y"),
    "PADV2": _padv2,
    "POW": _binary("POW", "PowOptions", same=True),
    "PRELU": _prelu,
    "QUANTIZE": _quantize,
    "REDUCE_MAX": reduction("REDUCE_MAX", None),
    "REDUCE_MIN": reduction("REDUCE_MIN", None),
    "REDUCE_PROD": reduction("REDUCE_PROD", None),
    "RELU": _unary("RELU"),
    "RELU6": _unary("RELU6"),
    "RELU_0_TO_1": _unary("RELU_0_TO_1"),
    "RELU_N1_TO_1": _unary("RELU_N1_TO_1"),
    "RESHAPE": lambda b: b.reshape(b.x(), (1, 144), "y"),
    "RESIZE_BILINEAR": _resize("RESIZE_BILINEAR", "ResizeBilinearOptions"),
    "RESIZE_NEAREST_NEIGHBOR": _resize("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions"),
    "REVERSE_V2": _moved("REVERSE_V2", _IMAGE, ("axis", (3,)), options="ReverseV2Options"),
    "ROUND": _unary("ROUND"),
    "RSQRT": _unary("RSQRT", 0.05, positive=True),
    "SELECT": _select("SELECT"),
    "SELECT_V2": _select("SELECT_V2"),
    "SIGN": _unary("SIGN", 1 / 127, 0),
    "SIN": _unary("SIN", 1 / 128, 0),
    "SLICE": _moved("SLICE", (1, 3, 3, 4), ("begin", (0, 1, 2, 0)), ("size", (1, 3, 3, 4)), options="SliceOptions"),
    "SOFTMAX": lambda b: b.operator(
        "SOFTMAX", [b.x((1, 32))], (1, 32), "y", options="SoftmaxOptions", fields={"Beta": 1.0}, **b.out(1 / 256, -128)
    ),
    "SPACE_TO_BATCH_ND": lambda b: b.operator(
        "SPACE_TO_BATCH_ND",
        [b.x(), b._parameter("block", (2, 2)), b._parameter("paddings", ((0, 0), (0, 0)))],
        (4, 3, 3, 4),
        "y",
        options="SpaceToBatchNDOptions",
    ),
    "SPACE_TO_DEPTH": _moved("SPACE_TO_DEPTH", (1, 3, 3, 16), options="SpaceToDepthOptions", fields={"BlockSize": 2}),
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "SQRT": _unary("SQRT", 0.05, positive=True),
    "SQUARE": _unary("SQUARE"),
    "SQUARED_DIFFERENCE": _binary("SQUARED_DIFFERENCE", "SquaredDifferenceOptions"),
    "SQUEEZE": lambda b: b.operator("SQUEEZE", [b.x((1, 1, 32))], (1, 32), "y", options="SqueezeOptions"),
    "STRIDED_SLICE": lambda b: b.strided_slice(b.x(), (0, 1, 0, 0), (1, 6, 6, 4), (1, 2, 3, 1), "y"),
    "SUB": _binary("SUB", "SubOptions"),
    "SUM": reduction("SUM", 0.5),
    "TANH": _unary("TANH", 1 / 128, 0),
    "TILE": _moved("TILE", (1, 12, 6, 4), ("multiples", (1, 2, 1, 1)), options="TileOptions"),
    "TRANSPOSE": lambda b: b.transpose(b.x(), (0, 3, 1, 2), "y"),
    "TRANSPOSE_CONV": _transpose_conv,
    "UNPACK": _unpack,
}


def tflite_model(operator: str, kind: str) -> bytes:
    """A model of ``operator`` alone whose activations are ``kind``: "int8", "uint8" or "float32"."""
    b = Bench(kind)
    return b.only(RECIPES[operator](b))


def all_in_one(operators: Iterable[str], kind: str) -> bytes:
    """One model of many operators side by side; the tensors of each carry its name: "ABS/x", "ABS/y"."""
    b, outputs = Bench(kind), []
    for operator in operators:
        b.prefix = f"{operator}/"
        result = RECIPES[operator](b)
        outputs += result if isinstance(result, list) else [result]
    return b.build(outputs)
