"""Tensor intrinsics of runtime/dsp_depthwise.h: what a kernel computes for one channel, beside the C function that computes it."""

from __future__ import annotations

from functools import cache

from tvm import tirx
from tvm.s_tir import TensorIntrin
from tvm.script import tirx as T

from tvm_tiny.schedule.dsp.depthwise_plane import Plane


def unroll(plane: Plane) -> int:
    """Steps of the kernel to one turn of its loop. Short rows need no loop."""
    if plane.stride == 1:
        return 3 if plane.along.positions > 8 else 6
    return 2 if plane.along.positions > 7 else 6


def requantized(total: tirx.Expr, multiplier: tirx.Expr, offset: tirx.Expr, shift: int) -> tirx.Expr:
    """The stored output of a sum: :class:`tvm_tiny.schedule.requantize.HighWord` with one shift for all channels, limits of
    int8.
    """
    result = tirx.call_pure_extern("int32", "tvm_tiny_requantize_high", total, multiplier, offset, tirx.const(shift, "int32"))
    return result.astype("int8")


@cache
def sums(plane: Plane) -> str:
    """Name of the intrinsic for all sums of a channel: ``acc[a, l] = plane.total(...)``, int32."""
    rows, columns = plane.shape
    across, along = plane.across.positions, plane.along.positions

    @T.prim_func(s_tir=True)
    def description(p: T.handle, w: T.handle, b: T.handle, acc: T.handle) -> None:
        P = T.match_buffer(p, (rows, columns), "int32", offset_factor=1)
        W = T.match_buffer(w, (9,), "int8", offset_factor=1)
        B = T.match_buffer(b, (1,), "int32", offset_factor=1)
        A = T.match_buffer(acc, (across, along), "int32", offset_factor=1)
        with T.sblock("root"):
            T.reads(P[0:rows, 0:columns], W[0:9], B[0:1])
            T.writes(A[0:across, 0:along])
            for i, j in T.grid(across, along):
                with T.sblock("sum"):
                    va, vl = T.axis.remap("SS", [i, j])
                    A[va, vl] = plane.total(lambda k, m: P[k, m], lambda tap: W[tap], B[0], va, vl)

    @T.prim_func(s_tir=True)
    def implementation(p: T.handle, w: T.handle, b: T.handle, acc: T.handle) -> None:
        P = T.match_buffer(p, (rows, columns), "int32", offset_factor=1)
        W = T.match_buffer(w, (9,), "int8", offset_factor=1)
        B = T.match_buffer(b, (1,), "int32", offset_factor=1)
        A = T.match_buffer(acc, (across, along), "int32", offset_factor=1)
        with T.sblock("root"):
            T.reads(P[0:rows, 0:columns], W[0:9], B[0:1])
            T.writes(A[0:across, 0:along])
            T.evaluate(
                T.call_extern(
                    "int32",
                    plane.function,
                    A.access_ptr("w"),
                    P.access_ptr("r"),
                    W.access_ptr("r"),
                    B[0],
                    0,
                    0,
                    across,
                    along,
                    4 * along,
                    4,
                    0,
                    0,
                    unroll(plane),
                )
            )

    return _registered("sums", plane, 0, description, implementation)


@cache
def outputs(plane: Plane, shift: int) -> str:
    """Name of the intrinsic for all outputs of a channel, int8: ``y[...] = requantized(plane.total(...), ...)``."""
    rows, columns = plane.shape
    across, along = plane.across.positions, plane.along.positions
    height, width = (along, across) if plane.transposed else (across, along)

    @T.prim_func(s_tir=True)
    def description(p: T.handle, w: T.handle, b: T.handle, m: T.handle, o: T.handle, y: T.handle) -> None:
        P = T.match_buffer(p, (rows, columns), "int32", offset_factor=1)
        W = T.match_buffer(w, (9,), "int8", offset_factor=1)
        B = T.match_buffer(b, (1,), "int32", offset_factor=1)
        M = T.match_buffer(m, (1,), "int32", offset_factor=1)
        D = T.match_buffer(o, (1,), "int32", offset_factor=1)
        Y = T.match_buffer(y, (height, width, 1), "int8", offset_factor=1)
        with T.sblock("root"):
            T.reads(P[0:rows, 0:columns], W[0:9], B[0:1], M[0:1], D[0:1])
            T.writes(Y[0:height, 0:width, 0:1])
            for i, j in T.grid(across, along):
                with T.sblock("output"):
                    vy = T.axis.spatial(height, j if plane.transposed else i)
                    vx = T.axis.spatial(width, i if plane.transposed else j)
                    Y[vy, vx, 0] = requantized(
                        plane.total(
                            lambda k, m: P[k, m],
                            lambda tap: W[tap],
                            B[0],
                            vx if plane.transposed else vy,
                            vy if plane.transposed else vx,
                        ),
                        M[0],
                        D[0],
                        shift,
                    )

    @T.prim_func(s_tir=True)
    def implementation(p: T.handle, w: T.handle, b: T.handle, m: T.handle, o: T.handle, y: T.handle) -> None:
        row_step = T.int32()
        column_step = T.int32()
        P = T.match_buffer(p, (rows, columns), "int32", offset_factor=1)
        W = T.match_buffer(w, (9,), "int8", offset_factor=1)
        B = T.match_buffer(b, (1,), "int32", offset_factor=1)
        M = T.match_buffer(m, (1,), "int32", offset_factor=1)
        D = T.match_buffer(o, (1,), "int32", offset_factor=1)
        Y = T.match_buffer(y, (height, width, 1), "int8", offset_factor=1, strides=[row_step, column_step, 1])
        with T.sblock("root"):
            T.reads(P[0:rows, 0:columns], W[0:9], B[0:1], M[0:1], D[0:1])
            T.writes(Y[0:height, 0:width, 0:1])
            T.evaluate(
                T.call_extern(
                    "int32",
                    plane.function,
                    Y.access_ptr("w"),
                    P.access_ptr("r"),
                    W.access_ptr("r"),
                    B[0],
                    M[0],
                    D[0],
                    across,
                    along,
                    column_step if plane.transposed else row_step,
                    row_step if plane.transposed else column_step,
                    shift,
                    1,
                    unroll(plane),
                )
            )

    return _registered("outputs", plane, shift, description, implementation)


@cache
def gathered(plane: Plane) -> str:
    """Name of the intrinsic that fills the plane of a channel: ``p[row, column] = plane.word(...)``."""
    rows, columns = plane.shape
    inputs = (plane.across.size, plane.along.size)
    height, width = inputs[::-1] if plane.transposed else inputs
    borders = () if plane.stride == 1 else (*inputs, plane.across.before, plane.along.before)

    @T.prim_func(s_tir=True)
    def description(x: T.handle, p: T.handle) -> None:
        X = T.match_buffer(x, (height, width, 1), "int8", offset_factor=1)
        P = T.match_buffer(p, (rows, columns), "int32", offset_factor=1)
        with T.sblock("root"):
            T.reads(X[0:height, 0:width, 0])
            T.writes(P[0:rows, 0:columns])
            for i, j in T.grid(rows, columns):
                with T.sblock("word"):
                    row, column = T.axis.remap("SS", [i, j])
                    T.reads(X[0:height, 0:width, 0])
                    T.writes(P[row, column])
                    T.sblock_attr({"explicit_read_region": [0]})
                    P[row, column] = plane.word(lambda y, z: X[y, z, 0], row, column)

    @T.prim_func(s_tir=True)
    def implementation(x: T.handle, p: T.handle) -> None:
        row_step = T.int32()
        column_step = T.int32()
        X = T.match_buffer(x, (height, width, 1), "int8", offset_factor=1, strides=[row_step, column_step, 1])
        P = T.match_buffer(p, (rows, columns), "int32", offset_factor=1)
        with T.sblock("root"):
            T.reads(X[0:height, 0:width, 0])
            T.writes(P[0:rows, 0:columns])
            T.evaluate(
                T.call_extern(
                    "int32",
                    plane.gather,
                    P.access_ptr("w"),
                    X.access_ptr("r"),
                    plane.pad_value,
                    plane.across.positions,
                    plane.along.positions,
                    column_step if plane.transposed else row_step,
                    row_step if plane.transposed else column_step,
                    *borders,
                )
            )

    return _registered("plane", plane, 0, description, implementation)


def _registered(kind: str, plane: Plane, shift: int, description: tirx.PrimFunc, implementation: tirx.PrimFunc) -> str:
    name = f"tiny.dsp.depthwise_{kind}_{plane}_{shift}"
    TensorIntrin.register(name, description, implementation, override=True)
    return name
