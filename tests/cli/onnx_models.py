"""One small ONNX model for each operator: what the table of operators promises is tried on these."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tvm_tiny.testing.onnx_builder import OnnxBuilder, Value

_IMAGE = (1, 4, 6, 6)
_ROW = (1, 32)


class Bench(OnnxBuilder):
    """A builder for models of one operator whose activations have the dtype ``kind``; integers stand in QDQ form."""

    def __init__(self, kind: str) -> None:
        super().__init__("uint8" if kind == "uint8" else "int8", opset=20)
        self.quantized = kind != "float32"
        self._shift = 128 if kind == "uint8" else 0
        self._rng = np.random.default_rng(0)

    def x(self, shape: tuple[int, ...] = _IMAGE, name: str = "x", scale: float = 0.05, zero: int = -3) -> Value:
        """An input; ``zero`` is meant for int8."""
        return self.input(name, shape, scale, zero + self._shift) if self.quantized else self.input(name, shape)

    def out(self, scale: float, zero: int = 5) -> dict[str, Any]:
        """The parameters of an output; a float one has none."""
        return {"scale": scale, "zero_point": zero + self._shift} if self.quantized else {}

    def like_x(self) -> dict[str, Any]:
        """The parameters of an output that has those of its input."""
        return self.out(0.05, -3)

    def kernel(self, shape: tuple[int, ...], name: str = "weights") -> Value:
        real = self._rng.normal(0.0, 0.3, shape).astype(np.float32)
        return self.weights(name, real) if self.quantized else self.constant(name, real)

    def offsets(self, size: int) -> np.ndarray:
        stored = self._rng.integers(-500, 500, size).astype(np.int32)
        return stored if self.quantized else (stored / 1000).astype(np.float32)

    def numbers(self, shape: tuple[int, ...], name: str = "numbers", low: float = 0.5, high: float = 2.0) -> Value:
        """A constant operand, in 8 bits where activations are."""
        real = self._rng.uniform(low, high, shape).astype(np.float32)
        if not self.quantized:
            return self.constant(name, real)
        return self.quantized_constant(name, np.rint(real / 0.02).astype(np.int8), 0.02)

    def real(self, name: str, values: Any) -> Value:
        return self.constant(name, np.asarray(values, np.float32))

    def ints(self, name: str, values: Any) -> Value:
        return self.constant(name, np.asarray(values, np.int64))


Recipe = Callable[[Bench], "Value | list[Value]"]


def _unary(operator: str, scale: float = 0.05, zero: int = 5, low: int = -3, x_scale: float = 0.05, **attributes: Any) -> Recipe:
    """An operator of one operand; ``low`` is the zero point of its input: -128 for one without negative values."""
    return lambda b: b.operator(operator, [b.x(_ROW, zero=low, scale=x_scale)], "y", attributes=attributes, **b.out(scale, zero))


def _binary(operator: str) -> Recipe:
    """Scales as training leaves them: round ones make ties, which not every NPU rounds to even."""
    return lambda b: b.operator(operator, [b.x(_ROW, "a"), b.x(_ROW, "b", scale=0.0213757, zero=7)], "y", **b.out(0.0613907))


def _compared(operator: str) -> Recipe:
    """The result is bool, with quantised operands too."""
    return lambda b: b.operator(operator, [b.x(_ROW, "a"), b.x(_ROW, "b", scale=0.02, zero=7)], "y")


def _reduction(operator: str, scale: float, zero: int = 5, low: int = -3) -> Recipe:
    return lambda b: b.operator(
        operator, [b.x(zero=low), b.ints("axes", [2, 3])], "y", attributes={"keepdims": 1}, **b.out(scale, zero)
    )


def _moved(operator: str, *parameters: tuple[str, Any], shape: tuple[int, ...] = _IMAGE, **attributes: Any) -> Recipe:
    """A move of data, with constant int64 operands behind it."""
    return lambda b: b.operator(
        operator, [b.x(shape), *(b.ints(*each) for each in parameters)], "y", attributes=attributes, **b.like_x()
    )


def _normalized(
    operator: str, channels: int, shape: tuple[int, ...] = _IMAGE, names: tuple[str, ...] = ("scale", "bias"), **attributes: Any
) -> Recipe:
    """Normalisation: its parameters are float constants in quantised models too."""

    def make(b: Bench) -> Value:
        parameters = [b.real(name, np.linspace(0.5, 1.5, channels)) for name in names]
        return b.operator(operator, [b.x(shape), *parameters], "y", attributes=attributes, **b.out(0.05))

    return make


def _split(b: Bench) -> list[Value]:
    import onnx

    x = b.x()
    parts = [f"part{i}" for i in range(2)]
    b._nodes.append(onnx.helper.make_node("Split", [x.real], parts, axis=1, num_outputs=2))
    if not b.quantized:
        return [Value(part, part) for part in parts]
    return [b._quantized(part, f"y{i}", 0.05, -3 + b._shift) for i, part in enumerate(parts)]


def _where(b: Bench) -> Value:
    return b.operator("Where", [b.input("mask", _ROW, dtype="bool"), b.x(_ROW, "a"), b.x(_ROW, "b")], "y", **b.like_x())


def _resize(b: Bench) -> Value:
    import onnx

    x, scales, name = b.x(), b.real("scales", [1, 1, 2, 2]), "y/float" if b.quantized else "y"
    b._nodes.append(onnx.helper.make_node("Resize", [x.real, "", scales.real], [name], mode="linear"))
    return b._quantized(name, "y", 0.05, -3 + b._shift) if b.quantized else Value("y", "y")


def _dequantize(b: Bench) -> Value:
    real = b.x(_ROW).real
    return Value(real, real)


RECIPES: dict[str, Recipe] = {
    "Abs": _unary("Abs"),
    "Acos": _unary("Acos", 0.02, -100, x_scale=0.007),
    "Acosh": _unary("Acosh", 0.03, -128, low=-128, x_scale=0.05),
    "Add": _binary("Add"),
    "ArgMax": lambda b: b.operator("ArgMax", [b.x(_ROW)], "y", attributes={"axis": 1}),
    "ArgMin": lambda b: b.operator("ArgMin", [b.x(_ROW)], "y", attributes={"axis": 1}),
    "Asin": _unary("Asin", 0.02, 0, x_scale=0.007),
    "Asinh": _unary("Asinh"),
    "Atan": _unary("Atan", 0.02, 0),
    "Atanh": _unary("Atanh", 0.05, 0, x_scale=0.007),
    "AveragePool": lambda b: b.average_pool(b.x(), (2, 2), "y", **b.out(0.04)),
    "BatchNormalization": _normalized("BatchNormalization", 4, names=("scale", "bias", "mean", "variance")),
    "Ceil": _unary("Ceil"),
    "Clip": lambda b: b.clip(b.x(_ROW), -1.0, 2.0, "y", **b.out(0.02)),
    "Concat": lambda b: b.operator(
        "Concat", [b.x((1, 8), "a"), b.x((1, 4), "b", scale=0.02, zero=7)], "y", attributes={"axis": 1}, **b.out(0.06)
    ),
    "Conv": lambda b: b.conv(b.x(), b.kernel((5, 4, 3, 3)), b.offsets(5), "y", pads=(1, 1, 1, 1), **b.out(0.2)),
    "ConvTranspose": lambda b: b.operator(
        "ConvTranspose", [b.x(), b.kernel((4, 5, 3, 3))], "y", attributes={"strides": [2, 2]}, **b.out(0.2)
    ),
    "Cos": _unary("Cos", 1 / 128, 0),
    "Cosh": _unary("Cosh", 0.05, -128, x_scale=0.02),
    "DepthToSpace": _moved("DepthToSpace", blocksize=2),
    "DequantizeLinear": _dequantize,
    "Div": lambda b: b.operator("Div", [b.x(_ROW), b.numbers(_ROW)], "y", **b.out(0.06)),
    "Dropout": lambda b: b.operator("Dropout", [b.x(_ROW)], "y", **b.like_x()),
    "Elu": _unary("Elu"),
    "Equal": _compared("Equal"),
    "Erf": _unary("Erf", 1 / 128, 0),
    "Exp": _unary("Exp", 0.1, -128, x_scale=0.02),
    "Expand": _moved("Expand", ("shape", _IMAGE), shape=(1, 4, 1, 1)),
    "Flatten": _moved("Flatten"),
    "Floor": _unary("Floor"),
    "Gather": _moved("Gather", ("indices", [3, 0]), axis=1),
    "GatherElements": _moved("GatherElements", ("indices", np.zeros(_ROW, np.int64)), shape=_ROW, axis=1),
    "GatherND": _moved("GatherND", ("indices", [[0, 1], [0, 3]]), shape=_IMAGE),
    "Gelu": _unary("Gelu"),
    "Gemm": lambda b: b.gemm(b.x(_ROW), b.kernel((6, 32)), b.offsets(6), "y", **b.out(0.1)),
    "GlobalAveragePool": lambda b: b.operator("GlobalAveragePool", [b.x()], "y", **b.out(0.04)),
    "GlobalMaxPool": lambda b: b.operator("GlobalMaxPool", [b.x()], "y", **b.like_x()),
    "Greater": _compared("Greater"),
    "GreaterOrEqual": _compared("GreaterOrEqual"),
    "HardSigmoid": _unary("HardSigmoid", 1 / 256, -128),
    "HardSwish": _unary("HardSwish"),
    "Hardmax": _unary("Hardmax", 1 / 128, 0),
    "Identity": _unary("Identity", 0.05, -3),
    "InstanceNormalization": _normalized("InstanceNormalization", 4),
    "LRN": lambda b: b.operator("LRN", [b.x()], "y", attributes={"size": 3}, **b.out(0.05)),
    "LayerNormalization": _normalized("LayerNormalization", 32, _ROW, axis=-1),
    "LeakyRelu": _unary("LeakyRelu", alpha=0.1),
    "Less": _compared("Less"),
    "LessOrEqual": _compared("LessOrEqual"),
    "Log": _unary("Log", 0.05, low=-128, x_scale=0.05),
    "LogSoftmax": _unary("LogSoftmax", 16 / 256, 127),
    "LpPool": lambda b: b.operator("LpPool", [b.x()], "y", attributes={"kernel_shape": [2, 2], "strides": [2, 2]}, **b.out(0.1)),
    "MatMul": lambda b: b.matmul(
        b.x(_ROW),
        b.weights("w", np.random.default_rng(1).normal(0, 0.3, (32, 6)), axis=1) if b.quantized else b.kernel((32, 6)),
        "y",
        **b.out(0.1),
    ),
    "Max": _binary("Max"),
    "MaxPool": lambda b: b.max_pool(b.x(), (2, 2), "y", **b.like_x()),
    "Mean": _binary("Mean"),
    "Min": _binary("Min"),
    "Mish": _unary("Mish"),
    "Mul": _binary("Mul"),
    "Neg": _unary("Neg"),
    "PRelu": lambda b: b.operator("PRelu", [b.x(), b.numbers((4, 1, 1))], "y", **b.out(0.05)),
    "Pad": lambda b: b.pad(b.x(), (0, 0, 1, 2, 0, 0, 1, 0), "y", **b.like_x()),
    "Pow": lambda b: b.operator("Pow", [b.x(_ROW, zero=-128, scale=0.02), b.real("exponent", 2.0)], "y", **b.out(0.1, -128)),
    "QuantizeLinear": lambda b: b.input("x", _ROW, 0.05, -3, dtype="float32"),
    "Reciprocal": lambda b: b.operator(
        "Reciprocal", [b.operator("Exp", [b.x(_ROW, scale=0.02)], "e", **b.out(0.06, -128))], "y", **b.out(0.1, -128)
    ),
    "ReduceL1": _reduction("ReduceL1", 0.5, -128),
    "ReduceL2": _reduction("ReduceL2", 0.2, -128),
    "ReduceLogSum": _reduction("ReduceLogSum", 0.05, low=-128),
    "ReduceLogSumExp": _reduction("ReduceLogSumExp", 0.05),
    "ReduceMax": _reduction("ReduceMax", 0.05, -3),
    "ReduceMean": _reduction("ReduceMean", 0.04),
    "ReduceMin": _reduction("ReduceMin", 0.05, -3),
    "ReduceProd": _reduction("ReduceProd", 0.05),
    "ReduceSum": _reduction("ReduceSum", 0.5),
    "ReduceSumSquare": _reduction("ReduceSumSquare", 1.0, -128),
    "Relu": _unary("Relu"),
    "Reshape": lambda b: b.reshape(b.x(), (1, 144), "y", **b.like_x()),
    "Resize": _resize,
    "Round": _unary("Round"),
    "Selu": _unary("Selu"),
    "Shrink": _unary("Shrink"),
    "Sigmoid": _unary("Sigmoid", 1 / 256, -128),
    "Sign": _unary("Sign", 1 / 127, 0),
    "Sin": _unary("Sin", 1 / 128, 0),
    "Sinh": _unary("Sinh", 0.1, 0, x_scale=0.02),
    "Slice": _moved("Slice", ("starts", [1, 0]), ("ends", [6, 6]), ("axes", [2, 3]), ("steps", [2, 3])),
    "Softmax": _unary("Softmax", 1 / 256, -128, axis=1),
    "Softplus": _unary("Softplus"),
    "Softsign": _unary("Softsign", 1 / 128, 0),
    "SpaceToDepth": _moved("SpaceToDepth", blocksize=2),
    "Split": _split,
    "Sqrt": _unary("Sqrt", 0.02, -128, low=-128),
    "Squeeze": _moved("Squeeze", ("axes", [1]), shape=(1, 1, 32)),
    "Sub": _binary("Sub"),
    "Sum": _binary("Sum"),
    "Tan": _unary("Tan", 0.05, 0, x_scale=0.01),
    "Tanh": _unary("Tanh", 1 / 128, 0),
    "ThresholdedRelu": _unary("ThresholdedRelu"),
    "Transpose": _moved("Transpose", perm=[0, 2, 3, 1]),
    "Trilu": _moved("Trilu", shape=(8, 8)),
    "Unsqueeze": _moved("Unsqueeze", ("axes", [1]), shape=_ROW),
    "Where": _where,
}


def onnx_model(operator: str, kind: str) -> bytes:
    """A model of ``operator`` alone whose activations are ``kind``: "int8", "uint8" or "float32"."""
    b = Bench(kind)
    result = RECIPES[operator](b)
    return b.build(result if isinstance(result, list) else [result])


def all_in_one(operators: Iterable[str], kind: str) -> bytes:
    """One model of many operators side by side; the tensors of each carry its name: "Abs/x", "Abs/y"."""
    import onnx

    models = [onnx.compose.add_prefix(onnx.load_from_string(onnx_model(operator, kind)), f"{operator}/") for operator in operators]
    merged = models[0]
    for model in models[1:]:
        for field in ("node", "input", "output", "initializer"):
            getattr(merged.graph, field).extend(getattr(model.graph, field))
    onnx.checker.check_model(merged)
    return bytes(merged.SerializeToString())
