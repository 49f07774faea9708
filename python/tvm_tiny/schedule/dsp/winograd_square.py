"""Winograd's filtering in both directions: 4x4 outputs from 6x6 inputs by a quarter of the products of a 3x3 convolution.

As :mod:`.winograd`, with 36 components instead of six for each of three rows, and sums that are 576 times their value
(runtime/dsp_winograd_square.h). Weights take eight times their bytes in flash, and the inputs of two tiles 144 bytes for each
input channel.
"""

from __future__ import annotations

import numpy as np
from tvm import tirx
from tvm.script.ir_builder import IRBuilder
from tvm.script.ir_builder import tirx as T

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.dsp import gemm
from tvm_tiny.schedule.dsp.loads import ORDERS
from tvm_tiny.schedule.implementation import Scheduled
from tvm_tiny.schedule.requantize import HighWord, high_word_form

FACTOR = 576
"""The sums are this many times their value."""

_G = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 4]], np.int64)

_INPUT_OFFSET = 128
"""What the runtime adds to each input."""

_COMPONENTS, _SIDE, _TILES, _CHANNELS = 36, 4, 2, 4
_SUMS = _COMPONENTS * _TILES * _CHANNELS

_READ_AHEAD = 2
"""Words behind the inputs that a kernel may load."""


def applies(node: Node) -> bool:
    """Whole tiles of 4x4 outputs, channels by four, a requantisation proven exact, of a node that :mod:`.winograd` can compute."""
    _, rows, columns, channels = node.output.shape
    return channels % _CHANNELS == 0 and rows % _SIDE == 0 and columns % _SIDE == 0 and _requantization(node) is not None


def _requantization(node: Node) -> HighWord | None:
    attrs = node.attrs
    scales = np.broadcast_to(node.constant(3), (node.output.shape[3],))
    return high_word_form(scales, attrs.rounding, attrs.zero_point, attrs.low, attrs.high, gemm.reach_of(node), FACTOR)


def _stream(node: Node, form: HighWord) -> np.ndarray:
    """Weights and parameters as the kernel reads them, int32: (blocks, words of a block)."""
    weight = node.constant(1).astype(np.int64)  # (channels, kh, kw, inputs)
    channels, _, _, inputs = weight.shape
    blocks = channels // _CHANNELS
    transformed = np.einsum("mi,nj,cijk->cmnk", _G, _G, weight).reshape(channels, _COMPONENTS, inputs // 4, 2, 2)
    pairs = transformed.swapaxes(-1, -2)  # the lanes of a word: channels 0 and 2 of every four inputs, then 1 and 3
    assert np.abs(pairs).max() < 2**15
    words = np.ascontiguousarray(pairs.astype("<i2")).view("<i4").reshape(blocks, _CHANNELS, -1)
    begin = FACTOR * (node.constant(2).astype(np.int64) - _INPUT_OFFSET * weight.sum(axis=(1, 2, 3)))
    unit = np.zeros(channels, np.int32) if form.unit is None else form.unit
    numbers = [form.multiplier, form.offset, unit, form.shift, (begin & 0xFFFFFFFF).astype(np.uint32).view(np.int32)]
    parts = words.swapaxes(1, 2).reshape(blocks, -1), np.stack(numbers, axis=1).reshape(blocks, -1)
    return np.concatenate(parts, axis=1).astype(np.int32)


def build(node: Node, loads: int) -> Scheduled:
    """Transform the inputs of two tiles, multiply, requantise: one group of tiles after the other."""
    form = _requantization(node)
    assert form is not None
    window = gemm.window_of(node)
    _, height, width, inputs = window.image
    _, rows, columns, channels = node.output.shape
    constants = {"stream": _stream(node, form)}
    words, across = inputs // 2, columns // _SIDE
    tiles = rows // _SIDE * across
    with IRBuilder() as builder, T.prim_func(s_tir=True):
        T.func_name("main")
        x = T.arg("x", T.buffer(node.value(0).shape, "int8"))
        stream = T.arg("stream", T.buffer(constants["stream"].shape, "int32"))
        output = T.arg("output", T.buffer(node.output.shape, "int8"))
        with T.sblock("root"):
            lanes = _scratch("lanes", _COMPONENTS * words * _TILES + _READ_AHEAD, "int32")
            sums = _scratch("sums", _SUMS + _TILES * _CHANNELS, "int32")
            patch = _scratch("patch", 6 * inputs, "int8")
            with T.serial(0, -(-tiles // _TILES)) as group:
                with T.serial(0, _TILES) as each:
                    tile = group * _TILES + each
                    if tiles % _TILES:  # the last group repeats the last tile
                        tile = tirx.min(tile, tiles - 1)
                    row, column = tile // across * _SIDE, tile % across * _SIDE
                    y, z = row - window.top, column - window.left
                    first, last = tirx.max(y, 0), tirx.min(y + _SIDE + 2, height)
                    with T.sblock("lanes"):
                        T.reads(x[0, first:last, 0:width, 0:inputs])
                        T.writes(lanes[0 : lanes.shape[0]], patch[0 : patch.shape[0]])
                        pointers = lanes.access_ptr("w", offset=each), patch.access_ptr("rw"), x.access_ptr("r")
                        sizes = (height, width, inputs, window.pad_value)
                        T.evaluate(T.call_extern("int32", "tvm_tiny_winograd_square", *pointers, y, z, *sizes))
                    with T.serial(0, _CHANNELS) as channel, T.sblock("place"):
                        T.writes(sums[_SUMS + each * _CHANNELS + channel])
                        place = (row * columns + column) * channels + channel
                        T.buffer_store(sums, place, [_SUMS + each * _CHANNELS + channel])
                top = group * _TILES // across * _SIDE
                bottom = tirx.min((group * _TILES + _TILES - 1) // across * _SIDE + _SIDE, rows)
                with T.sblock("output"):
                    T.reads(lanes[0 : lanes.shape[0]], stream[0 : stream.shape[0], 0 : stream.shape[1]], sums[0 : sums.shape[0]])
                    T.writes(output[0, top:bottom, 0:columns, 0:channels], sums[0 : sums.shape[0]])
                    arguments = lanes.access_ptr("r"), stream.access_ptr("r"), output.access_ptr("w"), sums.access_ptr("rw")
                    kernel = f"tvm_tiny_winograd_square_{ORDERS[loads]}"
                    T.evaluate(T.call_extern("int32", kernel, *arguments, words, channels, columns * channels))
    return Scheduled(builder.get(), constants)


def _scratch(name: str, count: int, dtype: str) -> tirx.Buffer:
    buffer = T.sblock_alloc_buffer((count,), dtype)
    IRBuilder.name(name, buffer)
    return buffer
