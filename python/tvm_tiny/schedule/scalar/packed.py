"""Convolutions and batches of fully connected layers on cores without SIMD: three multiply-accumulates in two multiplications.

For six output pixels the inputs under their windows are gathered once, three of them packed in two words (runtime/packed.h tells
the arithmetic). One output channel after the other then streams past them with four accumulators in registers. The packed sums are
exact as long as each of them is known to fit 21 bits; a deeper reduction is cut into parts that do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from tvm import s_tir, te, tirx
from tvm.s_tir import TensorIntrin
from tvm.script import tirx as T

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.implementation import Implementation, Scheduled
from tvm_tiny.schedule.scalar.requantization import requantization_of
from tvm_tiny.schedule.scalar.window import Window, reach_of, weight_reach, window_of
from tvm_tiny.target import Core

_PIXELS = 6
_SUM_LIMIT = 2**20
"""A packed sum fits 21 bits."""


def applies(node: Node, core: Core) -> bool:
    """A Cortex-M without SIMD; int8 weights; at least three pixels to pack."""
    if core.isa != "scalar" or not core.mcpu or node.op.name not in ("conv2d", "fully_connected"):
        return False
    return node.constant(1).dtype == np.int8 and window_of(node).pixels >= 3 and parts_of(node) is not None


def parts_of(node: Node) -> int | None:
    """Into how many parts of equal depth the reduction is cut so that the sums of each fit 21 bits; None if nothing does."""
    weight = node.constant(1)
    flat = weight.reshape(weight.shape[0], -1)
    depth = flat.shape[1]
    for parts in range(1, depth + 1):
        if depth % parts == 0:
            low, high = weight_reach(flat.reshape(flat.shape[0], parts, -1), 2)
            if low.min() >= -_SUM_LIMIT and high.max() < _SUM_LIMIT:
                return parts
    return None


def build(node: Node, core: Core) -> Scheduled:
    """Gather, multiply, requantise: one group of pixels after the other."""
    window, parts = window_of(node), parts_of(node)
    assert parts is not None
    channels, depth = node.output.shape[-1], window.depth
    groups = -(-window.pixels // _PIXELS)
    requantize = requantization_of(node, reach_of(node), core)
    constants = {
        "weight": np.ascontiguousarray(node.constant(1)).reshape(channels, depth),
        "bias": node.constant(2).astype(np.int32),
        **requantize.constants,
    }
    x = te.placeholder((math.prod(node.value(0).shape),), "int8", "x")
    at = {role: te.placeholder(data.shape, str(data.dtype), role) for role, data in constants.items()}
    value = _inputs(window, x, groups)

    def word(g: tirx.Var, k: tirx.Var, triple: tirx.Var, half: tirx.Var) -> tirx.Expr:
        a, b, c = (value(g, triple * 3 + i, k).astype("int32") for i in range(3))
        return tirx.Select(half == 0, _extern("tvm_tiny_pack_low", a, b), _extern("tvm_tiny_pack_high", b, c))

    k = te.reduce_axis((0, depth), "k")
    words = te.compute((groups, depth, 2, 2), word, "words")
    acc = te.compute(
        (groups, channels, 2, 3),
        lambda g, c, triple, i: te.sum(
            _extern("tvm_tiny_unpacked", words[g, k, triple, 0], words[g, k, triple, 1], i) * at["weight"][c, k].astype("int32"),
            axis=k,
        ),
        "acc",
    )
    total = te.compute((groups, channels, 2, 3), lambda g, c, t, i: at["bias"][c] + acc[g, c, t, i], "total")
    result = te.compute(
        (window.pixels, channels),
        lambda pixel, c: requantize.apply(total[pixel // _PIXELS, c, pixel % _PIXELS // 3, pixel % 3], c, at),
        "output",
    )
    func = te.create_prim_func([x, *at.values(), result])
    return Scheduled(_schedule(func, window, parts), constants)


def _inputs(window: Window, x: te.Tensor, groups: int) -> Callable[[tirx.Expr, tirx.Expr, tirx.Expr], tirx.Expr]:
    """(group, pixel of the group, k) → the input; by way of a buffer unless the inputs are neighbours in memory anyway."""
    last = window.pixels - 1
    if window.pointwise:
        return lambda g, p, k: x[te.min(g * _PIXELS + p, last) * window.depth + k]
    channels = window.image[3]
    taps = te.compute(
        (groups, _PIXELS, *window.kernel, channels),
        lambda g, p, kh, kw, c: window.tap(x, te.min(g * _PIXELS + p, last), kh, kw, c),
        "taps",
    )
    return lambda g, p, k: taps[g, p, k // (window.kernel[1] * channels), k // channels % window.kernel[1], k % channels]


def _schedule(func: tirx.PrimFunc, window: Window, parts: int) -> tirx.PrimFunc:
    sch = s_tir.Schedule(func)
    sch.fuse_reduction_epilogue("acc", "total")  # the sums start from the bias
    output, acc, words = (sch.get_sblock(name) for name in ("output", "acc", "words"))
    pixel, channel = sch.get_loops(output)
    group, p = sch.split(pixel, [None, _PIXELS])
    sch.reorder(group, channel, p)
    sch.compute_at(acc, channel, preserve_unit_loops=True)
    sch.set_scope(acc, 0, "local")
    sch.compute_at(words, group, preserve_unit_loops=True)
    for loop in sch.get_loops(words)[-2:]:
        sch.unroll(loop)
    if not window.pointwise:
        sch.compute_at(sch.get_sblock("taps"), group, preserve_unit_loops=True)
    triple, i, k = sch.get_loops(acc)[-3:]
    part, k = sch.split(k, [parts, None])
    sch.reorder(part, triple, i, k)
    sch.decompose_reduction(acc, part)
    reads = [index for index, region in enumerate(sch.get(acc).reads) if str(region.source.name) == "bias"]
    sch.unsafe_hide_buffer_access(acc, "read", reads)  # only the initialisation reads it now
    sch.tensorize(triple, dot(window.depth // parts))
    return sch.mod["main"]


@cache
def dot(depth: int) -> str:
    """Name of the intrinsic ``acc[triple, i] += sum over k of unpacked(words[k, triple], i) * weight[k]``; ``acc`` is local."""

    @T.prim_func(s_tir=True)
    def description(x: T.handle, w: T.handle, acc: T.handle) -> None:
        X = T.match_buffer(x, (depth, 2, 2), "int32", offset_factor=1)
        W = T.match_buffer(w, (depth,), "int8", offset_factor=1)
        A = T.match_buffer(acc, (2, 3), "int32", offset_factor=1, scope="local")
        with T.sblock("root"):
            T.reads(A[0:2, 0:3], X[0:depth, 0:2, 0:2], W[0:depth])
            T.writes(A[0:2, 0:3])
            for t, i, k in T.grid(2, 3, depth):
                with T.sblock("update"):
                    vt, vi, vk = T.axis.remap("SSR", [t, i, k])
                    A[vt, vi] = A[vt, vi] + T.call_pure_extern(
                        "int32", "tvm_tiny_unpacked", X[vk, vt, 0], X[vk, vt, 1], vi
                    ) * T.Cast("int32", W[vk])

    @T.prim_func(s_tir=True)
    def implementation(x: T.handle, w: T.handle, acc: T.handle) -> None:
        X = T.match_buffer(x, (depth, 2, 2), "int32", offset_factor=1)
        W = T.match_buffer(w, (depth,), "int8", offset_factor=1)
        A = T.match_buffer(acc, (2, 3), "int32", offset_factor=1, scope="local")
        with T.sblock("root"):
            T.reads(A[0:2, 0:3], X[0:depth, 0:2, 0:2], W[0:depth])
            T.writes(A[0:2, 0:3])
            T.evaluate(
                T.call_extern("int32", "tvm_tiny_packed_dot_6", A.access_ptr("rw"), X.access_ptr("r"), W.access_ptr("r"), depth)
            )

    name = f"tiny.scalar.packed_dot_{depth}"
    TensorIntrin.register(name, description, implementation, override=True)
    return name


def _extern(name: str, *args: tirx.Expr) -> tirx.Expr:
    return tirx.call_pure_extern("int32", name, *args)


PACKED = Implementation("packed", applies, build)
