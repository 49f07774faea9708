"""Which TFLite operators are taken, and in which form; what is refused before it is converted, and why."""

from __future__ import annotations

from collections.abc import Container
from functools import cache

from tvm_tiny.frontend.tflite_file import Graph, Operator

# Operators that the importer could convert but this package cannot compile, with the reason.
_STATE = "it keeps state between inferences"
_CONTROL = "it calls another graph: control flow is not supported"
_RANDOM = "it draws random numbers"
REFUSED = {
    "ASSIGN_VARIABLE": _STATE,
    "BIDIRECTIONAL_SEQUENCE_LSTM": _STATE,
    "BIDIRECTIONAL_SEQUENCE_RNN": _STATE,
    "CALL": _CONTROL,
    "CALL_ONCE": _CONTROL,
    "CUSTOM": "custom operators have no public definition",
    "DELEGATE": "it was compiled for one accelerator",
    "DENSIFY": "sparse weights are not supported",
    "DETECTION_POSTPROCESS": "custom operators have no public definition",
    "HASHTABLE": _STATE,
    "HASHTABLE_FIND": _STATE,
    "HASHTABLE_IMPORT": _STATE,
    "HASHTABLE_LOOKUP": _STATE,
    "HASHTABLE_SIZE": _STATE,
    "IF": _CONTROL,
    "LSTM": _STATE,
    "MULTINOMIAL": _RANDOM,
    "PLACEHOLDER_FOR_GREATER_OP_CODES": "it is newer than the schema that is known here",
    "RANDOM_STANDARD_NORMAL": _RANDOM,
    "RANDOM_UNIFORM": _RANDOM,
    "READ_VARIABLE": _STATE,
    "STABLEHLO_COMPOSITE": _CONTROL,
    "STABLEHLO_REDUCE": _CONTROL,
    "STABLEHLO_REDUCE_WINDOW": _CONTROL,
    "STABLEHLO_RNG_BIT_GENERATOR": _RANDOM,
    "STABLEHLO_SCATTER": _CONTROL,
    "STABLEHLO_SORT": _CONTROL,
    "STABLEHLO_WHILE": _CONTROL,
    "SVDF": _STATE,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _STATE,
    "UNIDIRECTIONAL_SEQUENCE_RNN": _STATE,
    "VAR_HANDLE": _STATE,
    "WHILE": _CONTROL,
}

# Quantised arithmetic that TFLite has kernels for; it comes out as dequantize → float operator → quantize.
ARITHMETIC = frozenset(
    "ABS ADD AVERAGE_POOL_2D CONV_2D DEPTHWISE_CONV_2D DEQUANTIZE DIV ELU EXP FULLY_CONNECTED GELU HARD_SWISH LEAKY_RELU LOG "
    "LOGISTIC LOG_SOFTMAX MAXIMUM MEAN MINIMUM MUL PRELU QUANTIZE REDUCE_MAX REDUCE_MIN RELU RELU6 RELU_0_TO_1 RELU_N1_TO_1 "
    "RESIZE_BILINEAR RSQRT SOFTMAX SQUARED_DIFFERENCE SUB SUM TANH TRANSPOSE_CONV".split()
)
# Quantised operands, but a result that is not: truth values and positions.
PREDICATES = frozenset("ARG_MAX ARG_MIN EQUAL GREATER GREATER_EQUAL LESS LESS_EQUAL NOT_EQUAL".split())
# Moves of stored values. CONCATENATION of uint8 with different scales is the one that computes.
MOVES = frozenset(
    "BATCH_TO_SPACE_ND BROADCAST_TO CONCATENATION DEPTH_TO_SPACE EXPAND_DIMS GATHER MAX_POOL_2D MIRROR_PAD PACK PAD PADV2 RESHAPE "
    "RESIZE_NEAREST_NEIGHBOR REVERSE_V2 SELECT SELECT_V2 SLICE SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT SPLIT_V SQUEEZE "
    "STRIDED_SLICE TILE TRANSPOSE UNPACK".split()
)

_INTEGERS = ("int8", "uint8")


def early_reason(operator: Operator, graph: Graph, known: Container[str]) -> str | None:
    """Why ``operator`` is refused without looking at its options; None if it is not. ``known`` are the importer's operators."""
    if operator.code in REFUSED:
        return REFUSED[operator.code]
    if operator.code not in known:
        return "no importer exists for it"
    operands = [graph.tensors[i] for i in operator.inputs if i >= 0]
    results = [graph.tensors[i] for i in operator.outputs]
    for tensor in operands:
        if tensor.sparse:
            return f"its operand {tensor.name!r} is stored in a sparse form"
    if not any(tensor.quantized for tensor in (*operands, *results)):
        return None
    if operator.code not in ARITHMETIC | PREDICATES | MOVES:
        return "it has no quantised form here"
    if operator.code in MOVES:
        return None
    for tensor in (*operands, *results):
        if tensor.dtype in _INTEGERS and not tensor.quantized:
            return f"tensor {tensor.name!r} is {tensor.dtype} without a scale"
    if operator.code in ("QUANTIZE", "DEQUANTIZE"):
        return None
    if any(tensor.dtype == "float32" for tensor in (*operands, *results)):
        return "it mixes float32 and int8 (hybrid quantisation): quantise weights and activations alike, for full int8"
    for tensor in (operands[0], *results):
        if tensor.scale.size > 1:
            return f"the activation {tensor.name!r} has {tensor.scale.size} scales, expected one"
    return None


def live_operators(graph: Graph) -> set[int]:
    """Indices of the operators that an output depends on. What computes the shape of a reshape does not count: the file has it."""
    wanted = set(graph.outputs)
    live = set()
    for operator in reversed(graph.operators):
        if wanted.isdisjoint(operator.outputs):
            continue
        live.add(operator.index)
        read = operator.inputs[:1] if operator.code == "RESHAPE" else operator.inputs
        wanted.update(i for i in read if i >= 0)
    return live


@cache
def known_operators() -> frozenset[str]:
    """Operators that can be imported, by their names in the schema."""
    from tvm_tiny.frontend.tflite_converter import CanonicalConverter

    nothing = Graph((), (), (), (), 1)
    return frozenset(CanonicalConverter(nothing, None, None, None, None).convert_map) - frozenset(REFUSED)
