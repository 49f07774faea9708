"""Convolution and batches of fully connected layers as a matrix product whose kernel computes all channels of four pixels.

As :mod:`.gemm`, whose arithmetic it shares: the inputs under the windows of a group of pixels are gathered once into "columns", and
blocks of two channels stream their weights past them. Here one call goes through all blocks, and their sums become outputs before
they leave the registers (runtime/dsp_blocks.h). All layers of a model share the kernel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from tvm import tirx
from tvm.script.ir_builder import IRBuilder
from tvm.script.ir_builder import tirx as T

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.dsp import gemm
from tvm_tiny.schedule.dsp.folded import folded_form
from tvm_tiny.schedule.dsp.loads import ORDERS, load_orders
from tvm_tiny.schedule.implementation import Choices, Implementation, Knob, Scheduled
from tvm_tiny.schedule.requantize import high_word_form
from tvm_tiny.target import Core

_PIXELS, _CHANNELS = 4, 2
_SHIFT = 12
"""Of the requantisation that is folded into the sums; it suits nearly all layers, which share a kernel then."""

_LEAST_PIXELS = 3
_READ_AHEAD = 2
"""Words behind the columns that a kernel may load."""


def applies(node: Node, core: Core) -> bool:
    """As :func:`tvm_tiny.schedule.dsp.gemm.applies`, where a requantisation is proven exact, and code may take some room."""
    return gemm.applies(node, core) and _fits(node, core)


def applies_with_zeros(node: Node, core: Core) -> bool:
    """Where blocks would hold too many zeros for the default, but no more than a fifth: flash that tuning may spend."""
    if gemm.applies(node, core) or not gemm.fits(node, core):
        return False
    window, channels = gemm.window_of(node), node.output.shape[-1]
    laid_out = -(-channels // _CHANNELS) * _CHANNELS * 4 * window.words
    return window.pixels >= _LEAST_PIXELS and 5 * channels * window.depth >= 4 * laid_out and _fits(node, core)


def _fits(node: Node, core: Core) -> bool:
    if core.unroll == 1 or (node.attrs.low, node.attrs.high) != (-128, 127):
        return False
    return gemm.packed_weights(node, gemm.window_of(node), _CHANNELS).signed and _numbers(node) is not None


def knobs(_node: Node, core: Core) -> tuple[Knob, ...]:
    """``loads``: their order, as an index into :data:`tvm_tiny.schedule.dsp.loads.ORDERS`."""
    return (Knob("loads", load_orders(core)),)


def _numbers(node: Node) -> tuple[str, np.ndarray, np.ndarray] | None:
    """Name of the requantisation, what each sum begins with besides the bias (int64), and a row of numbers for each channel."""
    attrs, channels = node.attrs, node.output.shape[-1]
    scales = np.broadcast_to(node.constant(3), (channels,))
    reach = gemm.reach_of(node)
    folded = folded_form(scales, attrs.rounding, attrs.zero_point, reach, gemm.FACTOR, (_SHIFT,))
    if folded is not None:
        return "folded", folded.addend, folded.multiplier[:, None]
    high = high_word_form(scales, attrs.rounding, attrs.zero_point, attrs.low, attrs.high, reach, gemm.FACTOR)
    if high is None:
        return None
    unit = np.zeros(channels, np.int32) if high.unit is None else high.unit
    return "high", np.zeros(channels, np.int64), np.stack([high.multiplier, high.offset, unit, high.shift], axis=1)


def _stream(node: Node, window: gemm.Window, addend: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """What the kernel reads, int32: (blocks, words of a block)."""
    packed = gemm.packed_weights(node, window, _CHANNELS)
    blocks, channels = len(packed.words), len(addend)
    begin = packed.base.astype(np.int64)
    begin[:channels] += addend
    begin = (begin & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    padded = np.zeros((blocks * _CHANNELS, numbers.shape[1]), np.int32)
    padded[:channels] = numbers
    parts = [begin.reshape(blocks, _CHANNELS), packed.words.reshape(blocks, -1), padded.reshape(blocks, -1)]
    return np.ascontiguousarray(np.concatenate(parts, axis=1))


def build(node: Node, core: Core, choices: Choices) -> Scheduled:
    """Gather the columns of four pixels, then compute all their outputs: one group after the other."""
    found = _numbers(node)
    assert found is not None
    kind, addend, numbers = found
    window, channels = gemm.window_of(node), node.output.shape[-1]
    pixels, words = window.pixels, window.words
    constants = {"stream": _stream(node, window, addend, numbers)}
    with IRBuilder() as builder, T.prim_func(s_tir=True):
        T.func_name("main")
        x = T.arg("x", T.buffer((math.prod(node.value(0).shape),), "int8"))
        stream = T.arg("stream", T.buffer(constants["stream"].shape, "int32"))
        output = T.arg("output", T.buffer((pixels, channels), "int8"))
        with T.sblock("root"):
            columns = T.sblock_alloc_buffer((words * 2 * _PIXELS + _READ_AHEAD,), "int32")
            IRBuilder.name("columns", columns)
            with T.serial(0, -(-pixels // _PIXELS)) as group:
                first = group * _PIXELS
                count = _PIXELS if pixels % _PIXELS == 0 else tirx.min(pixels - first, _PIXELS)
                if window.kernel == (1, 1) and window.image[3] % 4 == 0 and not window.padded:
                    _whole_pixels(window, x, columns, first)
                elif _of_three_channels(window):
                    _rgb(window, x, columns, first)
                else:
                    _under_windows(window, x, columns, first, core)
                with T.sblock("output"):
                    T.reads(columns[0 : columns.shape[0]], stream[0 : stream.shape[0], 0 : stream.shape[1]])
                    T.writes(output[first : first + count, 0:channels])
                    pointers = columns.access_ptr("r"), stream.access_ptr("r"), output.access_ptr("w", offset=first * channels)
                    kernel = f"tvm_tiny_blocks_{ORDERS[choices['loads']]}_{kind}"
                    T.evaluate(T.call_extern("int32", kernel, *pointers, words, channels, count))
    return Scheduled(builder.get(), constants)


def _pixel(window: gemm.Window, pixel: Any) -> Any:
    """The last group repeats the last pixel."""
    return pixel if window.pixels % _PIXELS == 0 else tirx.min(pixel, window.pixels - 1)


def _whole_pixels(window: gemm.Window, x: tirx.Buffer, columns: tirx.Buffer, first: Any) -> None:
    """Columns of windows that are one input pixel."""
    _, height, width, depth = window.image
    places = []
    for p in range(_PIXELS):
        pixel = _pixel(window, first + p)
        row, column = pixel // window.columns, pixel % window.columns
        image, y = row // window.rows, row % window.rows
        places.append(((image * height + y * window.strides[0]) * width + column * window.strides[1]) * depth)
    if window.strides == (1, 1):
        places = [_pixel(window, first + p) * depth for p in range(_PIXELS)]
    with T.sblock("columns"):
        T.reads(*(x[place : place + depth] for place in places))
        T.writes(columns[0 : columns.shape[0]])
        pointers = [x.access_ptr("r", offset=place) for place in places]
        T.evaluate(T.call_extern("int32", "tvm_tiny_block_columns", columns.access_ptr("w"), *pointers, window.words))


def _of_three_channels(window: gemm.Window) -> bool:
    """Whether runtime/dsp_block_windows.h gathers such windows: four of them lie in one row, none farther out than two pixels."""
    n, _, width, channels = window.image
    behind = (window.columns - 1) * window.strides[1] - window.left + 3 - width
    form = (n, channels, *window.kernel, *window.dilation)
    return form == (1, 3, 3, 3, 1, 1) and window.columns % _PIXELS == 0 and window.left <= 2 and behind <= 2


def _rgb(window: gemm.Window, x: tirx.Buffer, columns: tirx.Buffer, first: Any) -> None:
    """Columns of windows of 3x3 pixels of three channels."""
    _, height, width, channels = window.image
    patch = T.sblock_alloc_buffer((27 * (window.strides[1] + 1),), "int8")
    IRBuilder.name("patch", patch)
    y = first // window.columns * window.strides[0] - window.top
    z = first % window.columns * window.strides[1] - window.left
    begin, end = tirx.max(y, 0), tirx.min(y + 3, height)
    pitch = width * channels
    with T.sblock("columns"):
        T.reads(x[begin * pitch : end * pitch])
        T.writes(columns[0 : columns.shape[0]], patch[0 : patch.shape[0]])
        pointers = columns.access_ptr("w"), patch.access_ptr("rw"), x.access_ptr("r")
        sizes = window.strides[1], height, width, window.pad_value
        T.evaluate(T.call_extern("int32", "tvm_tiny_block_windows_rgb", *pointers, y, z, *sizes))


def _under_windows(window: gemm.Window, x: tirx.Buffer, columns: tirx.Buffer, first: Any, core: Core) -> None:
    """Columns of any windows."""
    whole = window.image[3] % 4 == 0
    loops = [*window.kernel, window.image[3] // 4] if whole else [window.words]
    with T.serial(0, _PIXELS) as p:
        unrolled = not whole and window.words <= max(core.unroll, 8)
        with T.unroll(0, window.words) if unrolled else T.grid(*loops) as at:
            k = at if unrolled or not whole else (at[0] * loops[1] + at[1]) * loops[2] + at[2]
            word = window.word(x, _pixel(window, first + p), k)
            for parity, lanes in enumerate(("even", "odd")):
                with T.sblock(f"{lanes} lanes"):
                    T.writes(columns[(k * 2 + parity) * _PIXELS + p])
                    value = tirx.call_pure_extern("int32", f"tvm_tiny_{lanes}_lanes", word)
                    T.buffer_store(columns, value, [(k * 2 + parity) * _PIXELS + p])


BLOCKS = Implementation("blocks", applies, build, knobs)
BLOCKS_WITH_ZEROS = Implementation("blocks", applies_with_zeros, build, knobs)
