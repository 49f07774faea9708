"""Operators that the NPU can compute in int8. Its own constraints are the checks of `npu.support`, whose reasons are told.

ONNX's averages, products and softmax are not among them: they round otherwise than the NPU's vector unit.
"""

from __future__ import annotations

from collections.abc import Mapping

NPU: Mapping[str, frozenset[str]] = {
    "tflite": frozenset(
        "ABS ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D ELU EXP FULLY_CONNECTED GELU HARD_SWISH LEAKY_RELU LOG "
        "LOGISTIC MAX_POOL_2D MEAN MUL PACK PAD PADV2 QUANTIZE RELU RELU6 RELU_0_TO_1 RELU_N1_TO_1 RESIZE_NEAREST_NEIGHBOR RSQRT "
        "SOFTMAX SUB TANH".split()
    ),
    "onnx": frozenset(
        "Abs Add Ceil Clip Concat Conv Cos Dropout Elu Erf Exp Floor Gelu Gemm HardSigmoid HardSwish Identity "
        "LeakyRelu Log MatMul MaxPool Mish Neg Pow Reciprocal Relu Round Selu Sigmoid Sign Sin Softplus Softsign Sqrt "
        "Sub Sum Tan Tanh ThresholdedRelu".split()
    ),
}
