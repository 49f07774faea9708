"""Depthwise 3x3 convolution on SMLAD: one channel after the other, a band of rows at a time.

The inputs of a band are gathered once into a plane of 16-bit lanes, padding included (:mod:`.depthwise_plane`); then a kernel that
all layers share (runtime/dsp_depthwise.h) computes its outputs with the filter in registers. Where no cheap requantisation is
proven exact, it leaves the sums of two rows at a time to a loop that has the reference's arithmetic.

**In place.** Of a channel only its own inputs are read and only its own outputs written, and a band is read whole before the first
of its outputs is written. With stride 1 the inputs that two bands share stay in the plane: each input is read once, before any
output at its place or behind it is written. So the output may lie exactly over the input, if each input channel has one output
channel. With stride 2 the row that two bands share is read again, but the outputs written until then lie over rows far in front of
it. (The bands of several are always of the image's rows, not of its columns.) The blocks declare what they read and write.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np
from tvm import tirx
from tvm.script.ir_builder import IRBuilder
from tvm.script.ir_builder import tirx as T

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.dsp.depthwise_plane import COLUMN, Axis, Plane
from tvm_tiny.schedule.dsp.folded import Folded, folded_form
from tvm_tiny.schedule.dsp.requantization import Requantization, requantization_of
from tvm_tiny.schedule.implementation import Implementation, Scheduled
from tvm_tiny.target import Core

FACTOR = 256
"""The kernels' sums are this many times the sum of products."""

_SUM_LIMIT = 2**23
"""Sums below this fit int32 when they are taken 256 times."""

_SHIFTS = (12, 15, 9, 6)
"""Shifts for which there is a kernel. The first suits most layers; a model has a copy of each kernel that it uses."""

_MOST_ALONG = 4096
_ROWS_OF_SUMS = 2

_SHAPE = 9
"""Words that tell a kernel the shape of its layer."""


def plane_of(node: Node) -> Plane:
    """The plane of ``node``, whose stride is 1 or 2: along the longer axis, if the other one is a single band."""
    attrs = node.attrs
    _, height, width, inputs = node.value(0).shape
    _, rows, columns, channels = node.output.shape
    top, left, _, _ = attrs.padding
    vertical = Axis(height, rows, top, width * inputs, columns * channels)
    horizontal = Axis(width, columns, left, inputs, channels)
    transposed = Plane(attrs.strides[0], horizontal, vertical, True, attrs.pad_value)
    if rows > columns and transposed.bands == 1:
        return transposed
    return Plane(attrs.strides[0], vertical, horizontal, False, attrs.pad_value)


def applies(node: Node, _core: Core) -> bool:
    """3x3 with stride 1 and a padding of one all around, or with stride 2 and any padding; int8 weights; sums that fit."""
    if node.op.name != "depthwise_conv2d" or node.constant(1).dtype != np.int8:
        return False
    attrs, kernel = node.attrs, node.constant(1).shape[:2]
    if kernel != (3, 3) or attrs.dilation != (1, 1) or attrs.strides not in ((1, 1), (2, 2)):
        return False
    if attrs.strides == (1, 1) and attrs.padding != (1, 1, 1, 1):
        return False
    plane = plane_of(node)
    if not 2 <= plane.along.positions < _MOST_ALONG or max(attrs.padding) > 2:
        return False
    low, high = reach_of(node)
    return int(low.min()) > -_SUM_LIMIT and int(high.max()) < _SUM_LIMIT


def reach_of(node: Node) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest sum of each channel, bias included: exact if a pass has noted it, else for any int8 input."""
    if node.accumulator is not None:
        return node.accumulator
    weight = node.constant(1).astype(np.int64)
    bias = node.constant(2).astype(np.int64)
    low = bias + np.where(weight > 0, weight * -128, weight * 127).sum(axis=(0, 1))
    high = bias + np.where(weight > 0, weight * 127, weight * -128).sum(axis=(0, 1))
    return low, high


def build(node: Node, _core: Core) -> Scheduled:
    """Gather a band, compute its outputs: band after band of channel after channel."""
    plane = plane_of(node)
    form = _folded(node)
    requantize = requantization_of(node, reach_of(node), FACTOR) if form is None else None
    constants = {**_constants(node, plane, form), **(requantize.constants if requantize else {})}
    images, channels = node.output.shape[0], node.output.shape[3]
    with IRBuilder() as builder, T.prim_func(s_tir=True):
        T.func_name("main")
        layer = _Layer(node, plane, constants)
        with T.sblock("root"):
            words = _scratch("plane", plane.words)
            sums = None if form else _scratch("sums", _ROWS_OF_SUMS * plane.along.positions)
            shape = _scratch("shape", _SHAPE, "local")
            layer.tell(shape, form is None)
            if plane.padded_below:
                layer.pad(words)
            with T.grid(images, channels) as (n, c):
                if plane.bands == 1:
                    layer.gather(words, n, c, 0)
                    layer.compute((words, shape, sums), (n, c), 0, form, requantize)
                else:
                    with T.serial(0, plane.bands) as band:
                        layer.gather(words, n, c, band)
                        layer.compute((words, shape, sums), (n, c), band, form, requantize)
    return Scheduled(builder.get(), constants)


def _folded(node: Node) -> Folded | None:
    attrs = node.attrs
    if (attrs.low, attrs.high) != (-128, 127):
        return None
    scales = np.broadcast_to(node.constant(3), (node.output.shape[3],))
    return folded_form(scales, attrs.rounding, attrs.zero_point, reach_of(node), FACTOR, _SHIFTS)


def _constants(node: Node, plane: Plane, form: Folded | None) -> dict[str, np.ndarray]:
    """Weights and parameters of each channel, as runtime/dsp_depthwise.h describes them."""
    weight = node.constant(1)  # (kh, kw, channels)
    channels = weight.shape[2]
    taps = weight.transpose((2, 0, 1) if plane.transposed else (2, 1, 0)).reshape(channels, 9)[:, plane.taps]
    parameters = np.zeros((channels, 2), np.int32)
    begin = FACTOR * node.constant(2).astype(np.int64)
    if form is not None:
        begin = begin + form.addend
        parameters[:, 1] = form.multiplier
    parameters[:, 0] = (begin & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    return {"weight": np.ascontiguousarray(taps), "parameters": parameters}


class _Layer:
    """Parameters of the function that is being built, and the blocks of a band of image ``n`` and output channel ``c``."""

    def __init__(self, node: Node, plane: Plane, constants: dict[str, np.ndarray]) -> None:
        self.plane = plane
        self.x = T.arg("x", T.buffer(node.value(0).shape, "int8"))
        self.at = {role: T.arg(role, T.buffer(data.shape, str(data.dtype))) for role, data in constants.items()}
        self.output = T.arg("output", T.buffer(node.output.shape, "int8"))
        self.multiplicity = node.output.shape[3] // node.value(0).shape[3]

    def tell(self, shape: tirx.Buffer, sums: bool) -> None:
        """Emit the block "shape": what the kernel must know of the layer, once."""
        along = self.plane.along.positions
        steps = (4 * along, 4) if sums else (self.plane.across.output_step, self.plane.along.output_step)
        with T.sblock("shape"):
            T.reads()
            T.writes(shape[0:_SHAPE])
            numbers = (self.plane.stride, along, *steps, self.plane.pad_value, int(sums))
            T.evaluate(T.call_extern("int32", "tvm_tiny_depthwise_shape", shape.access_ptr("w"), *numbers))

    def pad(self, words: tirx.Buffer) -> None:
        """Emit the block "padding": the plane's last row, which is the same for all channels."""
        column, along = COLUMN[1], self.plane.along.positions
        last = (self.plane.across.positions + 1) // 2
        with T.sblock("padding"):
            T.reads()
            T.writes(words[last : self.plane.words])
            both = (self.plane.pad_value & 0xFFFF) * 0x10001
            value = both - (1 << 32) if both >= 1 << 31 else both
            pointer = words.access_ptr("w", offset=last)
            T.evaluate(T.call_extern("int32", "tvm_tiny_fill_words", pointer, value, 1, along, column))

    def gather(self, words: tirx.Buffer, n: tirx.Var, c: tirx.Var, band: Any) -> None:
        """Emit the block "plane": what the band reads, and its padding."""
        plane, rows, channel = self.plane, self.plane.rows(band), c // self.multiplicity
        across, along = plane.across, plane.along
        with T.sblock("plane"):
            T.reads(self._region(self.x, n, channel, (rows.first, rows.count), along.size))
            T.writes(words[0 : plane.words])
            pointers = words.access_ptr("w"), self._pointer(self.x, "r", (n, channel), rows.first)
            steps = (across.input_step, along.input_step)
            if plane.stride == 1:
                first = (2 if plane.padded_below else 1) if isinstance(band, int) else (band == 0).astype("int32")
                numbers = [first, rows.count, along.positions, *steps]
            else:
                numbers = [rows.above, rows.count, rows.below, along.positions, *steps, along.before, along.size]
            T.evaluate(T.call_extern("int32", f"tvm_tiny_depthwise_plane_s{plane.stride}", *pointers, plane.pad_value, *numbers))

    def compute(
        self,
        buffers: tuple[tirx.Buffer, tirx.Buffer, tirx.Buffer | None],
        at: tuple[tirx.Var, tirx.Var],
        band: Any,
        form: Folded | None,
        requantize: Requantization | None,
    ) -> None:
        """Emit what computes the outputs of the band: a block "output", or "sums" and "output" for every two rows."""
        words, shape, sums = buffers
        first, positions = band * self.plane.band, self.plane.positions(band)
        if form is not None:
            with T.sblock("output"):
                T.writes(self._region(self.output, *at, (first, positions), self.plane.along.positions))
                out = self._pointer(self.output, "w", at, first)
                self._kernel(f"by{form.shift}", (words, 0), out, shape, at[1], positions)
            return
        assert sums is not None
        assert requantize is not None
        most = min(self.plane.band, self.plane.across.positions)
        along = self.plane.along.positions
        with ExitStack() as stack:
            pair = stack.enter_context(T.serial(0, (most + _ROWS_OF_SUMS - 1) // _ROWS_OF_SUMS))
            row = pair * _ROWS_OF_SUMS
            _only_if(stack, row < positions, needed=not isinstance(positions, int))
            with T.sblock("sums"):
                T.writes(sums[0 : _ROWS_OF_SUMS * along])
                skipped = row // 2 if self.plane.stride == 1 else row * 2  # words of a column
                here = tirx.min(_ROWS_OF_SUMS, positions - row)
                self._kernel("sums", (words, skipped), sums.access_ptr("w"), shape, at[1], here)
            a, b = stack.enter_context(T.grid(_ROWS_OF_SUMS, along))
            _only_if(stack, row + a < positions, needed=not isinstance(positions, int) or positions % _ROWS_OF_SUMS != 0)
            y, x = self.plane.position(first + row + a, b)
            with T.sblock("output"):
                T.reads(sums[a * along + b])
                T.writes(self.output[at[0], y, x, at[1]])
                value = requantize.apply(sums[a * along + b], at[1], self.at)
                T.buffer_store(self.output, value, [at[0], y, x, at[1]])

    def _kernel(self, kind: str, words: tuple[tirx.Buffer, Any], out: Any, shape: tirx.Buffer, c: tirx.Var, positions: Any) -> None:
        """Emit the call of a kernel, with the regions that it reads; for the block that is being built."""
        plane, weight, parameters = self.plane, self.at["weight"], self.at["parameters"]
        T.reads(words[0][0 : plane.words], weight[c, 0:9], parameters[c, 0:2], shape[0:_SHAPE])
        arguments = (
            words[0].access_ptr("r", offset=words[1], extent=plane.words),
            out,
            weight.access_ptr("r", offset=c * 9, extent=9),
            shape.access_ptr("r"),
            positions,
            parameters.access_ptr("r", offset=c * 2, extent=2),
        )
        T.evaluate(T.call_extern("int32", f"tvm_tiny_depthwise_s{plane.stride}_{kind}", *arguments))

    def _region(self, buffer: tirx.Buffer, n: Any, c: Any, across: tuple[Any, Any], along: int) -> Any:
        rows = slice(across[0], across[0] + across[1])
        y, x = self.plane.position(rows, slice(0, along))
        return buffer[n, y, x, c]

    def _pointer(self, buffer: tirx.Buffer, mask: str, at: tuple[Any, Any], first: Any) -> Any:
        """To the channel's element at the position ``first`` across and 0 along."""
        _, height, width, channels = (int(extent) for extent in buffer.shape)
        y, x = self.plane.position(first, 0)
        n, c = at
        return buffer.access_ptr(mask, offset=((n * height + y) * width + x) * channels + c, extent=channels)


def _only_if(stack: ExitStack, condition: tirx.Expr, *, needed: bool) -> None:
    """Go on under ``condition``, where it does not always hold."""
    if needed:
        stack.enter_context(T.If(condition))
        stack.enter_context(T.Then())


def _scratch(name: str, words: int, scope: str = "global") -> tirx.Buffer:
    buffer = T.sblock_alloc_buffer((words,), "int32", scope=scope)
    IRBuilder.name(name, buffer)
    return buffer


DEPTHWISE = Implementation("depthwise 3x3", applies, build)
