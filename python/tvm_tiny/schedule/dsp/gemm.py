"""Convolution and fully connected layers as a matrix product on SMLAD: P pixels by C channels at a time.

For a group of P output pixels the inputs under their windows are gathered once into "columns": 16-bit lanes, odd and even bytes
apart (runtime/dsp.h tells the arithmetic). Every block of C output channels then streams its weights past them, with P x C
accumulators in registers. They are 256 times the sum, less a constant of the channel ("base") and a sum of the pixel ("even").
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from tvm import s_tir, te, tirx

from tvm_tiny.op.operator import Node, Value
from tvm_tiny.schedule.dsp.intrinsics import dot
from tvm_tiny.schedule.dsp.parameters import PARAMETERS, by_channel, columns_of
from tvm_tiny.schedule.dsp.requantization import Requantization, requantization_of
from tvm_tiny.schedule.implementation import Implementation, Scheduled
from tvm_tiny.target import Core

FACTOR = 256
_SUM_LIMIT = 2**23
"""Sums below this stay exact when 256 times them is computed modulo 2^32."""


@dataclass(frozen=True)
class Window:
    """A convolution seen as a matrix product: ``depth`` inputs for each of ``pixels`` outputs."""

    image: tuple[int, int, int, int]  # n, height, width, channels
    rows: int
    columns: int
    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilation: tuple[int, int]
    top: int
    left: int
    padded: bool
    pad_value: int

    @property
    def depth(self) -> int:
        return self.kernel[0] * self.kernel[1] * self.image[3]

    @property
    def words(self) -> int:
        return -(-self.depth // 4)

    @property
    def pixels(self) -> int:
        return self.image[0] * self.rows * self.columns

    def word(self, x: te.Tensor, pixel: tirx.Expr, k: tirx.Expr) -> tirx.Expr:
        """Inputs 4 * k to 4 * k + 3 under the window of ``pixel``: a word of int8; zero behind the last one."""
        taps = [self._tap(x, pixel, k * 4 + i) for i in range(4)]
        if self.image[3] % 4 == 0:  # the four are neighbours in memory, and all of them inside or outside
            word = _extern("uint32", "TVM_TINY_LOAD_S8X4", self._load(x, pixel, k * 4))
            pad = tirx.const((self.pad_value & 0xFF) * 0x01010101, "uint32")
            return tirx.if_then_else(taps[0][0], word, pad) if self.padded else word
        if self.kernel[1] * self.image[3] % 4 == 0 and self.dilation[1] == 1:  # neighbours in a row of the window
            row = _extern("uint32", "TVM_TINY_LOAD_S8X4", self._load(x, pixel, k * 4))
            return tirx.if_then_else(tirx.all(taps[0][0], taps[3][0]), row, self._packed(taps, k)) if self.padded else row
        return self._packed(taps, k)

    def _packed(self, taps: list[tuple[tirx.Expr, tirx.Expr]], k: tirx.Expr) -> tirx.Expr:
        """Four inputs one by one; the zero point for those outside the image, zero behind the last one."""
        values = []
        for i, (inside, value) in enumerate(taps):
            held = tirx.if_then_else(inside, value, tirx.const(self.pad_value, "int32")) if self.padded else value
            values.append(tirx.if_then_else(k * 4 + i < self.depth, held, _zero()) if self.depth % 4 else held)
        return _extern("uint32", "tvm_tiny_pack_s8x4", *values)

    def _tap(self, x: te.Tensor, pixel: tirx.Expr, k: tirx.Expr) -> tuple[tirx.Expr, tirx.Expr]:
        """Whether input ``k`` under the window of ``pixel`` lies in the image, and its value as int32."""
        height, width, channels = self.image[1:]
        column, row, image = pixel % self.columns, pixel // self.columns % self.rows, pixel // (self.columns * self.rows)
        kh, kw, c = k // (self.kernel[1] * channels), k // channels % self.kernel[1], k % channels
        y = row * self.strides[0] + kh * self.dilation[0] - self.top
        z = column * self.strides[1] + kw * self.dilation[1] - self.left
        inside = tirx.all(y >= 0, y < height, z >= 0, z < width)
        return inside, x[((image * height + y) * width + z) * channels + c].astype("int32")

    def _load(self, x: te.Tensor, pixel: tirx.Expr, k: tirx.Expr) -> tirx.Expr:
        """The element of ``x`` at which input ``k`` lies; three more follow it."""
        return self._tap(x, pixel, k)[1].value


def window_of(node: Node) -> Window:
    x = node.value(0)
    if node.op.name == "fully_connected":
        return Window((math.prod(x.shape[:-1]), 1, 1, x.shape[-1]), 1, 1, (1, 1), (1, 1), (1, 1), 0, 0, False, 0)
    attrs, (_, kernel_h, kernel_w, _) = node.attrs, node.constant(1).shape
    n, height, width, channels = x.shape
    _, rows, columns, _ = node.output.shape
    top, left, _, _ = attrs.padding
    return Window(
        (n, height, width, channels),
        rows,
        columns,
        (kernel_h, kernel_w),
        attrs.strides,
        attrs.dilation,
        top,
        left,
        any(attrs.padding),
        attrs.pad_value,
    )


def _tile(node: Node) -> tuple[int, int]:
    """Pixels and channels of a block of accumulators."""
    return (1, 4) if window_of(node).pixels < 3 else (3, 2)


def applies(node: Node, _core: Core) -> bool:
    """int8 weights, more than one word of them for a channel, and sums below 2^23, so that 256 times them is known modulo 2^32."""
    if node.op.name not in ("conv2d", "fully_connected") or node.constant(1).dtype != np.int8:
        return False
    low, high = reach_of(node)
    return window_of(node).words > 1 and int(-low.min()) < _SUM_LIMIT and int(high.max()) < _SUM_LIMIT


def reach_of(node: Node) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest accumulator of each output channel, bias included: as a pass has noted it, else for any int8 input."""
    if node.accumulator is not None:
        return node.accumulator
    channels = node.output.shape[-1]
    weight = node.constant(1).reshape(channels, -1).astype(np.int64)
    bias = node.constant(2).astype(np.int64)
    low = bias + np.where(weight > 0, weight * -128, weight * 127).sum(axis=1)
    high = bias + np.where(weight > 0, weight * 127, weight * -128).sum(axis=1)
    return low, high


def constants_of(node: Node, window: Window, channels_at_once: int, requantize: Requantization) -> dict[str, np.ndarray]:
    """Weights in the order in which the blocks read them; a last block that is not full has zeros for the channels it lacks."""
    channels = node.output.shape[-1]
    blocks = -(-channels // channels_at_once)
    weight = np.zeros((blocks * channels_at_once, window.words * 4), np.int64)
    weight[:channels, : window.depth] = node.constant(1).reshape(channels, -1)
    bias = np.zeros(blocks * channels_at_once, np.int64)
    bias[:channels] = node.constant(2)
    even = weight[:, 0::2] + 128
    stored = weight.copy()
    stored[:, 0::2] = even
    packed = (stored & 0xFF).astype(np.uint8).reshape(blocks, channels_at_once, window.words, 4)
    words = np.ascontiguousarray(packed.transpose(0, 2, 1, 3)).view("<i4")[..., 0]
    # acc = 256 (sum + 128 sum of x_even) + 127 sum of u; "shift" takes 128 * 256 sum of x_even off, and 254 a word too much.
    base = FACTOR * bias - 127 * even.sum(axis=1) + 128 * 254 * window.words
    return {"weight": words, **by_channel({"base": (base & 0xFFFFFFFF).astype(np.uint32).view(np.int32), **requantize.constants})}


def build(node: Node, core: Core) -> Scheduled:
    """Gather, multiply, requantise: one group of pixels after the other."""
    window = window_of(node)
    pixels, channels_at_once = _tile(node)
    channels, words = node.output.shape[-1], window.words
    groups, blocks = -(-window.pixels // pixels), -(-channels // channels_at_once)
    requantize = requantization_of(node, reach_of(node), FACTOR)
    constants = constants_of(node, window, channels_at_once, requantize)

    x_value: Value = node.value(0)
    x = te.placeholder((math.prod(x_value.shape),), "int8", "x")
    placeholders = {role: te.placeholder(data.shape, str(data.dtype), role) for role, data in constants.items()}
    at = columns_of(placeholders, requantize)

    tail = (pixels,) if pixels > 1 else ()  # one pixel: no axis for it, so that the intrinsic has none either

    def lanes(g: tirx.Var, k: tirx.Var, parity: tirx.Var, *p: tirx.Var) -> tirx.Expr:
        pixel = te.min(g * pixels + p[0], window.pixels - 1) if p else g  # the last group repeats the last pixel
        word = window.word(x, pixel, k)
        split = tirx.Select(
            parity == 0, _extern("int32", "tvm_tiny_odd_lanes", word), _extern("int32", "tvm_tiny_even_lanes", word)
        )
        if window.pixels % pixels == 0:
            return split
        return tirx.if_then_else(pixel < window.pixels, split, _zero())

    def sum_even(g: tirx.Var, *p: tirx.Var) -> tirx.Expr:
        return te.sum(_extern("int32", "tvm_tiny_sum_even", columns[(g, k, 0, *p)], columns[(g, k, 1, *p)], _zero()), axis=k)

    def product(g: tirx.Var, c: tirx.Var, *p: tirx.Var) -> tirx.Expr:
        block = at["weight"][c // channels_at_once, depth, c % channels_at_once]
        return te.sum(
            _extern("int32", "tvm_tiny_dot_s8x4", columns[(g, depth, 0, *p)], columns[(g, depth, 1, *p)], block, _zero()),
            axis=depth,
        )

    k, depth = te.reduce_axis((0, words), "k"), te.reduce_axis((0, words), "depth")
    columns = te.compute((groups, words, 2, *tail), lanes, "columns")
    even = te.compute((groups, *tail), sum_even, "even")
    shift = te.compute((groups, *tail), lambda *gp: _extern("int32", "tvm_tiny_minus_128", even[gp]), "shift")
    acc = te.compute((groups, blocks * channels_at_once, *tail), product, "acc")
    total = te.compute(
        (groups, blocks * channels_at_once, *tail),
        lambda g, c, *p: _extern("int32", "tvm_tiny_wrapping_add", at["base"][c], shift[(g, *p)]) + acc[(g, c, *p)],
        "total",
    )

    def output(pixel: tirx.Var, c: tirx.Var) -> tirx.Expr:
        g, p = pixel // pixels, (pixel % pixels,) if pixels > 1 else ()
        return requantize.apply(total[(g, c, *p)], c, at)

    result = te.compute((window.pixels, channels), output, "output")
    func = te.create_prim_func([x, *placeholders.values(), result])
    return Scheduled(_schedule(func, window, pixels, channels_at_once, core), constants)


def _schedule(func: tirx.PrimFunc, window: Window, pixels: int, channels: int, core: Core) -> tirx.PrimFunc:
    sch = s_tir.Schedule(func)
    sch.fuse_reduction_epilogue("acc", "total")  # the accumulators start from what "total" adds to them
    output, acc, shift, even, columns = (sch.get_sblock(name) for name in ("output", "acc", "shift", "even", "columns"))
    pixel, channel = sch.get_loops(output)
    group, p = sch.split(pixel, [None, pixels])
    block, c = sch.split(channel, [None, channels])
    sch.reorder(group, block, c, p)
    sch.compute_at(acc, block, preserve_unit_loops=True)
    sch.set_scope(acc, 0, "local")
    sch.compute_at(shift, group, preserve_unit_loops=True)
    sch.compute_at(even, group, preserve_unit_loops=True)
    sch.compute_at(columns, group, preserve_unit_loops=True)
    for loop in (c, p):
        sch.unroll(loop)
    inner = sch.get_loops(acc)[-3 if pixels > 1 else -2 :]
    init = sch.decompose_reduction(acc, inner[0])
    for loop in sch.get_loops(init)[-len(inner) + 1 :]:
        sch.unroll(loop)
    sch.unsafe_hide_buffer_access(acc, "read", reads_of(sch, acc, (PARAMETERS, "shift")))  # only the initialisation reads them now
    sch.tensorize(inner[0], dot(pixels, channels, window.words, unroll(window.words, core)))
    # Gather one pixel after the other, both lanes of a word together.
    gather = sch.get_loops(columns)[-3 if pixels > 1 else -2 :]
    if pixels > 1:
        sch.reorder(gather[2], gather[0], gather[1])
    sch.unroll(gather[1])
    per_tap = window.image[3] // 4
    if window.image[3] % 4 == 0 and window.kernel != (1, 1):
        sch.split(gather[0], [*window.kernel, per_tap])
    elif window.image[3] % 4 and window.words <= core.unroll:
        sch.unroll(gather[0])
    sch.decompose_reduction(even, sch.get_loops(even)[-1])
    unroll_inner(sch, sch.get_loops(even)[-1], core)
    return sch.mod["main"]


def reads_of(sch: s_tir.Schedule, block: s_tir.schedule.SBlockRV, names: tuple[str, ...]) -> list[int]:
    """Positions of the buffers called ``names`` among those that ``block`` reads."""
    return [index for index, region in enumerate(sch.get(block).reads) if str(region.source.name) in names]


def unroll_inner(sch: s_tir.Schedule, loop: s_tir.schedule.LoopRV, core: Core) -> None:
    """Write ``loop`` out, four turns at a time if it is long."""
    extent = int(sch.get(loop).extent)
    if core.unroll < 4:
        return
    if extent <= 4:
        sch.unroll(loop)
    elif extent % 4 == 0:
        sch.unroll(sch.split(loop, [None, 4])[1])


def unroll(words: int, core: Core) -> int:
    """Words to one turn of the inner loop: the largest divisor that the core allows."""
    return max(each for each in range(1, core.unroll + 1) if words % each == 0)


def _extern(dtype: str, name: str, *args: tirx.Expr) -> tirx.Expr:
    return tirx.call_pure_extern(dtype, name, *args)


def _zero() -> tirx.Expr:
    return tirx.const(0, "int32")


GEMM = Implementation("gemm", applies, build)
