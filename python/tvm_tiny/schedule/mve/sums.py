"""Sums of products and what becomes of them, as blocks of a function and as intrinsics: the inner loops of convolutions and fully
connected layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from tvm import tirx

from tvm_tiny.schedule.mve.intrinsics import Intrinsic, Operand
from tvm_tiny.schedule.mve.requantization import Element, Form


def product(
    output: Element, inputs: Element, weight: Element, parameters: Element, channel: tuple[tirx.Expr, int, int], form: Form
) -> None:
    """The body of a block: ``output = requantised sum over k of inputs[first + k] * weight k of the channel``.

    ``channel`` is the channel within its group, the number of channels in the group, and the depth; ``weight`` and ``parameters``
    are at the group. Weights lie as :func:`packed` says, which the C function knows.
    """
    (x, (first,)), (w, group), (index, channels, depth) = inputs, weight, channel
    acc = tirx.call_pure_extern("int32", "TVM_TINY_MVE_DOT", x[first], w[(*group, 0)], index, channels, depth)
    form.store(output, acc, parameters, index, [x[first : first + depth], w[(*group, slice(0, channels * depth))]])


@cache
def product_tile(tile: tuple[int, int, int], pitch: int, depth: int, unroll: int, width: int, form: Form) -> str:
    """For two or more pixels, ``pitch`` apart, and groups of up to four channels; ``tile`` is (pixels, groups, channels).

    ``unroll`` is the number of vectors to one turn of the loop over the depth, and divides them. Outputs of a pixel lie ``width``
    behind those of the one before it.
    """
    pixels, groups, channels = tile
    numbers = (pixels, groups, pitch, depth, unroll, width, *form.scalars)
    return _tile(form.function(f"tvm_tiny_mve_dot_2x{channels}"), numbers, tile, pitch, depth, width, form)


@cache
def pipelined_product_tile(tile: tuple[int, int, int], pitch: int, depth: int, unroll: int, width: int, form: Form) -> str:
    """The same for groups of four channels, each with all pixels; ``unroll`` need not divide the vectors."""
    pixels, groups, _ = tile
    numbers = (pixels, groups, pitch, depth, unroll, width, *form.scalars)
    return _tile(form.function("tvm_tiny_mve_dot_pipelined"), numbers, tile, pitch, depth, width, form)


@cache
def small_product_tile(tile: tuple[int, int, int], pitch: int, depth: int, width: int, form: Form) -> str:
    """The same for one pixel or more, and four channels or one, in a function that all layers share."""
    return _tile("tvm_tiny_mve_dot_small", (*tile, pitch, depth, width, *form.numbers), tile, pitch, depth, width, form)


def _tile(
    function: str, numbers: tuple[int, ...], tile: tuple[int, int, int], pitch: int, depth: int, width: int, form: Form
) -> str:
    pixels, groups, channels = tile

    def compute(axes: Sequence[tirx.Expr], inputs: Sequence[tirx.Buffer], output: tirx.Buffer) -> None:
        pixel, group, channel = axes
        at = [pixel, group * channels + channel]
        weight, parameters = (inputs[1], (group,)), (inputs[2], (group,))
        product((output, at), (inputs[0], (pixel * pitch,)), weight, parameters, (channel, channels, depth), form)

    return Intrinsic(
        function,
        (
            Operand("x", ((pixels - 1) * pitch + depth,), "int8"),
            Operand("weight", (groups, channels * depth), "int8"),
            Operand("parameters", (groups, form.roles, channels), "int32"),
        ),
        Operand("output", (pixels, groups * channels), "int8", (width, 1)),
        numbers,
        tile,
        compute,
    ).register()


@cache
def product_row(groups: int, channels: int, depth: int, unroll: int, form: Form) -> str:
    """For one pixel and ``groups`` times up to eight channels."""

    def compute(axes: Sequence[tirx.Expr], inputs: Sequence[tirx.Buffer], output: tirx.Buffer) -> None:
        group, channel = axes
        weight, parameters = (inputs[1], (group,)), (inputs[2], (group,))
        first = tirx.const(0, "int32")
        product((output, [group * channels + channel]), (inputs[0], (first,)), weight, parameters, (channel, channels, depth), form)

    return Intrinsic(
        form.function(f"tvm_tiny_mve_dot_1x{channels}"),
        (
            Operand("x", (depth,), "int8"),
            Operand("weight", (groups, channels * depth), "int8"),
            Operand("parameters", (groups, form.roles, channels), "int32"),
        ),
        Operand("output", (groups * channels,), "int8"),
        (groups, depth, unroll, *form.scalars),
        (groups, channels),
        compute,
    ).register()
