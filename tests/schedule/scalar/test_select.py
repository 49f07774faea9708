"""Which form computes a layer on a core without SIMD."""

from __future__ import annotations

import numpy as np
import pytest

from tvm_tiny.op.conv2d import CONV2D, Conv2dAttrs
from tvm_tiny.op.depthwise_conv2d import DEPTHWISE_CONV2D
from tvm_tiny.op.operator import Node, Value
from tvm_tiny.schedule.scalar.packed import parts_of
from tvm_tiny.schedule.select import implementations
from tvm_tiny.target import get_core


def convolution(shape: tuple[int, ...], weight: np.ndarray, stride: int = 1) -> Node:
    attrs = Conv2dAttrs((stride, stride), (0, 0, 0, 0), (1, 1), 0, 0, -128, 127, "double")
    depthwise = weight.ndim == 3
    channels = weight.shape[2 if depthwise else 0]
    operator = DEPTHWISE_CONV2D if depthwise else CONV2D
    inputs = (Value(shape, "int8"), weight, np.zeros(channels, np.int32), np.full(channels, 0.01))
    return Node(operator, attrs, inputs, operator.infer(inputs, attrs))


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.int8)


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m0plus", "cortex-m3"])
@pytest.mark.parametrize(
    ("node", "name"),
    [
        (convolution((1, 6, 6, 8), ones(4, 3, 3, 8)), "packed"),
        (convolution((1, 1, 1, 64), ones(8, 1, 1, 64)), "dense"),
        (convolution((1, 8, 8, 4), ones(3, 3, 4)), "depthwise 3x3 by rows"),
        (convolution((1, 9, 9, 4), ones(3, 3, 4), stride=2), "depthwise 3x3 by rows"),
        (convolution((1, 9, 9, 4), ones(5, 5, 4)), "scalar"),
        (convolution((1, 4, 4, 4), ones(3, 3, 4)), "scalar"),  # two outputs side by side
    ],
)
def test_the_form_of_a_layer(core: str, node: Node, name: str) -> None:
    assert implementations(node, get_core(core))[0].name == name


def test_generic_c_stays_plain() -> None:
    assert implementations(convolution((1, 6, 6, 8), ones(4, 3, 3, 8)), get_core("c"))[0].name == "scalar"


def test_a_deep_sum_is_cut_into_parts_that_fit_21_bits() -> None:
    assert parts_of(convolution((1, 3, 3, 64), np.full((1, 1, 1, 64), 127, np.int8))) == 1  # 64 * 127 * 128 < 2^20
    assert parts_of(convolution((1, 3, 3, 65), np.full((1, 1, 1, 65), 127, np.int8))) == 5
    assert parts_of(convolution((1, 3, 3, 67), np.full((1, 1, 1, 67), 127, np.int8))) == 67  # a prime
