"""Sums of products, as blocks of a function and as intrinsics: the inner loops of convolutions and fully connected layers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from tvm import tirx
from tvm.script.ir_builder import tirx as T

from tvm_tiny.schedule.mve.intrinsics import VECTOR, Intrinsic, Operand


def position(k: tirx.Expr, channel: tirx.Expr, channels: int, depth: int) -> tirx.Expr:
    """Where weight ``k`` of a channel lies among those of ``channels`` channels.

    For every sixteen inputs, sixteen weights of each channel; behind them what remains of the depth, channel after channel.
    """
    if depth <= VECTOR:
        return channel * depth + k
    first = k // VECTOR * VECTOR
    width = tirx.min(VECTOR, depth - first) if depth % VECTOR else VECTOR
    return first * channels + channel * width + k % VECTOR


def sum_of_products(
    acc: tuple[tirx.Buffer, Sequence[tirx.Expr]],
    inputs: tuple[tirx.Buffer, tirx.Expr],
    weight: tuple[tirx.Buffer, Sequence[tirx.Expr]],
    channel: tirx.Expr,
    channels: int,
    depth: int,
) -> None:
    """The body of a block: ``acc[at] = sum over k of inputs[first + k] * weight[(*row, position(k, channel))]``."""
    (sums, at), (x, first), (w, row) = acc, inputs, weight
    T.reads(x[first : first + depth], w[(*row, slice(0, channels * depth))])
    T.writes(sums[tuple(at)])
    T.buffer_store(sums, tirx.const(0, "int32"), list(at))
    with T.serial(0, depth) as k:
        factor = w[(*row, position(k, channel, channels, depth))].astype("int32")
        T.buffer_store(sums, sums[tuple(at)] + x[first + k].astype("int32") * factor, list(at))


@cache
def product_tile(pixels: int, channels: int, pitch: int, depth: int, unroll: int) -> str:
    """For two or more pixels, ``pitch`` apart, and up to four channels: ``acc[pixel, channel]``, a sum over ``depth`` inputs.

    ``unroll`` is the number of vectors to one turn of the loop over the depth, and divides them.
    """

    def compute(axes: Sequence[tirx.Expr], inputs: Sequence[tirx.Buffer], output: tirx.Buffer) -> None:
        pixel, channel = axes
        sum_of_products((output, axes), (inputs[0], pixel * pitch), (inputs[1], ()), channel, channels, depth)

    return Intrinsic(
        f"tvm_tiny_mve_dot_2x{channels}",
        (Operand("x", ((pixels - 1) * pitch + depth,), "int8"), Operand("weight", (channels * depth,), "int8")),
        Operand("acc", (pixels, channels), "int32"),
        (pixels, pitch, depth, unroll),
        (pixels, channels),
        compute,
    ).register()


@cache
def product_row(groups: int, channels: int, depth: int, unroll: int) -> str:
    """For one pixel and ``groups`` times up to eight channels: ``acc[group * channels + channel]``."""

    def compute(axes: Sequence[tirx.Expr], inputs: Sequence[tirx.Buffer], output: tirx.Buffer) -> None:
        group, channel = axes
        at = [group * channels + channel]
        sum_of_products((output, at), (inputs[0], tirx.const(0, "int32")), (inputs[1], (group,)), channel, channels, depth)

    return Intrinsic(
        f"tvm_tiny_mve_dot_1x{channels}",
        (Operand("x", (depth,), "int8"), Operand("weight", (groups, channels * depth), "int8")),
        Operand("acc", (groups * channels,), "int32"),
        (groups, depth, unroll),
        (groups, channels),
        compute,
    ).register()
