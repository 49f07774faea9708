"""The operators of ``.onnx`` models."""

from __future__ import annotations

from collections.abc import Mapping

from tvm_tiny.op.support import ALL, QUANTIZED, Support

WEIGHTS = "The weights are a constant in 8 bits, with one scale or one for each output channel."
BIAS = "The bias is constant."
GROUPS = "It has one group, or as many as input channels."
ACCUMULATOR = "The int32 accumulator cannot overflow, whatever the input."
SUM_SCALES = "The inputs' scales are so small beside that of the output that the sum fits into 32 bits."
PRODUCT_SCALE = (
    "The inputs' scales, multiplied, are so small beside that of the output that the rescaled product fits into 32 bits."
)
MEAN_SCALE = "The input's scale is so small beside that of the output that the rescaled sum fits into 32 bits."
OTHERS_CONSTANT = "All operands but the first are constants of one element."
PAD_MODE = "The mode is constant."
CONSTANT_PARAMETERS = "Everything but the data (axes, sizes, paddings, indices) is constant."
SOFTMAX_DEPTH = "A row has at most 2^14 elements."

_INTEGER: Mapping[str, tuple[str, ...]] = {
    "Add": (SUM_SCALES,),
    "AveragePool": (MEAN_SCALE,),
    "Clip": (CONSTANT_PARAMETERS,),
    "Concat": (),
    "Conv": (WEIGHTS, BIAS, GROUPS, ACCUMULATOR),
    "Expand": (CONSTANT_PARAMETERS,),
    "Gather": (CONSTANT_PARAMETERS,),
    "Gemm": (WEIGHTS, BIAS, ACCUMULATOR),
    "GlobalAveragePool": (MEAN_SCALE,),
    "MatMul": (WEIGHTS, ACCUMULATOR),
    "Mul": (PRODUCT_SCALE,),
    "Pad": (CONSTANT_PARAMETERS, PAD_MODE),
    "Pow": (OTHERS_CONSTANT,),
    "ReduceMax": (CONSTANT_PARAMETERS,),
    "ReduceMean": (CONSTANT_PARAMETERS, MEAN_SCALE),
    "ReduceMin": (CONSTANT_PARAMETERS,),
    "ReduceSum": (CONSTANT_PARAMETERS,),
    "Reshape": (CONSTANT_PARAMETERS,),
    "Slice": (CONSTANT_PARAMETERS,),
    "Softmax": (SOFTMAX_DEPTH,),
    "Sub": (SUM_SCALES,),
    **dict.fromkeys(
        (
            "Abs Ceil Cos DepthToSpace Dropout Elu Erf Exp Flatten Floor Gelu GlobalMaxPool HardSigmoid HardSwish Identity "
            "LeakyRelu Log MaxPool Mish Neg Reciprocal Relu Round Selu Sigmoid Sign Sin Softplus Softsign SpaceToDepth Split Sqrt "
            "Squeeze Sum Tan Tanh ThresholdedRelu Transpose Unsqueeze"
        ).split(),
        (),
    ),
}

_FLOAT = (
    "Acos Acosh ArgMax ArgMin Asin Asinh Atan Atanh BatchNormalization ConvTranspose Cosh Div Equal GatherElements GatherND "
    "Greater GreaterOrEqual Hardmax InstanceNormalization LRN LayerNormalization Less LessOrEqual LogSoftmax LpPool Max Mean Min "
    "PRelu ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceProd ReduceSumSquare Resize Shrink Sinh Trilu Where"
).split()

ONNX: tuple[Support, ...] = (
    *(Support("onnx", name, ALL, True, constraints) for name, constraints in _INTEGER.items()),
    *(Support("onnx", name, ALL, False) for name in _FLOAT),
    Support("onnx", "DequantizeLinear", QUANTIZED, False),
    Support("onnx", "QuantizeLinear", ("float32",), False),
)
