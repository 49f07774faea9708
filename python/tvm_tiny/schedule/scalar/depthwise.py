"""Depthwise 3x3 convolution on cores without SIMD, one channel after the other.

The inputs of a channel are gathered into a plane of words, padding included, a strip of rows at a time; a kernel then runs along
its rows with no test (runtime/depthwise_rows.h). It runs along the longer axis of the image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from tvm import s_tir, te, tirx
from tvm.s_tir import TensorIntrin
from tvm.script import tirx as T

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.implementation import Implementation, Scheduled
from tvm_tiny.schedule.scalar.requantization import requantization_of
from tvm_tiny.schedule.scalar.window import reach_of
from tvm_tiny.target import Core

_OUTPUTS = 4
"""Outputs that a kernel computes at a time."""

_STRIP_BYTES = 4096
"""A plane is not larger, if one row of outputs needs no more."""


@dataclass(frozen=True)
class Axis:
    """One axis of the image: input and output extent, and padding in front."""

    size: int
    positions: int
    before: int


@dataclass(frozen=True)
class Plane:
    """The inputs of a channel as a kernel wants them. ``transposed``: "along" is the image's height."""

    stride: int
    across: Axis
    along: Axis
    transposed: bool
    pad_value: int

    @property
    def function(self) -> str:
        """The kernel."""
        return f"tvm_tiny_depthwise_row_3x3_s{self.stride}"

    @property
    def groups(self) -> int:
        """Groups of outputs in a row."""
        return -(-self.along.positions // _OUTPUTS)

    @property
    def row(self) -> tuple[int, ...]:
        """Shape of a row of sums; one group has no axis for groups."""
        return (self.groups, _OUTPUTS) if self.groups > 1 else (_OUTPUTS,)

    @property
    def pitch(self) -> int:
        """Words of a row; with stride 2, of its even columns, and of its odd ones."""
        return self.groups * _OUTPUTS + (2 if self.stride == 1 else 1)

    @property
    def rows(self) -> int:
        return (self.across.positions - 1) * self.stride + 3

    @property
    def strips(self) -> int:
        """How many strips of equally many rows of outputs are small enough."""
        positions = self.across.positions
        fitting = [s for s in range(1, positions + 1) if positions % s == 0 and self._strip_bytes(positions // s) <= _STRIP_BYTES]
        return fitting[0] if fitting else positions

    def _strip_bytes(self, positions: int) -> int:
        return 4 * self.stride * self.pitch * ((positions - 1) * self.stride + 3)

    def value(self, load: Callable[[Any, Any], tirx.Expr], row: tirx.Expr, phase: tirx.Expr, column: tirx.Expr) -> tirx.Expr:
        """What is in the plane; ``load(y, x)`` gives an input of the channel."""
        a, b = row - self.across.before, column * self.stride + phase - self.along.before
        inside = tirx.all(a >= 0, a < self.across.size, b >= 0, b < self.along.size)
        y, x = (b, a) if self.transposed else (a, b)
        return tirx.if_then_else(inside, load(y, x).astype("int32"), tirx.const(self.pad_value, "int32"))

    def total(self, load: Callable[[Any, Any, Any], tirx.Expr], taps: Callable[[int], tirx.Expr], column: tirx.Expr) -> tirx.Expr:
        """The sum of an output; ``load(row, phase, column)`` gives a word of its three rows, ``taps(9)`` is the bias."""
        total = None
        for tap in range(9):
            row, along = divmod(tap, 3)
            product = load(row, along % self.stride, column + along // self.stride) * taps(tap)
            total = product if total is None else total + product
        return total + taps(9)


def plane_of(node: Node) -> Plane:
    """The plane of ``node``, whose stride is 1 or 2."""
    attrs = node.attrs
    _, height, width, _ = node.value(0).shape
    _, rows, columns, _ = node.output.shape
    vertical, horizontal = Axis(height, rows, attrs.padding[0]), Axis(width, columns, attrs.padding[1])
    transposed = rows > columns
    across, along = (horizontal, vertical) if transposed else (vertical, horizontal)
    return Plane(attrs.strides[0], across, along, transposed, attrs.pad_value)


def applies(node: Node, core: Core) -> bool:
    """A Cortex-M without SIMD; 3x3 int8 weights; stride 1 or 2; at least four outputs side by side."""
    if core.isa != "scalar" or not core.mcpu or node.op.name != "depthwise_conv2d":
        return False
    attrs, weight = node.attrs, node.constant(1)
    return (
        weight.dtype == np.int8
        and weight.shape[:2] == (3, 3)
        and attrs.dilation == (1, 1)
        and attrs.strides in ((1, 1), (2, 2))
        and plane_of(node).along.positions >= _OUTPUTS
    )


def build(node: Node, core: Core) -> Scheduled:
    """Gather, multiply, requantise: one channel after the other."""
    plane, weight = plane_of(node), node.constant(1)
    requantize = requantization_of(node, reach_of(node), core)
    ordered = weight.transpose(2, 1, 0) if plane.transposed else weight.transpose(2, 0, 1)
    constants = {
        "weight": np.ascontiguousarray(ordered).reshape(weight.shape[2], 9),
        "bias": node.constant(2).astype(np.int32),
        **requantize.constants,
    }
    batch, _, _, channels = node.output.shape
    multiplicity = channels // node.value(0).shape[3]
    x = te.placeholder(node.value(0).shape, "int8", "x")
    at = {role: te.placeholder(data.shape, str(data.dtype), role) for role, data in constants.items()}
    words = te.compute(
        (batch, channels, plane.rows, plane.stride, plane.pitch),
        lambda n, c, row, phase, column: plane.value(lambda y, z: x[n, y, z, c // multiplicity], row, phase, column),
        "plane",
    )
    taps = te.compute(
        (batch, channels, 10),
        lambda _n, c, t: tirx.if_then_else(t < 9, at["weight"][c, te.min(t, 8)].astype("int32"), at["bias"][c]),
        "taps",
    )
    sums = te.compute(
        (batch, channels, plane.across.positions, *plane.row),
        lambda n, c, a, *b: plane.total(
            lambda row, phase, column: words[n, c, a * plane.stride + row, phase, column],
            lambda t: taps[n, c, t],
            b[0] * _OUTPUTS + b[1] if len(b) == 2 else b[0],
        ),
        "sums",
    )

    def output(n: tirx.Var, h: tirx.Var, w: tirx.Var, c: tirx.Var) -> tirx.Expr:
        a, b = (w, h) if plane.transposed else (h, w)
        return requantize.apply(sums[(n, c, a, *((b // _OUTPUTS, b % _OUTPUTS) if plane.groups > 1 else (b,)))], c, at)

    result = te.compute(node.output.shape, output, "output")
    return Scheduled(_schedule(te.create_prim_func([x, *at.values(), result]), plane), constants)


def _schedule(func: tirx.PrimFunc, plane: Plane) -> tirx.PrimFunc:
    sch = s_tir.Schedule(func)
    output, sums, words, taps = (sch.get_sblock(name) for name in ("output", "sums", "plane", "taps"))
    image, row, column, channel = sch.get_loops(output)
    across, along = (column, row) if plane.transposed else (row, column)
    sch.reorder(image, channel, across, along)
    strip, across = sch.split(across, [plane.strips, None])
    sch.compute_at(sums, across, preserve_unit_loops=True)
    sch.compute_at(words, strip, preserve_unit_loops=True)
    sch.compute_at(taps, channel, preserve_unit_loops=True)
    last = sch.get_loops(taps)[-1]
    sch.unroll(last)
    sch.tensorize(sch.get_loops(sums)[-len(plane.row)], row_of_sums(plane))
    if plane.strips == 1:
        _partition(sch, sch.get_loops(words)[-3], plane.across.before, plane.across.size, plane.rows)
    return sch.mod["main"]


def _partition(sch: s_tir.Schedule, loop: Any, before: int, size: int, extent: int) -> None:
    """Split ``loop`` where the padding ends and begins again."""
    parts = [part for part in (before, min(size, extent - before), extent - before - size) if part > 0]
    if len(parts) > 1:
        sch.loop_partition(loop, [*parts[:-1], None])


@cache
def row_of_sums(plane: Plane) -> str:
    """Name of the intrinsic for a row of outputs: ``sums[b] = plane.total(...)``, int32."""
    pair = _groups_of_sums(plane) if plane.groups > 1 else _group_of_sums(plane)
    name = f"tiny.scalar.depthwise_row_{plane}"
    TensorIntrin.register(name, *pair, override=True)
    return name


def _groups_of_sums(plane: Plane) -> tuple[tirx.PrimFunc, tirx.PrimFunc]:
    stride, pitch, groups = plane.stride, plane.pitch, plane.groups
    function = plane.function

    @T.prim_func(s_tir=True)
    def description(p: T.handle, w: T.handle, sums: T.handle) -> None:
        P = T.match_buffer(p, (3, stride, pitch), "int32", offset_factor=1)
        W = T.match_buffer(w, (10,), "int32", offset_factor=1)
        A = T.match_buffer(sums, (groups, 4), "int32", offset_factor=1)
        with T.sblock("root"):
            T.reads(P[0:3, 0:stride, 0:pitch], W[0:10])
            T.writes(A[0:groups, 0:4])
            for g, i in T.grid(groups, 4):
                with T.sblock("sum"):
                    vg, vi = T.axis.remap("SS", [g, i])
                    A[vg, vi] = plane.total(lambda row, phase, column: P[row, phase, column], lambda t: W[t], vg * 4 + vi)

    @T.prim_func(s_tir=True)
    def implementation(p: T.handle, w: T.handle, sums: T.handle) -> None:
        P = T.match_buffer(p, (3, stride, pitch), "int32", offset_factor=1)
        W = T.match_buffer(w, (10,), "int32", offset_factor=1)
        A = T.match_buffer(sums, (groups, 4), "int32", offset_factor=1)
        with T.sblock("root"):
            T.reads(P[0:3, 0:stride, 0:pitch], W[0:10])
            T.writes(A[0:groups, 0:4])
            T.evaluate(T.call_extern("int32", function, A.access_ptr("w"), P.access_ptr("r"), W.access_ptr("r"), groups, pitch))

    return description, implementation


def _group_of_sums(plane: Plane) -> tuple[tirx.PrimFunc, tirx.PrimFunc]:
    stride, pitch, function = plane.stride, plane.pitch, plane.function

    @T.prim_func(s_tir=True)
    def description(p: T.handle, w: T.handle, sums: T.handle) -> None:
        P = T.match_buffer(p, (3, stride, pitch), "int32", offset_factor=1)
        W = T.match_buffer(w, (10,), "int32", offset_factor=1)
        A = T.match_buffer(sums, (4,), "int32", offset_factor=1)
        with T.sblock("root"):
            T.reads(P[0:3, 0:stride, 0:pitch], W[0:10])
            T.writes(A[0:4])
            for i in T.serial(4):
                with T.sblock("sum"):
                    vi = T.axis.spatial(4, i)
                    A[vi] = plane.total(lambda row, phase, column: P[row, phase, column], lambda t: W[t], vi)

    @T.prim_func(s_tir=True)
    def implementation(p: T.handle, w: T.handle, sums: T.handle) -> None:
        P = T.match_buffer(p, (3, stride, pitch), "int32", offset_factor=1)
        W = T.match_buffer(w, (10,), "int32", offset_factor=1)
        A = T.match_buffer(sums, (4,), "int32", offset_factor=1)
        with T.sblock("root"):
            T.reads(P[0:3, 0:stride, 0:pitch], W[0:10])
            T.writes(A[0:4])
            T.evaluate(T.call_extern("int32", function, A.access_ptr("w"), P.access_ptr("r"), W.access_ptr("r"), 1, pitch))

    return description, implementation


DEPTHWISE = Implementation("depthwise 3x3 by rows", applies, build)
