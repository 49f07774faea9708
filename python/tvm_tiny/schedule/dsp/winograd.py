"""Convolution 3x3 with stride 1 by Winograd's minimal filtering: half the products, for four times the flash of the weights.

Along a row four outputs come from six inputs by six products instead of twelve; over the three rows and all channels these add up
in six "components", each a matrix product like that of :mod:`tvm_tiny.schedule.dsp.gemm` with 16 bits on both sides.
runtime/dsp_winograd.h has the arithmetic, which is exact: integers modulo 2^32, the sums 192 times their value.

Weights take four times their bytes in flash, and the inputs of 16 outputs at a time 144 bytes for each input channel. So this is
never the default: tuning may choose it where there is room. With 4 for the knob ``rows`` a tile is 4x4 outputs
(:mod:`.winograd_square`): again half the products, and twice the flash and the memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tvm import tirx
from tvm.script.ir_builder import IRBuilder
from tvm.script.ir_builder import tirx as T

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.dsp import gemm, winograd_square
from tvm_tiny.schedule.dsp.loads import ORDERS, load_orders
from tvm_tiny.schedule.implementation import Choices, Implementation, Knob, Scheduled
from tvm_tiny.schedule.requantize import HighWord, high_word_form
from tvm_tiny.target import Core

FACTOR = 192
"""The sums are this many times their value."""

_B = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    np.int64,
)
_G = FACTOR // 24 * np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]], np.int64)
"""FACTOR times the transform of the weights."""

_INPUT_OFFSET, _LANE_OFFSET = 128, 2560
"""What the runtime adds to each input, and to each component of them."""

_BEGINS = 1
"""The component that is in each output once: its sums begin with the bias."""

_COMPONENTS, _OUTPUTS, _TILES, _CHANNELS = 6, 4, 4, 2
_GROUP = _OUTPUTS * _TILES
_UNROLL = 24
"""Words of the depth to one turn of the kernel's loop."""

_READ_AHEAD = 2
"""Words behind the inputs that a kernel may load."""


def applies(node: Node, core: Core) -> bool:
    """3x3, stride 1, rows of whole tiles, 16 pixels at a time, input channels by 16; a requantisation that is proven exact."""
    if core.unroll == 1 or node.op.name != "conv2d" or node.constant(1).dtype != np.int8:
        return False
    attrs, (_, kernel_h, kernel_w, inputs) = node.attrs, node.constant(1).shape
    n, rows, columns, channels = node.output.shape
    return (
        (n, kernel_h, kernel_w) == (1, 3, 3)
        and attrs.strides == (1, 1)
        and attrs.dilation == (1, 1)
        and (attrs.low, attrs.high) == (-128, 127)
        and inputs % 16 == 0
        and channels % _CHANNELS == 0
        and columns % _OUTPUTS == 0
        and rows * columns % _GROUP == 0
        and _requantization(node) is not None
    )


def knobs(node: Node, core: Core) -> tuple[Knob, ...]:
    """``rows`` of outputs of a tile; ``loads``: their order, an index into :data:`tvm_tiny.schedule.dsp.loads.ORDERS`."""
    return Knob("rows", (1, 4) if winograd_square.applies(node) else (1,)), Knob("loads", load_orders(core))


def _requantization(node: Node) -> HighWord | None:
    attrs = node.attrs
    scales = np.broadcast_to(node.constant(3), (node.output.shape[3],))
    return high_word_form(scales, attrs.rounding, attrs.zero_point, attrs.low, attrs.high, gemm.reach_of(node), FACTOR)


def stream_of(node: Node, form: HighWord) -> np.ndarray:
    """Weights and parameters as the kernel reads them, int32: (blocks, words of a block)."""
    weight = node.constant(1).astype(np.int64)  # (channels, kh, kw, inputs)
    channels, _, _, inputs = weight.shape
    transformed = np.einsum("mj,cijk->cmik", _G, weight)  # (channels, components, kh, inputs)
    too_much = (_INPUT_OFFSET * _B.sum(axis=1) + _LANE_OFFSET) * transformed.sum(axis=(2, 3))
    begin = -too_much
    begin[:, _BEGINS] += FACTOR * node.constant(2).astype(np.int64)
    # The lanes of a word: channels 0 and 2 of every four inputs, then 1 and 3.
    pairs = transformed.reshape(channels, _COMPONENTS, 3, inputs // 4, 2, 2).swapaxes(-1, -2)
    assert np.abs(pairs).max() < 2**15
    words = np.ascontiguousarray(pairs.astype("<i2")).view("<i4").reshape(channels, _COMPONENTS, -1)
    sums = np.concatenate([(begin & 0xFFFFFFFF).astype(np.uint32).view(np.int32)[..., None], words], axis=2)
    blocks = channels // _CHANNELS
    sums = sums.reshape(blocks, _CHANNELS, _COMPONENTS, -1).transpose(0, 2, 3, 1).reshape(blocks, -1)
    unit = np.zeros(channels, np.int32) if form.unit is None else form.unit
    numbers = np.stack([form.multiplier, form.offset, unit, form.shift], axis=1).reshape(blocks, -1)
    return np.concatenate([sums, numbers], axis=1).astype(np.int32)


def build(node: Node, _core: Core, choices: Choices) -> Scheduled:
    """Transform the inputs of four tiles, multiply, requantise: one group of 16 pixels after the other."""
    if choices["rows"] == 4:
        return winograd_square.build(node, choices["loads"])
    form = _requantization(node)
    assert form is not None
    window = gemm.window_of(node)
    _, height, width, inputs = window.image
    channels, pixels = node.output.shape[3], window.rows * window.columns
    constants = {"stream": stream_of(node, form)}
    words = 3 * inputs // 2
    with IRBuilder() as builder, T.prim_func(s_tir=True):
        T.func_name("main")
        x = T.arg("x", T.buffer(node.value(0).shape, "int8"))
        stream = T.arg("stream", T.buffer(constants["stream"].shape, "int32"))
        output = T.arg("output", T.buffer((pixels, channels), "int8"))
        with T.sblock("root"):
            lanes = _scratch("lanes", _COMPONENTS * words * _TILES + _READ_AHEAD, "int32")
            patch = _scratch("patch", 6 * inputs, "int8")
            with T.serial(0, pixels // _GROUP) as group:
                with T.serial(0, _TILES) as tile:
                    pixel = group * _GROUP + tile * _OUTPUTS
                    y, z = pixel // window.columns - window.top, pixel % window.columns - window.left
                    first, last = tirx.max(y, 0), tirx.min(y + 3, height)
                    with T.sblock("lanes"):
                        T.reads(x[0, first : tirx.max(last, first), 0:width, 0:inputs])
                        T.writes(lanes[0 : lanes.shape[0]], patch[0 : patch.shape[0]])
                        pointers = lanes.access_ptr("w", offset=tile), patch.access_ptr("rw"), x.access_ptr("r")
                        _call("tvm_tiny_winograd_tile", *pointers, y, z, height, width, inputs, window.pad_value)
                with T.sblock("output"):
                    T.reads(lanes[0 : lanes.shape[0]], stream[0 : stream.shape[0], 0 : stream.shape[1]])
                    T.writes(output[group * _GROUP : group * _GROUP + _GROUP, 0:channels])
                    out = output.access_ptr("w", offset=group * _GROUP * channels)
                    kernel = f"tvm_tiny_winograd_{ORDERS[choices['loads']]}"
                    _call(kernel, lanes.access_ptr("r"), stream.access_ptr("r"), out, words, channels)
    return Scheduled(builder.get(), constants)


def _call(function: str, *args: Any) -> None:
    T.evaluate(T.call_extern("int32", function, *args))


def _scratch(name: str, count: int, dtype: str) -> tirx.Buffer:
    buffer = T.sblock_alloc_buffer((count,), dtype)
    IRBuilder.name(name, buffer)
    return buffer


WINOGRAD = Implementation("winograd", applies, build, knobs)
