"""Average pooling on MVE: the sums of all channels of a window in one call, four channels at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from tvm import s_tir, te, tirx
from tvm.script.ir_builder import tirx as T

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.implementation import Implementation, Scheduled
from tvm_tiny.schedule.mve.intrinsics import Intrinsic, Operand, tensorize
from tvm_tiny.target import Core


def applies(node: Node, _core: Core) -> bool:
    """Windows without padding or dilation, of more than one pixel, over more than one channel."""
    if node.op.name != "average_pool2d":
        return False
    kernel, attrs = node.attrs.kernel, node.attrs
    return not any(attrs.padding) and attrs.dilation == (1, 1) and kernel != (1, 1) and node.output.shape[3] > 1


def build(node: Node, _core: Core) -> Scheduled:
    """The operator's definition, a pixel at a time."""
    definition = node.op.define(node)
    placeholders = [placeholder for placeholder, _ in definition.constants.values()]
    sch = s_tir.Schedule(te.create_prim_func([*definition.inputs, *placeholders, definition.output]))
    acc = sch.get_sblock("acc")
    *_, pixel, _channel = sch.get_loops(sch.get_sblock("output"))
    sch.compute_at(acc, pixel)
    extents = (node.output.shape[3], *node.attrs.kernel)
    loops = sum(extent > 1 for extent in extents)
    sch.decompose_reduction(acc, sch.get_loops(acc)[-loops])
    row_pitch, pitch = node.value(0).shape[2] * extents[0], extents[0]
    tensorize(sch, "acc_update", loops, _window(*extents, row_pitch, pitch))
    return Scheduled(sch.mod["main"], {role: data for role, (_, data) in definition.constants.items()})


@cache
def _window(channels: int, rows: int, columns: int, row_pitch: int, pitch: int) -> str:
    """``acc[channel] += sum of x[row, column, channel]``."""

    def compute(axes: Sequence[tirx.Expr], inputs: Sequence[tirx.Buffer], output: tirx.Buffer) -> None:
        channel, row, column = axes
        value = inputs[0][row, column, channel]
        T.reads(output[channel], value)
        T.writes(output[channel])
        T.buffer_store(output, output[channel] + value.astype("int32"), [channel])

    return Intrinsic(
        "tvm_tiny_mve_sum_window",
        (Operand("x", (rows, columns, channels), "int8", (row_pitch, pitch, 1)),),
        Operand("acc", (channels,), "int32"),
        (channels, rows, columns, row_pitch, pitch),
        (channels, rows, columns),
        compute,
        reductions=2,
    ).register()


MVE_POOL = Implementation("mve pool", applies, build)
