"""Convolution and batches of fully connected layers as a matrix product on SMLAD: 3 pixels by 2 channels at a time.

For a group of three output pixels the inputs under their windows are gathered once into "columns": 16-bit lanes, even and odd
bytes apart (runtime/dsp.h tells the arithmetic). Every block of two output channels then streams its weights past them, with six
accumulators in registers. They are 256 times the sum, less a constant of the channel ("base"), and a sum of the pixel ("shift")
where weights are stored plus 128.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from tvm import s_tir, te, tirx

from tvm_tiny.op.operator import Node, Value
from tvm_tiny.schedule.dsp.intrinsics import dot, dot_function
from tvm_tiny.schedule.dsp.parameters import PARAMETERS, by_channel, columns_of
from tvm_tiny.schedule.dsp.requantization import Requantization, requantization_of
from tvm_tiny.schedule.implementation import Implementation, Scheduled
from tvm_tiny.target import Core

FACTOR = 256
_PIXELS, _CHANNELS = 3, 2
_SHORT = 8
"""Words of a column that are written out however small the code shall be: their places are then known, and cost no division."""
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
        row = self.kernel[1] * self.image[3]
        if row < 4 or self.dilation[1] != 1:
            return self._packed(taps, k)
        # Neighbours in memory where they lie in one row of the window, and the first and the last of them in the image.
        conditions = [k * 4 % row <= row - 4] if row % 4 else []
        conditions += [taps[0][0], taps[3][0]] if self.padded else []
        whole = _extern("uint32", "TVM_TINY_LOAD_S8X4", self._load(x, pixel, k * 4))
        return tirx.if_then_else(tirx.all(*conditions), whole, self._packed(taps, k)) if conditions else whole

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

    def input(self, x: te.Tensor, pixel: tirx.Expr, k: tirx.Expr) -> tirx.Expr:
        """Input ``k`` under the window of ``pixel``, int8; zero behind the last one."""
        inside, value = self._tap(x, pixel, k)
        held = tirx.if_then_else(inside, value, tirx.const(self.pad_value, "int32")) if self.padded else value
        behind = tirx.if_then_else(k < self.depth, held, _zero()) if self.depth % 4 else held
        return behind.astype("int8")

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


def applies(node: Node, core: Core) -> bool:
    """At least three pixels, and weights and sums as :func:`fits` says."""
    return fits(node, core) and window_of(node).pixels >= _PIXELS and fills_blocks(node, _CHANNELS)


def fits(node: Node, _core: Core) -> bool:
    """int8 weights, more than one word of them for a channel, and sums below 2^23, so that 256 times them is known modulo 2^32."""
    if node.op.name not in ("conv2d", "fully_connected") or node.constant(1).dtype != np.int8:
        return False
    low, high = reach_of(node)
    return window_of(node).words > 1 and int(-low.min()) < _SUM_LIMIT and int(high.max()) < _SUM_LIMIT


def fills_blocks(node: Node, channels_at_once: int) -> bool:
    """Whether blocks of words and channels are at most an eighth zeros: flash for more is not worth the speed of a small layer."""
    window, channels = window_of(node), node.output.shape[-1]
    laid_out = -(-channels // channels_at_once) * channels_at_once * 4 * window.words
    return 8 * laid_out <= 9 * channels * window.depth


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


@dataclass(frozen=True)
class Packed:
    """Weights as runtime/dsp.h stores them: ``words`` (blocks, words, channels of a block) and ``base``, both int32.

    ``signed``: the odd weights are stored as they are, and the accumulators need no sum of the inputs.
    """

    words: np.ndarray
    base: np.ndarray
    signed: bool


def packed_weights(node: Node, window: Window, channels_at_once: int) -> Packed:
    """In the order in which the blocks read them; a last block that is not full has zeros for the channels it lacks."""
    channels = node.output.shape[-1]
    blocks = -(-channels // channels_at_once)
    weight = np.zeros((blocks * channels_at_once, window.words * 4), np.int64)
    weight[:channels, : window.depth] = node.constant(1).reshape(channels, -1)
    bias = np.zeros(blocks * channels_at_once, np.int64)
    bias[:channels] = node.constant(2)
    even, odd = weight[:, 0::2], weight[:, 1::2]
    signed = not bool(np.any((even == -128) & (odd < 0)))
    if signed:
        lanes = 256 * even + odd
        base = FACTOR * bias - 127 * odd.sum(axis=1)
    else:  # "shift" takes 128 * 256 * sum of x_odd off, and 254 a word too much
        lanes = 256 * even + odd + 128
        base = FACTOR * bias - 127 * (odd + 128).sum(axis=1) + 128 * 254 * window.words
    assert lanes.min() >= -(2**15)
    assert lanes.max() < 2**15
    words = lanes.astype("<i2").reshape(blocks, channels_at_once, window.words, 2).transpose(0, 2, 1, 3)
    return Packed(
        np.ascontiguousarray(words).view("<i4")[..., 0].astype(np.int32),
        (base & 0xFFFFFFFF).astype(np.uint32).view(np.int32),
        signed,
    )


def constants_of(packed: Packed, requantize: Requantization) -> dict[str, np.ndarray]:
    """Role → array."""
    return {"weight": packed.words, **by_channel({"base": packed.base, **requantize.constants}, len(packed.base))}


def shift_of(sums: te.Tensor) -> te.Tensor:
    """What a pixel adds to its accumulators where weights are stored plus 128, from its sum of inputs; both of one shape."""
    return te.compute(sums.shape, lambda *at: _extern("int32", "tvm_tiny_minus_128", sums[at]), "shift")


def build(node: Node, core: Core) -> Scheduled:
    """Gather, multiply, requantise: one group of pixels after the other."""
    window = window_of(node)
    channels, words = node.output.shape[-1], window.words
    groups, blocks = -(-window.pixels // _PIXELS), -(-channels // _CHANNELS)
    requantize = requantization_of(node, reach_of(node), FACTOR)
    packed = packed_weights(node, window, _CHANNELS)
    constants = constants_of(packed, requantize)

    x_value: Value = node.value(0)
    x = te.placeholder((math.prod(x_value.shape),), "int8", "x")
    placeholders = {role: te.placeholder(data.shape, str(data.dtype), role) for role, data in constants.items()}
    at = columns_of(placeholders, requantize, "base")

    def lanes(g: tirx.Var, k: tirx.Var, parity: tirx.Var, p: tirx.Var) -> tirx.Expr:
        pixel = te.min(g * _PIXELS + p, window.pixels - 1)  # the last group repeats the last pixel
        word = window.word(x, pixel, k)
        return tirx.Select(parity == 0, _extern("int32", "tvm_tiny_even_lanes", word), _extern("int32", "tvm_tiny_odd_lanes", word))

    def sum_odd(g: tirx.Var, p: tirx.Var) -> tirx.Expr:
        return te.sum(_extern("int32", "tvm_tiny_sum_odd", columns[g, k, 0, p], columns[g, k, 1, p], _zero()), axis=k)

    def product(g: tirx.Var, c: tirx.Var, p: tirx.Var) -> tirx.Expr:
        block = at["weight"][c // _CHANNELS, depth, c % _CHANNELS]
        lanes_of = (columns[g, depth, parity, p] for parity in (0, 1))
        return te.sum(_extern("int32", dot_function(packed.signed), *lanes_of, block, _zero()), axis=depth)

    def start(g: tirx.Var, c: tirx.Var, p: tirx.Var) -> tirx.Expr:
        return at["base"][c] if shift is None else _extern("int32", "tvm_tiny_wrapping_add", at["base"][c], shift[g, p])

    k, depth = te.reduce_axis((0, words), "k"), te.reduce_axis((0, words), "depth")
    columns = te.compute((groups, words, 2, _PIXELS), lanes, "columns")
    shift = None if packed.signed else shift_of(te.compute((groups, _PIXELS), sum_odd, "odd"))
    acc = te.compute((groups, blocks * _CHANNELS, _PIXELS), product, "acc")
    total = te.compute(acc.shape, lambda g, c, p: start(g, c, p) + acc[g, c, p], "total")
    result = te.compute(
        (window.pixels, channels),
        lambda pixel, c: requantize.apply(total[pixel // _PIXELS, c, pixel % _PIXELS], c, at),
        "output",
    )
    func = te.create_prim_func([x, *placeholders.values(), result])
    return Scheduled(_schedule(func, window, packed.signed, core), constants)


def _schedule(func: tirx.PrimFunc, window: Window, signed: bool, core: Core) -> tirx.PrimFunc:
    sch = s_tir.Schedule(func)
    sch.fuse_reduction_epilogue("acc", "total")  # the accumulators start from what "total" adds to them
    output, acc, columns = (sch.get_sblock(name) for name in ("output", "acc", "columns"))
    pixel, channel = sch.get_loops(output)
    group, p = sch.split(pixel, [None, _PIXELS])
    block, c = sch.split(channel, [None, _CHANNELS])
    sch.reorder(group, block, c, p)
    sch.compute_at(acc, block, preserve_unit_loops=True)
    sch.set_scope(acc, 0, "local")
    if not signed:
        for name in ("shift", "odd"):
            sch.compute_at(sch.get_sblock(name), group, preserve_unit_loops=True)
    sch.compute_at(columns, group, preserve_unit_loops=True)
    for loop in (c, p):
        sch.unroll(loop)
    inner = sch.get_loops(acc)[-3:]
    init = sch.decompose_reduction(acc, inner[0])
    for loop in sch.get_loops(init)[-2:]:
        sch.unroll(loop)
    sch.unsafe_hide_buffer_access(acc, "read", reads_of(sch, acc, (PARAMETERS, "shift")))  # only the initialisation reads them now
    sch.tensorize(inner[0], dot(window.words, unroll(window.words, core), signed))
    # Gather one pixel after the other, both lanes of a word together.
    k, parity, p = sch.get_loops(columns)[-3:]
    sch.reorder(p, k, parity)
    sch.unroll(parity)
    per_tap = window.image[3] // 4
    if window.image[3] % 4 == 0 and window.kernel != (1, 1):
        sch.split(k, [*window.kernel, per_tap])
    elif window.image[3] % 4 and window.words <= max(core.unroll, _SHORT):
        sch.unroll(k)
    if not signed:
        odd = sch.get_sblock("odd")
        sch.decompose_reduction(odd, sch.get_loops(odd)[-1])
        unroll_inner(sch, sch.get_loops(odd)[-1], core)
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
