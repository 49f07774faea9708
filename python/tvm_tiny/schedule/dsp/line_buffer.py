"""Convolution with a window of several pixels on SMLAD: a few widened rows, 4 pixels by 2 channels at a time.

Before each strip of an output row the inputs under it are widened into 16-bit lanes once, padding included; all windows of the
strip then read them where they overlap, instead of each gathering its own copy. The arithmetic is that of
:mod:`tvm_tiny.schedule.dsp.gemm`. A longer strip widens fewer inputs twice, and needs more memory.
"""

from __future__ import annotations

from tvm import s_tir, te, tirx

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.dsp import gemm
from tvm_tiny.schedule.dsp.intrinsics import dot_function, dot_rows
from tvm_tiny.schedule.dsp.parameters import PARAMETERS, columns_of
from tvm_tiny.schedule.dsp.requantization import requantization_of
from tvm_tiny.schedule.implementation import Implementation, Scheduled
from tvm_tiny.target import Core

_PIXELS, _CHANNELS = 4, 2
STRIP_BYTES = 1024
"""Memory for the widened rows under a strip, if four pixels can do with it."""

_OFFSET_LIMIT = 4096
"""Reach of a load's immediate offset, in bytes."""


def applies(node: Node, core: Core) -> bool:
    """One image, a window of several rows, channels that fill words, and output rows that divide into groups of four."""
    if node.op.name != "conv2d" or not gemm.applies(node, core):
        return False
    n, _, _, channels = node.value(0).shape
    kernel = node.constant(1).shape[1:3]
    words = channels // 4
    span = 8 * (3 * node.attrs.strides[1] * words + gemm.unroll(kernel[1] * words, core))
    return (
        n == 1
        and kernel[0] > 1
        and kernel[1] * words > 1
        and channels % 4 == 0
        and node.attrs.dilation == (1, 1)
        and node.output.shape[2] % _PIXELS == 0
        and node.output.shape[3] % _CHANNELS == 0
        and span < _OFFSET_LIMIT
    )


def pixels_at_once(window: gemm.Window, strip_bytes: int) -> int:
    """Output pixels of a strip: the most that divide a row, a multiple of four, with widened rows of at most ``strip_bytes``."""
    whole = window.columns // _PIXELS
    fitting = [n for n in range(1, whole + 1) if whole % n == 0 and _strip_bytes(window, n * _PIXELS) <= strip_bytes]
    return max(fitting, default=1) * _PIXELS


def _input_columns(window: gemm.Window, pixels: int) -> int:
    return (pixels - 1) * window.strides[1] + window.kernel[1]


def _strip_bytes(window: gemm.Window, pixels: int) -> int:
    return 2 * window.kernel[0] * _input_columns(window, pixels) * window.image[3]


def build(node: Node, core: Core, strip_bytes: int = STRIP_BYTES) -> Scheduled:
    """Widen the rows under a strip of an output row, then multiply and requantise it four pixels at a time."""
    window = gemm.window_of(node)
    _, height, width, in_channels = window.image
    (kernel_h, kernel_w), (stride_h, stride_w) = window.kernel, window.strides
    channels = node.output.shape[3]
    words = in_channels // 4
    run, distance = kernel_w * words, stride_w * words
    columns = _input_columns(window, window.columns)
    strip = pixels_at_once(window, strip_bytes)
    requantize = requantization_of(node, gemm.reach_of(node), gemm.FACTOR)
    packed = gemm.packed_weights(node, window, _CHANNELS)
    constants = gemm.constants_of(packed, requantize)
    x = te.placeholder((height * width * in_channels,), "int8", "x")
    placeholders = {role: te.placeholder(data.shape, str(data.dtype), role) for role, data in constants.items()}
    at = columns_of(placeholders, requantize, "base")

    def lanes(r: tirx.Var, q: tirx.Var, parity: tirx.Var) -> tirx.Expr:
        y, z = r - window.top, q // words - window.left
        word = _extern("uint32", "TVM_TINY_LOAD_S8X4", x[(y * width + z) * in_channels + q % words * 4])
        if window.padded:
            inside = tirx.all(y >= 0, y < height, z >= 0, z < width)
            word = tirx.if_then_else(inside, word, tirx.const((window.pad_value & 0xFF) * 0x01010101, "uint32"))
        return tirx.Select(parity == 0, _extern("int32", "tvm_tiny_even_lanes", word), _extern("int32", "tvm_tiny_odd_lanes", word))

    rows = te.compute(((window.rows - 1) * stride_h + kernel_h, columns * words, 2), lanes, "rows")
    shift = None if packed.signed else gemm.shift_of(_window_sums(window, words, rows))
    kh, k = te.reduce_axis((0, kernel_h), "kh"), te.reduce_axis((0, run), "k")
    groups = window.columns // _PIXELS

    def product(oh: tirx.Var, g: tirx.Var, c: tirx.Var, p: tirx.Var) -> tirx.Expr:
        lanes_of = [rows[oh * stride_h + kh, (g * _PIXELS + p) * distance + k, parity] for parity in (0, 1)]
        weight = at["weight"][c // _CHANNELS, kh * run + k, c % _CHANNELS]
        return te.sum(_extern("int32", dot_function(packed.signed), *lanes_of, weight, 0), axis=[kh, k])

    def start(oh: tirx.Var, g: tirx.Var, c: tirx.Var, p: tirx.Var) -> tirx.Expr:
        base = at["base"][c]
        return base if shift is None else _extern("int32", "tvm_tiny_wrapping_add", base, shift[oh, g * _PIXELS + p])

    acc = te.compute((window.rows, groups, channels, _PIXELS), product, "acc")
    total = te.compute(acc.shape, lambda *axes: start(*axes) + acc[axes], "total")
    output = te.compute(
        (window.rows, window.columns, channels),
        lambda oh, ow, c: requantize.apply(total[oh, ow // _PIXELS, c, ow % _PIXELS], c, at),
        "output",
    )
    func = te.create_prim_func([x, *placeholders.values(), output])
    pitch = _input_columns(window, strip) * words
    intrinsic = dot_rows(kernel_h, run, distance, pitch, gemm.unroll(run, core), packed.signed)
    return Scheduled(_schedule(func, intrinsic, words, strip, packed.signed, core), constants)


def _window_sums(window: gemm.Window, words: int, rows: te.Tensor) -> te.Tensor:
    """Sum of the odd inputs under the window of each output pixel."""
    (kernel_h, kernel_w), (stride_h, stride_w) = window.kernel, window.strides
    w = te.reduce_axis((0, words), "w")
    pixel_sum = te.compute(
        (rows.shape[0], _input_columns(window, window.columns)),
        lambda r, z: te.sum(_extern("int32", "tvm_tiny_sum_odd", rows[r, z * words + w, 0], rows[r, z * words + w, 1], 0), axis=w),
        "pixel_sum",
    )
    i, j = te.reduce_axis((0, kernel_h), "i"), te.reduce_axis((0, kernel_w), "j")
    return te.compute(
        (window.rows, window.columns),
        lambda oh, ow: te.sum(pixel_sum[oh * stride_h + i, ow * stride_w + j], axis=[i, j]),
        "odd",
    )


def _schedule(func: tirx.PrimFunc, intrinsic: str, words: int, strip: int, signed: bool, core: Core) -> tirx.PrimFunc:
    sch = s_tir.Schedule(func)
    sch.fuse_reduction_epilogue("acc", "total")  # the accumulators start from what "total" adds to them
    output, acc, rows = (sch.get_sblock(name) for name in ("output", "acc", "rows"))
    row, column, channel = sch.get_loops(output)
    part, group, p = sch.split(column, [None, strip // _PIXELS, _PIXELS])
    block, c = sch.split(channel, [None, _CHANNELS])
    sch.reorder(row, part, group, block, c, p)
    sch.compute_at(acc, block, preserve_unit_loops=True)
    sch.set_scope(acc, 0, "local")
    sums = [] if signed else [sch.get_sblock(name) for name in ("shift", "odd", "pixel_sum")]
    for stage in (*sums, rows):
        sch.compute_at(stage, part, preserve_unit_loops=True)
    for loop in (c, p):
        sch.unroll(loop)
    inner = sch.get_loops(acc)[-4:]
    init = sch.decompose_reduction(acc, inner[0])
    for loop in sch.get_loops(init)[-2:]:
        sch.unroll(loop)
    sch.unsafe_hide_buffer_access(
        acc, "read", gemm.reads_of(sch, acc, (PARAMETERS, "shift"))
    )  # only the initialisation reads them now
    sch.tensorize(inner[0], intrinsic)
    *_, q, parity = sch.get_loops(rows)
    _, word = sch.split(q, [None, words])
    gemm.unroll_inner(sch, word, core)
    sch.unroll(parity)
    for stage, reductions in zip(sums[1:], (2, 1), strict=False):
        sch.decompose_reduction(stage, sch.get_loops(stage)[-reductions])
        for loop in sch.get_loops(stage)[-reductions:]:
            gemm.unroll_inner(sch, loop, core)
    return sch.mod["main"]


def _extern(dtype: str, name: str, *args: tirx.Expr | int) -> tirx.Expr:
    return tirx.call_pure_extern(dtype, name, *(tirx.const(each, "int32") if isinstance(each, int) else each for each in args))


LINE_BUFFER = Implementation("line buffer", applies, build)
