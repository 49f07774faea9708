"""Average pooling with the DSP extension: the sums of eight channels of a window in one call, two of them in a register."""

from __future__ import annotations

from functools import cache

from tvm import s_tir, te
from tvm.script import tirx as T

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.dsp.intrinsics import registered
from tvm_tiny.schedule.implementation import Implementation, Scheduled
from tvm_tiny.target import Core

_CHANNELS = 8
_LARGEST = 256
"""Pixels of a window whose sums are known to fit 16 bits."""


def applies(node: Node, core: Core) -> bool:
    """Windows of at most 256 pixels, two at least each way, without padding or dilation; channels by eight; room for code."""
    if node.op.name != "average_pool2d" or core.unroll == 1:
        return False
    (rows, columns), attrs = node.attrs.kernel, node.attrs
    if any(attrs.padding) or attrs.dilation != (1, 1):
        return False
    return min(rows, columns) > 1 and rows * columns <= _LARGEST and node.output.shape[3] % _CHANNELS == 0


def build(node: Node, _core: Core) -> Scheduled:
    """The operator's definition, eight channels of a pixel at a time."""
    definition = node.op.define(node)
    placeholders = [placeholder for placeholder, _ in definition.constants.values()]
    sch = s_tir.Schedule(te.create_prim_func([*definition.inputs, *placeholders, definition.output]))
    acc, output = sch.get_sblock("acc"), sch.get_sblock("output")
    around, _ = sch.split(sch.get_loops(output)[-1], [None, _CHANNELS])
    sch.compute_at(acc, around, preserve_unit_loops=True)
    sch.set_scope(acc, 0, "local")
    inner = sch.get_loops(acc)[-3:]
    init = sch.decompose_reduction(acc, inner[0])
    sch.unroll(sch.get_loops(init)[-1])
    _, _, width, channels = node.value(0).shape
    sch.tensorize(inner[0], _window(*node.attrs.kernel, width * channels, channels))
    return Scheduled(sch.mod["main"], {role: data for role, (_, data) in definition.constants.items()})


@cache
def _window(rows: int, columns: int, row_pitch: int, pitch: int) -> str:
    """Name of the intrinsic ``tvm_tiny_sum_window_8``: ``acc[channel] += sum of x[row, column, channel]``; ``acc`` is local."""

    @T.prim_func(s_tir=True)
    def description(x: T.handle, acc: T.handle) -> None:
        X = T.match_buffer(x, (rows, columns, 8), "int8", offset_factor=1, strides=[row_pitch, pitch, 1])
        A = T.match_buffer(acc, (8,), "int32", offset_factor=1, scope="local")
        with T.sblock("root"):
            T.reads(A[0:8], X[0:rows, 0:columns, 0:8])
            T.writes(A[0:8])
            for c, i, j in T.grid(8, rows, columns):
                with T.sblock("update"):
                    vc, vi, vj = T.axis.remap("SRR", [c, i, j])
                    A[vc] = A[vc] + T.cast(X[vi, vj, vc], "int32")

    @T.prim_func(s_tir=True)
    def implementation(x: T.handle, acc: T.handle) -> None:
        X = T.match_buffer(x, (rows, columns, 8), "int8", offset_factor=1, strides=[row_pitch, pitch, 1])
        A = T.match_buffer(acc, (8,), "int32", offset_factor=1, scope="local")
        with T.sblock("root"):
            T.reads(A[0:8], X[0:rows, 0:columns, 0:8])
            T.writes(A[0:8])
            T.evaluate(
                T.call_extern(
                    "int32", "tvm_tiny_sum_window_8", A.access_ptr("rw"), X.access_ptr("r"), rows, columns, row_pitch, pitch
                )
            )

    return registered(f"sum_window_{rows}x{columns}_{row_pitch}_{pitch}", description, implementation)


DSP_POOL = Implementation("pool", applies, build)
