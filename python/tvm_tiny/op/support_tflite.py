"""The operators of ``.tflite`` models."""

from __future__ import annotations

from collections.abc import Mapping

from tvm_tiny.op.support import ALL, QUANTIZED, Support

WEIGHTS = "The weights are a constant in 8 bits, with one scale or one for each output channel."
BIAS = "The bias is constant."
GROUPS = "It has one group, or as many as input channels."
ACCUMULATOR = "The int32 accumulator cannot overflow, whatever the input."
CONSTANT_SCALE = "A constant operand is in 8 bits with one scale."
SUM_SCALES = "The inputs' scales are at most 2^18 times that of the output."
PRODUCT_SCALE = (
    "The inputs' scales, multiplied, are so small beside that of the output that the rescaled product fits into 32 bits."
)
MEAN_SCALE = "The input's scale is so small beside that of the output that the rescaled sum fits into 32 bits."
SAME_QUANTIZATION = "Input and output have the same scale and zero point."
SOFTMAX_OUTPUT = "The output has scale 1/256 and zero point -128."
SOFTMAX_DEPTH = "A row has fewer than 4096 elements."
GATED_SCALE = "The output's scale is at least 1/128 of the input's."
CONSTANT_PARAMETERS = "Everything but the data (axes, sizes, paddings, indices) is constant."

# Operators with an integer form, and what that needs.
_INTEGER: Mapping[str, tuple[str, ...]] = {
    "ABS": (),
    "ADD": (CONSTANT_SCALE, SUM_SCALES),
    "ARG_MAX": (),
    "ARG_MIN": (),
    "AVERAGE_POOL_2D": (),
    "BATCH_TO_SPACE_ND": (CONSTANT_PARAMETERS,),
    "BROADCAST_TO": (CONSTANT_PARAMETERS,),
    "CONCATENATION": (),
    "CONV_2D": (WEIGHTS, BIAS, GROUPS, ACCUMULATOR),
    "DEPTHWISE_CONV_2D": (WEIGHTS, BIAS),
    "DEPTH_TO_SPACE": (),
    "ELU": (),
    "EXP": (),
    "EXPAND_DIMS": (),
    "FULLY_CONNECTED": (WEIGHTS, BIAS, ACCUMULATOR),
    "GATHER": (CONSTANT_PARAMETERS,),
    "GELU": (),
    "HARD_SWISH": (GATED_SCALE,),
    "LEAKY_RELU": (),
    "LOG": (),
    "LOGISTIC": (),
    "MAX_POOL_2D": (),
    "MEAN": (CONSTANT_PARAMETERS, MEAN_SCALE),
    "MIRROR_PAD": (CONSTANT_PARAMETERS,),
    "MUL": (CONSTANT_SCALE, PRODUCT_SCALE),
    "PACK": (),
    "PAD": (CONSTANT_PARAMETERS,),
    "PADV2": (CONSTANT_PARAMETERS,),
    "QUANTIZE": (),
    "REDUCE_MAX": (CONSTANT_PARAMETERS, SAME_QUANTIZATION),
    "REDUCE_MIN": (CONSTANT_PARAMETERS, SAME_QUANTIZATION),
    "RELU": (),
    "RELU6": (),
    "RELU_0_TO_1": (),
    "RELU_N1_TO_1": (),
    "RESHAPE": (),
    "RESIZE_NEAREST_NEIGHBOR": (CONSTANT_PARAMETERS,),
    "REVERSE_V2": (CONSTANT_PARAMETERS,),
    "RSQRT": (),
    "SELECT": (),
    "SELECT_V2": (),
    "SLICE": (CONSTANT_PARAMETERS,),
    "SOFTMAX": (SOFTMAX_OUTPUT, SOFTMAX_DEPTH),
    "SPACE_TO_BATCH_ND": (CONSTANT_PARAMETERS,),
    "SPACE_TO_DEPTH": (),
    "SPLIT": (CONSTANT_PARAMETERS,),
    "SPLIT_V": (CONSTANT_PARAMETERS,),
    "SQUEEZE": (),
    "STRIDED_SLICE": (CONSTANT_PARAMETERS,),
    "SUB": (CONSTANT_SCALE, SUM_SCALES),
    "SUM": (CONSTANT_PARAMETERS,),
    "TANH": (),
    "TILE": (CONSTANT_PARAMETERS,),
    "TRANSPOSE": (CONSTANT_PARAMETERS,),
    "UNPACK": (),
}

# Operators that compute in float32 whatever the dtype of their operands.
_FLOAT = (
    "DIV EQUAL GREATER GREATER_EQUAL LESS LESS_EQUAL LOG_SOFTMAX MAXIMUM MINIMUM NOT_EQUAL PRELU "
    "RESIZE_BILINEAR SQUARED_DIFFERENCE TRANSPOSE_CONV"
).split()

# Operators that are taken with float32 operands only.
_FLOAT_ONLY = "BATCH_MATMUL COS FLOOR FLOOR_DIV FLOOR_MOD L2_NORMALIZATION NEG POW REDUCE_PROD ROUND SIGN SIN SQRT SQUARE".split()

TFLITE: tuple[Support, ...] = (
    *(Support("tflite", name, ALL, True, constraints) for name, constraints in _INTEGER.items()),
    *(Support("tflite", name, ALL, False) for name in _FLOAT),
    *(Support("tflite", name, ("float32",), False) for name in _FLOAT_ONLY),
    Support("tflite", "DEQUANTIZE", QUANTIZED, False),
)
