"""Fully connected layers of one or two rows on cores without SIMD: four multiply-accumulates in three multiplications.

Eight output channels at a time: for every input, a word of weights for each four of them is multiplied as it lies in flash
(runtime/byte_products.h tells the arithmetic), which is exact for sums below 2^22.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from tvm import s_tir, te, tirx
from tvm.s_tir import TensorIntrin
from tvm.script import tirx as T

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.implementation import Implementation, Scheduled
from tvm_tiny.schedule.scalar.requantization import requantization_of
from tvm_tiny.schedule.scalar.window import reach_of, weight_reach, window_of
from tvm_tiny.target import Core

_CHANNELS = 8
_SUM_LIMIT = 2**22 - 2**8


def applies(node: Node, core: Core) -> bool:
    """A Cortex-M without SIMD; int8 weights; inputs of a row side by side; sums below 2^22."""
    if core.isa != "scalar" or not core.mcpu or node.op.name not in ("conv2d", "fully_connected"):
        return False
    if node.constant(1).dtype != np.int8 or not window_of(node).pointwise:
        return False
    weight = node.constant(1)
    low, high = weight_reach(weight.reshape(weight.shape[0], -1), 1)
    return bool(low.min() > -_SUM_LIMIT and high.max() < _SUM_LIMIT)


def build(node: Node, core: Core) -> Scheduled:
    """One block of channels after the other."""
    window, channels = window_of(node), node.output.shape[-1]
    rows, depth, blocks = window.pixels, window.depth, -(-channels // _CHANNELS)
    requantize = requantization_of(node, reach_of(node), core)
    weight = np.full((blocks * _CHANNELS, depth), 128, np.uint8)
    weight[:channels] = (node.constant(1).reshape(channels, depth).astype(np.int16) + 128).astype(np.uint8)
    bias = np.zeros(blocks * _CHANNELS, np.int32)
    bias[:channels] = node.constant(2)
    constants: dict[str, np.ndarray] = {
        "weight": np.ascontiguousarray(weight.reshape(blocks, _CHANNELS, depth).transpose(0, 2, 1)),
        "bias": bias,
        **requantize.constants,
    }
    x = te.placeholder((math.prod(node.value(0).shape),), "int8", "x")
    at = {role: te.placeholder(data.shape, str(data.dtype), role) for role, data in constants.items()}

    def product(row: tirx.Var, block: tirx.Var, c: tirx.Var) -> tirx.Expr:
        centred = at["weight"][block, k, c].astype("int32") - 128
        return te.sum(x[row * depth + k].astype("int32") * centred, axis=k)

    k = te.reduce_axis((0, depth), "k")
    acc = te.compute((rows, blocks, _CHANNELS), product, "acc")
    total = te.compute((rows, blocks, _CHANNELS), lambda r, b, c: at["bias"][b * _CHANNELS + c] + acc[r, b, c], "total")
    result = te.compute((rows, channels), lambda r, c: requantize.apply(total[r, c // _CHANNELS, c % _CHANNELS], c, at), "output")
    sch = s_tir.Schedule(te.create_prim_func([x, *at.values(), result]))
    sch.fuse_reduction_epilogue("acc", "total")  # the sums start from the bias
    block_acc, output = sch.get_sblock("acc"), sch.get_sblock("output")
    block, _ = sch.split(sch.get_loops(output)[1], [None, _CHANNELS])
    sch.compute_at(block_acc, block, preserve_unit_loops=True)
    sch.set_scope(block_acc, 0, "local")
    inner = sch.get_loops(block_acc)[-2:]
    sch.decompose_reduction(block_acc, inner[0])
    reads = [index for index, region in enumerate(sch.get(block_acc).reads) if str(region.source.name) == "bias"]
    sch.unsafe_hide_buffer_access(block_acc, "read", reads)  # only the initialisation reads it now
    sch.tensorize(inner[0], dot(depth))
    return Scheduled(sch.mod["main"], constants)


@cache
def dot(depth: int) -> str:
    """Name of the intrinsic ``acc[c] += sum over k of x[k] * (weight[k, c] - 128)`` for eight channels; ``acc`` is local."""

    @T.prim_func(s_tir=True)
    def description(x: T.handle, w: T.handle, acc: T.handle) -> None:
        X = T.match_buffer(x, (depth,), "int8", offset_factor=1)
        W = T.match_buffer(w, (depth, 8), "uint8", offset_factor=1)
        A = T.match_buffer(acc, (8,), "int32", offset_factor=1, scope="local")
        with T.sblock("root"):
            T.reads(A[0:8], X[0:depth], W[0:depth, 0:8])
            T.writes(A[0:8])
            for c, k in T.grid(8, depth):
                with T.sblock("update"):
                    vc, vk = T.axis.remap("SR", [c, k])
                    A[vc] = A[vc] + T.Cast("int32", X[vk]) * (T.Cast("int32", W[vk, vc]) - 128)

    @T.prim_func(s_tir=True)
    def implementation(x: T.handle, w: T.handle, acc: T.handle) -> None:
        X = T.match_buffer(x, (depth,), "int8", offset_factor=1)
        W = T.match_buffer(w, (depth, 8), "uint8", offset_factor=1)
        A = T.match_buffer(acc, (8,), "int32", offset_factor=1, scope="local")
        with T.sblock("root"):
            T.reads(A[0:8], X[0:depth], W[0:depth, 0:8])
            T.writes(A[0:8])
            T.evaluate(
                T.call_extern("int32", "tvm_tiny_byte_products_8", A.access_ptr("rw"), X.access_ptr("r"), W.access_ptr("r"), depth)
            )

    name = f"tiny.scalar.byte_products_{depth}"
    TensorIntrin.register(name, description, implementation, override=True)
    return name


DENSE = Implementation("dense", applies, build)
