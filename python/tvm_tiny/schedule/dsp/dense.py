"""Fully connected layers of one or two rows on SMLAD: 8 channels at a time, with no memory but the accumulators.

The inputs are read as they lie in memory and unpacked in registers, once for all channels of a block; weights are one stream in
the order of the inner loop (runtime/dsp_dense.h, and dsp.h for the arithmetic). Only where a row is no multiple of four inputs, or
is the window of a convolution, it is copied first.
"""

from __future__ import annotations

import math

import numpy as np
from tvm import s_tir, te, tirx

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.dsp import gemm
from tvm_tiny.schedule.dsp.intrinsics import dense, dense_product, dot_function
from tvm_tiny.schedule.dsp.parameters import by_channel, columns_of
from tvm_tiny.schedule.dsp.requantization import requantization_of
from tvm_tiny.schedule.implementation import Implementation, Scheduled
from tvm_tiny.target import Core

_PIXELS = 2


def applies(node: Node, core: Core) -> bool:
    """One or two pixels, and weights and sums as :func:`tvm_tiny.schedule.dsp.gemm.fits` says."""
    together, per_block = channels_at_once(node.output.shape[-1])
    return gemm.fits(node, core) and gemm.window_of(node).pixels <= _PIXELS and gemm.fills_blocks(node, together * per_block)


def channels_at_once(channels: int) -> tuple[int, int]:
    """Blocks of one call, and channels of a block: 8, or 4 where a block of 8 would be half empty."""
    if channels % 8 not in (0, 5, 6, 7):
        return 1, 4
    return (2 if -(-channels // 8) % 2 == 0 else 1), 8


def build(node: Node, _core: Core) -> Scheduled:
    """One block of channels after the other."""
    window, channels = gemm.window_of(node), node.output.shape[-1]
    pixels, words = window.pixels, window.words
    together, per_block = channels_at_once(channels)
    block = together * per_block
    requantize = requantization_of(node, gemm.reach_of(node), gemm.FACTOR)
    packed = gemm.packed_weights(node, window, per_block)
    calls = len(packed.words) // together
    constants: dict[str, np.ndarray] = {
        "weight": packed.words.reshape(calls, together, words, per_block),
        "start": packed.base,
        **by_channel(requantize.constants, len(packed.base)),
    }
    x = te.placeholder((math.prod(node.value(0).shape),), "int8", "x")
    placeholders = {role: te.placeholder(data.shape, str(data.dtype), role) for role, data in constants.items()}
    at = columns_of(placeholders, requantize)

    copied = window.depth % 4 != 0 or window.kernel != (1, 1) or window.padded or (pixels > 1 and window.strides != (1, 1))
    inputs = (
        te.compute((pixels * words * 4,), lambda i: window.input(x, i // (words * 4), i % (words * 4)), "inputs") if copied else x
    )

    def four(pixel: tirx.Expr, k: tirx.Expr) -> list[tirx.Expr]:
        return [inputs[(pixel * words + k) * 4 + i] for i in range(4)]

    def product(pixel: tirx.Var, b: tirx.Var, c: tirx.Var) -> tirx.Expr:
        return te.sum(
            dense_product(dot_function(packed.signed), four(pixel, depth), at["weight"][b, c // per_block, depth, c % per_block]),
            axis=depth,
        )

    def stored(pixel: tirx.Var, c: tirx.Var) -> tirx.Expr:
        sums = total[pixel, c // block, c % block]
        if shift is not None:
            sums = tirx.call_pure_extern("int32", "tvm_tiny_wrapping_add", sums, shift[pixel])
        return requantize.apply(sums, c, at)

    def sum_odd(pixel: tirx.Var) -> tirx.Expr:
        word = tirx.call_pure_extern("uint32", "TVM_TINY_LOAD_S8X4", four(pixel, k)[0])
        lanes = [tirx.call_pure_extern("int32", f"tvm_tiny_{which}_lanes", word) for which in ("even", "odd")]
        return te.sum(tirx.call_pure_extern("int32", "tvm_tiny_sum_odd", *lanes, tirx.const(0, "int32")), axis=k)

    depth, k = te.reduce_axis((0, words), "depth"), te.reduce_axis((0, words), "k")
    acc = te.compute((pixels, calls, block), product, "acc")
    total = te.compute(acc.shape, lambda pixel, b, c: at["start"][b * block + c] + acc[pixel, b, c], "total")
    shift = None if packed.signed else gemm.shift_of(te.compute((pixels,), sum_odd, "odd"))
    result = te.compute((pixels, channels), stored, "output")
    sch = s_tir.Schedule(te.create_prim_func([x, *placeholders.values(), result]))
    _schedule(sch, dense(together, per_block, words, packed.signed), block, copied, packed.signed)
    return Scheduled(sch.mod["main"], constants)


def _schedule(sch: s_tir.Schedule, intrinsic: str, block: int, copied: bool, signed: bool) -> None:
    sch.fuse_reduction_epilogue("acc", "total")  # the sums start from the bias
    acc, output = sch.get_sblock("acc"), sch.get_sblock("output")
    pixel, channel = sch.get_loops(output)
    blocks, c = sch.split(channel, [None, block])
    sch.compute_at(acc, blocks, preserve_unit_loops=True)
    sch.set_scope(acc, 0, "local")
    if not signed:
        for name in ("shift", "odd"):
            sch.compute_at(sch.get_sblock(name), pixel, preserve_unit_loops=True)
        odd = sch.get_sblock("odd")
        sch.decompose_reduction(odd, sch.get_loops(odd)[-1])
    if copied:
        sch.compute_at(sch.get_sblock("inputs"), pixel, preserve_unit_loops=True)
    sch.unroll(c)
    inner = sch.get_loops(acc)[-2:]
    init = sch.decompose_reduction(acc, inner[0])
    _leave_to_the_intrinsic(sch, init)
    sch.tensorize(inner[0], intrinsic)


def _leave_to_the_intrinsic(sch: s_tir.Schedule, init: s_tir.schedule.SBlockRV) -> None:
    """Empty the block that starts the sums: the function behind the intrinsic reads where they start by itself.

    TVM has no tensor intrinsic with an initialisation of its own.
    """
    block = sch.get(init)
    empty = s_tir.SBlock(block.iter_vars, block.reads, block.writes, block.name_hint, tirx.Evaluate(tirx.const(0, "int32")))
    sch.state.replace(sch.get_sref(init), empty, {block: empty})


DENSE = Implementation("dense", applies, build)
