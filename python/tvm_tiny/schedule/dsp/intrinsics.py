"""Tensor intrinsics of the DSP extension: what each computes, beside the C function that computes it (runtime/dsp.h)."""

from __future__ import annotations

from functools import cache

from tvm import tirx
from tvm.s_tir import TensorIntrin
from tvm.script import tirx as T

_DOT = {True: "tvm_tiny_dot_s8x4", False: "tvm_tiny_dot_u8x4"}
"""One word of weights: the odd ones as they are, or plus 128."""


@cache
def dot(words: int, unroll: int, signed: bool) -> str:
    """Name of the intrinsic ``tvm_tiny_dot_3x2`` for ``words`` words of four values, ``unroll`` of them to one turn of its loop.

    It computes ``acc[channel, pixel] += sum of dot(columns[k, :, pixel], weight[k, channel])``; ``columns`` holds for every
    word the even lanes of all pixels, then the odd ones; ``acc`` is local. Where ``unroll`` is 1, the C function is one that all
    layers share.
    """
    product, is_signed = _DOT[signed], int(signed)
    shared = unroll == 1  # little code: one copy for all layers
    function = f"tvm_tiny_dot_3x2_{'s8' if signed else 'u8'}" if shared else "tvm_tiny_dot_3x2"
    numbers = (words,) if shared else (words, unroll, is_signed)

    @T.prim_func(s_tir=True)
    def description(x: T.handle, w: T.handle, acc: T.handle) -> None:
        X = T.match_buffer(x, (words, 2, 3), "int32", offset_factor=1)
        W = T.match_buffer(w, (words, 2), "int32", offset_factor=1)
        A = T.match_buffer(acc, (2, 3), "int32", offset_factor=1, scope="local")
        with T.sblock("root"):
            T.reads(A[0:2, 0:3], X[0:words, 0:2, 0:3], W[0:words, 0:2])
            T.writes(A[0:2, 0:3])
            for c, p, k in T.grid(2, 3, words):
                with T.sblock("update"):
                    vc, vp, vk = T.axis.remap("SSR", [c, p, k])
                    A[vc, vp] = A[vc, vp] + T.call_pure_extern("int32", product, X[vk, 0, vp], X[vk, 1, vp], W[vk, vc], 0)

    @T.prim_func(s_tir=True)
    def implementation(x: T.handle, w: T.handle, acc: T.handle) -> None:
        X = T.match_buffer(x, (words, 2, 3), "int32", offset_factor=1)
        W = T.match_buffer(w, (words, 2), "int32", offset_factor=1)
        A = T.match_buffer(acc, (2, 3), "int32", offset_factor=1, scope="local")
        with T.sblock("root"):
            T.reads(A[0:2, 0:3], X[0:words, 0:2, 0:3], W[0:words, 0:2])
            T.writes(A[0:2, 0:3])
            T.evaluate(T.call_extern("int32", function, A.access_ptr("rw"), X.access_ptr("r"), W.access_ptr("r"), *numbers))

    return registered(f"dot_3x2x{words}by{unroll}_{is_signed}", description, implementation)


@cache
def dot_rows(rows: int, words: int, distance: int, pitch: int, unroll: int, signed: bool) -> str:
    """Name of the intrinsic ``tvm_tiny_dot_rows_4x2``: four neighbouring pixels and two channels over a window of ``rows`` rows.

    ``acc[channel, pixel] += sum of dot(x[row, pixel * distance + k, :], weight[row * words + k, channel])`` over ``words`` words of
    four values in each row; ``x`` has ``pitch`` words to a row.
    """
    product, is_signed = _DOT[signed], int(signed)
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
                        product,
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
                    is_signed,
                )
            )

    return registered(f"dot_rows_{rows}x{words}_{distance}_{pitch}by{unroll}_{is_signed}", description, implementation)


@cache
def dense(blocks: int, channels: int, words: int, signed: bool) -> str:
    """Name of the intrinsic ``tvm_tiny_dense_<s or u>8x<channels>``: ``blocks`` of channels of one pixel, ``words`` words deep.

    ``acc[channel] += sum of dot(x[4 * k : 4 * k + 4], w[channel // channels, k, channel % channels])``; ``x`` is int8 as it lies
    in memory; ``acc`` is local. The function itself starts from ``s``.
    """
    product, function = _DOT[signed], f"tvm_tiny_dense_{'s' if signed else 'u'}8x{channels}"
    count = blocks * channels
    sizes = (words, blocks) if channels == 8 else (words,)

    @T.prim_func(s_tir=True)
    def description(x: T.handle, w: T.handle, s: T.handle, acc: T.handle) -> None:
        X = T.match_buffer(x, (4 * words,), "int8", offset_factor=1)
        W = T.match_buffer(w, (blocks, words, channels), "int32", offset_factor=1)
        S = T.match_buffer(s, (count,), "int32", offset_factor=1)
        A = T.match_buffer(acc, (count,), "int32", offset_factor=1, scope="local")
        with T.sblock("root"):
            T.reads(A[0:count], S[0:count], X[0 : 4 * words], W[0:blocks, 0:words, 0:channels])
            T.writes(A[0:count])
            for c, k in T.grid(count, words):
                with T.sblock("update"):
                    vc, vk = T.axis.remap("SR", [c, k])
                    T.reads(A[vc], S[vc], X[vk * 4 : vk * 4 + 4], W[vc // channels, vk, vc % channels])
                    T.writes(A[vc])
                    A[vc] = A[vc] + dense_product(product, [X[vk * 4 + i] for i in range(4)], W[vc // channels, vk, vc % channels])

    @T.prim_func(s_tir=True)
    def implementation(x: T.handle, w: T.handle, s: T.handle, acc: T.handle) -> None:
        X = T.match_buffer(x, (4 * words,), "int8", offset_factor=1)
        W = T.match_buffer(w, (blocks, words, channels), "int32", offset_factor=1)
        S = T.match_buffer(s, (count,), "int32", offset_factor=1)
        A = T.match_buffer(acc, (count,), "int32", offset_factor=1, scope="local")
        with T.sblock("root"):
            T.reads(A[0:count], S[0:count], X[0 : 4 * words], W[0:blocks, 0:words, 0:channels])
            T.writes(A[0:count])
            T.evaluate(
                T.call_extern("int32", function, A.access_ptr("w"), X.access_ptr("r"), W.access_ptr("r"), S.access_ptr("r"), *sizes)
            )

    return registered(f"{function}x{blocks}x{words}", description, implementation)


def dense_product(product: str, inputs: list[tirx.Expr], weights: tirx.Expr) -> tirx.Expr:
    """A word of weights against four int8 values."""
    word = tirx.call_pure_extern("uint32", "tvm_tiny_pack_s8x4", *(each.astype("int32") for each in inputs))
    lanes = [tirx.call_pure_extern("int32", f"tvm_tiny_{which}_lanes", word) for which in ("even", "odd")]
    return tirx.call_pure_extern("int32", product, *lanes, weights, tirx.const(0, "int32"))


def dot_function(signed: bool) -> str:
    """The C function of one word of weights."""
    return _DOT[signed]


def registered(kind: str, description: tirx.PrimFunc, implementation: tirx.PrimFunc) -> str:
    """Tell TVM of an intrinsic; returns its name."""
    name = f"tiny.dsp.{kind}"
    TensorIntrin.register(name, description, implementation, override=True)
    return name
