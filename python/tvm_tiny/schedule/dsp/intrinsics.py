"""Tensor intrinsics of the DSP extension: what each computes, beside the C function that computes it (runtime/dsp.h)."""

from __future__ import annotations

from functools import cache

from tvm import tirx
from tvm.s_tir import TensorIntrin
from tvm.script import tirx as T


@cache
def dot(pixels: int, channels: int, words: int, unroll: int) -> str:
    """Name of the intrinsic for ``words`` words of four values, ``unroll`` of them to one turn of its loop.

    It computes ``acc[channel, pixel] += sum of dot(columns[k, :, pixel], weight[k, channel])``; ``columns`` holds for every
    word the odd lanes of all pixels, then the even ones; ``acc`` is local. One pixel has no axis of its own. The C function is
    ``tvm_tiny_dot_<pixels>x<channels>``.
    """
    name = f"tiny.dsp.dot_{pixels}x{channels}x{words}by{unroll}"
    function = f"tvm_tiny_dot_{pixels}x{channels}"
    pair = _block(pixels, channels, words, unroll, function) if pixels > 1 else _row(channels, words, unroll, function)
    TensorIntrin.register(name, *pair, override=True)
    return name


def _block(pixels: int, channels: int, words: int, unroll: int, function: str) -> tuple[tirx.PrimFunc, tirx.PrimFunc]:
    @T.prim_func(s_tir=True)
    def description(x: T.handle, w: T.handle, acc: T.handle) -> None:
        X = T.match_buffer(x, (words, 2, pixels), "int32", offset_factor=1)
        W = T.match_buffer(w, (words, channels), "int32", offset_factor=1)
        A = T.match_buffer(acc, (channels, pixels), "int32", offset_factor=1, scope="local")
        with T.sblock("root"):
            T.reads(A[0:channels, 0:pixels], X[0:words, 0:2, 0:pixels], W[0:words, 0:channels])
            T.writes(A[0:channels, 0:pixels])
            for c, p, k in T.grid(channels, pixels, words):
                with T.sblock("update"):
                    vc, vp, vk = T.axis.remap("SSR", [c, p, k])
                    A[vc, vp] = A[vc, vp] + T.call_pure_extern(
                        "int32", "tvm_tiny_dot_s8x4", X[vk, 0, vp], X[vk, 1, vp], W[vk, vc], 0
                    )

    @T.prim_func(s_tir=True)
    def implementation(x: T.handle, w: T.handle, acc: T.handle) -> None:
        X = T.match_buffer(x, (words, 2, pixels), "int32", offset_factor=1)
        W = T.match_buffer(w, (words, channels), "int32", offset_factor=1)
        A = T.match_buffer(acc, (channels, pixels), "int32", offset_factor=1, scope="local")
        with T.sblock("root"):
            T.reads(A[0:channels, 0:pixels], X[0:words, 0:2, 0:pixels], W[0:words, 0:channels])
            T.writes(A[0:channels, 0:pixels])
            T.evaluate(T.call_extern("int32", function, A.access_ptr("rw"), X.access_ptr("r"), W.access_ptr("r"), words, unroll))

    return description, implementation


def _row(channels: int, words: int, unroll: int, function: str) -> tuple[tirx.PrimFunc, tirx.PrimFunc]:
    @T.prim_func(s_tir=True)
    def description(x: T.handle, w: T.handle, acc: T.handle) -> None:
        X = T.match_buffer(x, (words, 2), "int32", offset_factor=1)
        W = T.match_buffer(w, (words, channels), "int32", offset_factor=1)
        A = T.match_buffer(acc, (channels,), "int32", offset_factor=1, scope="local")
        with T.sblock("root"):
            T.reads(A[0:channels], X[0:words, 0:2], W[0:words, 0:channels])
            T.writes(A[0:channels])
            for c, k in T.grid(channels, words):
                with T.sblock("update"):
                    vc, vk = T.axis.remap("SR", [c, k])
                    A[vc] = A[vc] + T.call_pure_extern("int32", "tvm_tiny_dot_s8x4", X[vk, 0], X[vk, 1], W[vk, vc], 0)

    @T.prim_func(s_tir=True)
    def implementation(x: T.handle, w: T.handle, acc: T.handle) -> None:
        X = T.match_buffer(x, (words, 2), "int32", offset_factor=1)
        W = T.match_buffer(w, (words, channels), "int32", offset_factor=1)
        A = T.match_buffer(acc, (channels,), "int32", offset_factor=1, scope="local")
        with T.sblock("root"):
            T.reads(A[0:channels], X[0:words, 0:2], W[0:words, 0:channels])
            T.writes(A[0:channels])
            T.evaluate(T.call_extern("int32", function, A.access_ptr("rw"), X.access_ptr("r"), W.access_ptr("r"), words, unroll))

    return description, implementation


@cache
def dot_rows(rows: int, words: int, distance: int, pitch: int, unroll: int) -> str:
    """Name of the intrinsic ``tvm_tiny_dot_rows_4x2``: four neighbouring pixels and two channels over a window of ``rows`` rows.

    ``acc[channel, pixel] += sum of dot(x[row, pixel * distance + k, :], weight[row * words + k, channel])`` over ``words`` words of
    four values in each row; ``x`` has ``pitch`` words to a row.
    """
    name = f"tiny.dsp.dot_rows_{rows}x{words}_{distance}_{pitch}by{unroll}"
    span = 3 * distance + words

    @T.prim_func(s_tir=True)
    def description(x: T.handle, w: T.handle, acc: T.handle) -> None:
        X = T.match_buffer(x, (rows, span, 2), "int32", offset_factor=1, strides=[pitch * 2, 2, 1])
        W = T.match_buffer(w, (rows * words, 2), "int32", offset_factor=1)
        A = T.match_buffer(acc, (2, 4), "int32", offset_factor=1, scope="local")
        with T.sblock("root"):
            T.reads(A[0:2, 0:4], X[0:rows, 0:span, 0:2], W[0 : rows * words, 0:2])
            T.writes(A[0:2, 0:4])
            for c, p, r, k in T.grid(2, 4, rows, words):
                with T.sblock("update"):
                    vc, vp, vr, vk = T.axis.remap("SSRR", [c, p, r, k])
                    A[vc, vp] = A[vc, vp] + T.call_pure_extern(
                        "int32",
                        "tvm_tiny_dot_s8x4",
                        X[vr, vp * distance + vk, 0],
                        X[vr, vp * distance + vk, 1],
                        W[vr * words + vk, vc],
                        0,
                    )

    @T.prim_func(s_tir=True)
    def implementation(x: T.handle, w: T.handle, acc: T.handle) -> None:
        X = T.match_buffer(x, (rows, span, 2), "int32", offset_factor=1, strides=[pitch * 2, 2, 1])
        W = T.match_buffer(w, (rows * words, 2), "int32", offset_factor=1)
        A = T.match_buffer(acc, (2, 4), "int32", offset_factor=1, scope="local")
        with T.sblock("root"):
            T.reads(A[0:2, 0:4], X[0:rows, 0:span, 0:2], W[0 : rows * words, 0:2])
            T.writes(A[0:2, 0:4])
            T.evaluate(
                T.call_extern(
                    "int32",
                    "tvm_tiny_dot_rows_4x2",
                    A.access_ptr("rw"),
                    X.access_ptr("r"),
                    W.access_ptr("r"),
                    rows,
                    words,
                    pitch * 2,
                    distance * 2,
                    unroll,
                )
            )

    TensorIntrin.register(name, description, implementation, override=True)
    return name
