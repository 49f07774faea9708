"""Convolution with a window of several pixels on SMLAD: a few widened rows, 4 pixels by 2 channels at a time.

Before each output row the input rows under it are widened into 16-bit lanes once, padding included; all windows of the row then
read them where they overlap, instead of each gathering its own copy. The arithmetic is that of :mod:`tvm_tiny.schedule.dsp.gemm`.
"""

from __future__ import annotations

from tvm import s_tir, te, tirx

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.dsp import gemm
from tvm_tiny.schedule.dsp.intrinsics import dot_rows
from tvm_tiny.schedule.dsp.parameters import PARAMETERS, columns_of
from tvm_tiny.schedule.dsp.requantization import requantization_of
from tvm_tiny.schedule.implementation import Implementation, Scheduled
from tvm_tiny.target import Core

_PIXELS, _CHANNELS = 4, 2
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


def build(node: Node, core: Core) -> Scheduled:
    """Widen the rows under an output row, then multiply and requantise it four pixels at a time."""
    window = gemm.window_of(node)
    _, height, width, in_channels = window.image
    (kernel_h, kernel_w), (stride_h, stride_w) = window.kernel, window.strides
    channels = node.output.shape[3]
    words = in_channels // 4
    run, distance = kernel_w * words, stride_w * words
    columns = (window.columns - 1) * stride_w + kernel_w
    requantize = requantization_of(node, gemm.reach_of(node), gemm.FACTOR)
    constants = gemm.constants_of(node, window, _CHANNELS, requantize)
    x = te.placeholder((height * width * in_channels,), "int8", "x")
    placeholders = {role: te.placeholder(data.shape, str(data.dtype), role) for role, data in constants.items()}
    at = columns_of(placeholders, requantize)

    def lanes(r: tirx.Var, q: tirx.Var, parity: tirx.Var) -> tirx.Expr:
        y, z = r - window.top, q // words - window.left
        word = _extern("uint32", "TVM_TINY_LOAD_S8X4", x[(y * width + z) * in_channels + q % words * 4])
        if window.padded:
            inside = tirx.all(y >= 0, y < height, z >= 0, z < width)
            word = tirx.if_then_else(inside, word, tirx.const((window.pad_value & 0xFF) * 0x01010101, "uint32"))
        return tirx.Select(parity == 0, _extern("int32", "tvm_tiny_odd_lanes", word), _extern("int32", "tvm_tiny_even_lanes", word))

    rows = te.compute(((window.rows - 1) * stride_h + kernel_h, columns * words, 2), lanes, "rows")
    w = te.reduce_axis((0, words), "w")
    pixel_sum = te.compute(
        (rows.shape[0], columns),
        lambda r, z: te.sum(_extern("int32", "tvm_tiny_sum_even", rows[r, z * words + w, 0], rows[r, z * words + w, 1], 0), axis=w),
        "pixel_sum",
    )
    i, j = te.reduce_axis((0, kernel_h), "i"), te.reduce_axis((0, kernel_w), "j")
    even = te.compute(
        (window.rows, window.columns),
        lambda oh, ow: te.sum(pixel_sum[oh * stride_h + i, ow * stride_w + j], axis=[i, j]),
        "even",
    )
    shift = te.compute(even.shape, lambda oh, ow: _extern("int32", "tvm_tiny_minus_128", even[oh, ow]), "shift")
    kh, k = te.reduce_axis((0, kernel_h), "kh"), te.reduce_axis((0, run), "k")
    groups = window.columns // _PIXELS

    def product(oh: tirx.Var, g: tirx.Var, c: tirx.Var, p: tirx.Var) -> tirx.Expr:
        odd_even = [rows[oh * stride_h + kh, (g * _PIXELS + p) * distance + k, parity] for parity in (0, 1)]
        weight = at["weight"][c // _CHANNELS, kh * run + k, c % _CHANNELS]
        return te.sum(_extern("int32", "tvm_tiny_dot_s8x4", *odd_even, weight, 0), axis=[kh, k])

    acc = te.compute((window.rows, groups, channels, _PIXELS), product, "acc")
    total = te.compute(
        acc.shape,
        lambda oh, g, c, p: _extern("int32", "tvm_tiny_wrapping_add", at["base"][c], shift[oh, g * _PIXELS + p]) + acc[oh, g, c, p],
        "total",
    )
    output = te.compute(
        (window.rows, window.columns, channels),
        lambda oh, ow, c: requantize.apply(total[oh, ow // _PIXELS, c, ow % _PIXELS], c, at),
        "output",
    )
    func = te.create_prim_func([x, *placeholders.values(), output])
    intrinsic = dot_rows(kernel_h, run, distance, columns * words, gemm.unroll(run, core))
    return Scheduled(_schedule(func, intrinsic, words, core), constants)


def _schedule(func: tirx.PrimFunc, intrinsic: str, words: int, core: Core) -> tirx.PrimFunc:
    sch = s_tir.Schedule(func)
    sch.fuse_reduction_epilogue("acc", "total")  # the accumulators start from what "total" adds to them
    output, acc, shift, even, pixel_sum, rows = (
        sch.get_sblock(name) for name in ("output", "acc", "shift", "even", "pixel_sum", "rows")
    )
    row, column, channel = sch.get_loops(output)
    group, p = sch.split(column, [None, _PIXELS])
    block, c = sch.split(channel, [None, _CHANNELS])
    sch.reorder(row, group, block, c, p)
    sch.compute_at(acc, block, preserve_unit_loops=True)
    sch.set_scope(acc, 0, "local")
    for stage in (shift, even, pixel_sum, rows):
        sch.compute_at(stage, row, preserve_unit_loops=True)
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
    for stage, reductions in ((even, 2), (pixel_sum, 1)):
        sch.decompose_reduction(stage, sch.get_loops(stage)[-reductions])
        for loop in sch.get_loops(stage)[-reductions:]:
            gemm.unroll_inner(sch, loop, core)
    return sch.mod["main"]


def _extern(dtype: str, name: str, *args: tirx.Expr | int) -> tirx.Expr:
    return tirx.call_pure_extern(dtype, name, *(tirx.const(each, "int32") if isinstance(each, int) else each for each in args))


LINE_BUFFER = Implementation("line buffer", applies, build)
