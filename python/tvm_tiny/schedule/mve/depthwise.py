"""Depthwise convolution on MVE: a window of one channel is one vector.

A line buffer holds the rows under a row of outputs by planes, one for each channel; within a plane the rows of a column lie side by
side, so that a window is a run of neighbours, and VMLADAV adds up its products with the filter. Two pixels of four channels are
computed at a time. Each row of the image is brought into the buffer once, in the place of one that is done with; which tap a place
stands for then changes from row to row, and "rotation" says it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from tvm import s_tir, tirx
from tvm.script.ir_builder import IRBuilder
from tvm.script.ir_builder import tirx as T

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.implementation import Choices, Implementation, Knob, Scheduled
from tvm_tiny.schedule.mve.columns import image_rows
from tvm_tiny.schedule.mve.intrinsics import VECTOR, Intrinsic, Operand, argument, block, scratch, tensorize
from tvm_tiny.schedule.mve.requantization import Element, Form, Requantization, requantization_of
from tvm_tiny.schedule.mve.tiling import Run, channel_runs, is_small
from tvm_tiny.schedule.scalar import ANY
from tvm_tiny.target import Core

_CHANNELS = 4
_MOST_STEP = 127  # of an address that a load writes back
_FILLS = {
    (False, False): "tvm_tiny_mve_planes",
    (False, True): "tvm_tiny_mve_planes_turned",
    (True, False): "tvm_tiny_mve_planes_small",
}
_MOST_PLANE = 0xFFFF // 15  # distances between sixteen planes are 16-bit


@dataclass(frozen=True)
class Planes:
    """The line buffer of a depthwise node, and the windows over it.

    Attributes
    ----------
    image : tuple of int
        n, height, width, channels.
    turned : bool
        Whether the image's columns are taken for its rows, and so on: everything else is told as if they were.
    pixels : int
        Outputs in a row of them.
    columns, copied, left : int
        Columns of a plane, how many of them come from the image, and from where on.
    reused : bool
        Rows of the image stay in the buffer from one row of outputs to the next.
    """

    image: tuple[int, int, int, int]
    rows: int
    pixels: int
    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilation: int
    top: int
    left: int
    columns: int
    copied: int
    pad_value: int
    turned: bool

    @property
    def width(self) -> int:
        """Bytes from the outputs of a pixel to those of the next in its row."""
        return self.image[3] * (self.rows if self.turned else 1)

    @property
    def taps(self) -> int:
        return self.kernel[0] * self.kernel[1]

    @property
    def pitch(self) -> int:
        """Columns from one plane to the next: padding behind the one is padding in front of the other, where there is both."""
        return self.columns - min(self.left, self.columns - self.left - self.copied)

    @property
    def plane(self) -> int:
        """Bytes from one plane to the next."""
        return self.pitch * self.kernel[0]

    @property
    def step(self) -> int:
        """Bytes from the window of a pixel to that of the next."""
        return self.strides[1] * self.kernel[0]

    @property
    def size(self) -> int:
        """Bytes of all planes; the last window is loaded as a whole vector."""
        return self.image[3] * self.plane + self.left * self.kernel[0] + max(0, VECTOR - self.taps)

    @property
    def reused(self) -> bool:
        return self.dilation == 1 and self.strides[0] < self.kernel[0]

    @property
    def reaches_below(self) -> bool:
        """Whether the last row of outputs sees rows below the image."""
        return (self.rows - 1) * self.strides[0] - self.top + (self.kernel[0] - 1) * self.dilation >= self.image[1]

    def rotations(self) -> np.ndarray:
        """For each phase of the rows of outputs, the tap that each place in a window stands for; uint8."""
        kernel_h, kernel_w = self.kernel
        phases = kernel_h if self.reused else 1
        place = np.arange(kernel_h)
        taps = [(np.arange(kernel_w)[:, None] * kernel_h + (place - phase) % kernel_h).ravel() for phase in range(phases)]
        return np.stack(taps).astype(np.uint8)


def planes_of(node: Node, turned: bool = False) -> Planes:
    """The line buffer of a depthwise_conv2d node."""
    attrs = node.attrs
    n, height, width, channels = node.value(0).shape
    kernel_h, kernel_w, _ = node.constant(1).shape
    _, rows, pixels, _ = node.output.shape
    extents, kernel, outputs, before = (height, width), (kernel_h, kernel_w), (rows, pixels), (attrs.padding[0], attrs.padding[1])
    strides, dilation = attrs.strides, attrs.dilation
    if turned:
        extents, kernel, outputs, before = _swapped(extents), _swapped(kernel), _swapped(outputs), _swapped(before)
        strides, dilation = _swapped(strides), _swapped(dilation)
    columns = (outputs[1] - 1) * strides[1] + kernel[1]
    return Planes(
        image=(n, *extents, channels),
        rows=outputs[0],
        pixels=outputs[1],
        kernel=kernel,
        strides=strides,
        dilation=dilation[0],
        top=before[0],
        left=before[1],
        columns=columns,
        copied=min(extents[1], columns - before[1]),
        pad_value=attrs.pad_value,
        turned=turned,
    )


def _swapped(pair: tuple[int, int]) -> tuple[int, int]:
    return pair[1], pair[0]


def applies(node: Node, _core: Core) -> bool:
    """int8 weights, one output for each input channel, windows of up to sixteen taps without gaps between their columns."""
    if node.op.name != "depthwise_conv2d" or node.constant(1).dtype != np.int8:
        return False
    return node.output.shape[3] == node.value(0).shape[3] and _fits(node, planes_of(node))


def _fits(node: Node, planes: Planes) -> bool:
    return (
        planes.pixels > 1
        and planes.copied > 0
        and planes.taps <= VECTOR
        and (node.attrs.dilation[0 if planes.turned else 1] == 1 or planes.kernel[1] == 1)
        and planes.step <= _MOST_STEP
        and planes.plane <= _MOST_PLANE
    )


def knobs(node: Node, core: Core) -> tuple[Knob, ...]:
    """How an image is gone through.

    - "turned": column after column instead of row after row. A call computes a row of outputs of four channels, so that it pays
      where columns are longer than rows; the line buffer grows alike.
    """
    _, rows, pixels, _ = node.output.shape
    turned = not is_small(core) and rows > pixels and _fits(node, planes_of(node, turned=True))
    return (Knob("turned", (0, 1)),) if turned else ()


def build(node: Node, core: Core, choices: Choices) -> Scheduled:
    """Bring rows into the line buffer, multiply, requantise: one row of outputs after the other."""
    planes, requantize = planes_of(node, bool(choices.get("turned", 0))), requantization_of(node)
    if requantize is None:
        return ANY.build(node, core)
    small = is_small(core)
    channels = [Run(0, planes.image[3], 1)] if small else channel_runs(planes.image[3], _CHANNELS)
    weight = node.constant(1).transpose((2, 0, 1) if planes.turned else (2, 1, 0)).reshape(planes.image[3], planes.taps)
    constants = {"rotation": planes.rotations()}
    for run, rest in zip(channels, ("", "_rest"), strict=False):
        chosen = weight[run.first : run.first + run.blocks * run.size]
        constants[f"weight{rest}"] = np.ascontiguousarray(chosen.reshape(run.blocks, -1))
        constants[f"parameters{rest}"] = requantize.grouped(run.first, run.blocks, run.size)
    sch = s_tir.Schedule(_function(planes, requantize, channels, constants, small))
    for index, run in enumerate(channels):
        if small:
            tensorize(sch, "output_0", 1 + int(run.blocks > 1), small_windows(planes, requantize.form))
        else:
            tensorize(sch, f"output_{index}", 1 + int(run.size > 1), windows(run.size, planes, requantize.form))
    return Scheduled(sch.mod["main"], constants)


def _function(
    planes: Planes, requantize: Requantization, channels: list[Run], constants: dict[str, np.ndarray], small: bool
) -> tirx.PrimFunc:
    """What is computed, in loops over rows of outputs; "output_<i>" is the block of the i-th run of channels."""
    n, height, width, channels_ = planes.image
    total = n * planes.rows
    # Images of rows, whichever way they are gone through.
    shape = (n * width, height * channels_) if planes.turned else (n * height * width * channels_,)
    outputs = (n * planes.pixels, planes.width) if planes.turned else (total * planes.pixels, channels_)
    with IRBuilder() as builder, T.prim_func(s_tir=True):
        T.func_name("main")
        x = argument("x", shape, "int8")
        at = {role: argument(role, data.shape, str(data.dtype)) for role, data in constants.items()}
        output = argument("output", outputs, "int8")
        with T.sblock("root"), T.serial(0, total) as row:
            buffer = _planes_block(planes, x, (total, row), small)
            for index, (run, rest) in enumerate(zip(channels, ("", "_rest"), strict=False)):
                with block(f"output_{index}", (run.blocks, planes.pixels, run.size), ((total, row),)) as (vr, vq, vp, vc):
                    first = (run.first + vq * run.size + vc) * planes.plane + vp * planes.step
                    phase = vr % planes.rows * planes.strides[0] % len(constants["rotation"])
                    channel = run.first + vq * run.size + vc
                    place = [vr * planes.pixels + vp, channel]
                    if planes.turned:
                        place = [vr // planes.rows * planes.pixels + vp, vr % planes.rows * channels_ + channel]
                    weight, parameters = (at[f"weight{rest}"], (vq,)), (at[f"parameters{rest}"], (vq,))
                    rotation = (at["rotation"], (phase,))
                    _window((output, place), (buffer, (first,)), weight, rotation, parameters, (vc, planes.taps), requantize.form)
    return builder.get()


def _planes_block(planes: Planes, x: tirx.Buffer, rows_of: tuple[int, tirx.Var], small: bool) -> tirx.Buffer:
    """Emit the block "planes": the rows that a row of outputs needs and that are not in the buffer yet."""
    _, height, width, channels = planes.image
    kernel, stride = planes.kernel[0], planes.strides[0]
    buffer = scratch("planes", (planes.size,), "int8")
    with T.sblock("planes"):
        vr = T.axis.spatial(*rows_of)
        image, line = vr // planes.rows, vr % planes.rows
        begin = line == 0
        first, rows, place = line * stride - planes.top, tirx.const(kernel, "int32"), tirx.const(0, "int32")
        if planes.reused:
            fresh = tirx.const(kernel - stride, "int32")
            first = first + tirx.Select(begin, tirx.const(0, "int32"), fresh)
            rows = tirx.Select(begin, rows, tirx.const(stride, "int32"))
            place = tirx.Select(begin, place, (line * stride + fresh) % kernel)
        last = first + (rows - 1) * planes.dilation
        start = image * (height * width * channels)
        if planes.turned:
            low, high = tirx.max(first, 0), tirx.min(last + 1, height)
            T.reads(x[image * width : (image + 1) * width, low * channels : tirx.max(high, low) * channels])
        else:
            T.reads(image_rows(x, start, first, last, (height, width * channels)))
        T.writes(buffer[0 : planes.size])
        T.evaluate(
            T.call_extern(
                "int32",
                _FILLS[small, planes.turned],
                buffer.access_ptr("w"),
                x.access_ptr("r", offset=start),
                first,
                rows,
                place,
                begin.astype("int32"),
                height,
                width,
                channels,
                kernel,
                planes.dilation,
                planes.left,
                planes.pitch,
                planes.copied,
                planes.pad_value,
                int(planes.reaches_below),
            )
        )
    return buffer


def _window(
    output: Element,
    inputs: Element,
    weight: Element,
    rotation: Element,
    parameters: Element,
    channel: tuple[tirx.Expr, int],
    form: Form,
) -> None:
    """The body of a block: ``output = requantised sum over tap of inputs[first + tap] * weight[channel * taps + rotation[tap]]``.

    ``channel`` is the channel within its group, and the number of taps; ``weight`` and ``parameters`` are at the group. A vector is
    read in any case.
    """
    (x, (first,)), (w, group), (turned, phase), (index, taps) = inputs, weight, rotation, channel
    places = x[first], w[(*group, index * taps)], turned[(*phase, 0)]
    acc = tirx.call_pure_extern("int32", "TVM_TINY_MVE_WINDOW_SUM", *places, taps)
    filters = w[(*group, slice(index * taps, index * taps + taps))]
    form.store(output, acc, parameters, index, [x[first : first + VECTOR], filters, turned[(*phase, slice(0, taps))]])


@cache
def windows(channels: int, planes: Planes, form: Form) -> str:
    """The intrinsic for a row of outputs of up to four channels."""

    def compute(axes: Sequence[tirx.Expr], inputs: Sequence[tirx.Buffer], output: tirx.Buffer) -> None:
        pixel, channel = axes
        first = channel * planes.plane + pixel * planes.step
        weight, rotation, parameters = ((each, ()) for each in inputs[1:])
        _window((output, axes), (inputs[0], (first,)), weight, rotation, parameters, (channel, planes.taps), form)

    reach = (channels - 1) * planes.plane + (planes.pixels - 1) * planes.step + VECTOR
    width = planes.width
    return Intrinsic(
        form.function(f"tvm_tiny_mve_depthwise_2x{channels}"),
        (
            Operand("x", (reach,), "int8"),
            Operand("weight", (channels * planes.taps,), "int8"),
            Operand("rotation", (planes.taps,), "uint8"),
            Operand("parameters", (form.roles, channels), "int32"),
        ),
        Operand("output", (planes.pixels, channels), "int8", (width, 1)),
        (planes.pixels, planes.step, planes.plane, planes.taps, width, *form.scalars),
        (planes.pixels, channels),
        compute,
    ).register()


@cache
def small_windows(planes: Planes, form: Form) -> str:
    """The intrinsic for a row of outputs of all channels, in a function that all layers share."""
    width, taps = planes.image[3], planes.taps

    def compute(axes: Sequence[tirx.Expr], inputs: Sequence[tirx.Buffer], output: tirx.Buffer) -> None:
        channel, pixel = axes
        first = channel * planes.plane + pixel * planes.step
        weight, parameters = (inputs[1], (channel,)), (inputs[3], (channel,))
        one = tirx.const(0, "int32")
        _window((output, (pixel, channel)), (inputs[0], (first,)), weight, (inputs[2], ()), parameters, (one, taps), form)

    return Intrinsic(
        "tvm_tiny_mve_depthwise_small",
        (
            Operand("x", (planes.size,), "int8"),
            Operand("weight", (width, taps), "int8"),
            Operand("rotation", (taps,), "uint8"),
            Operand("parameters", (width, form.roles, 1), "int32"),
        ),
        Operand("output", (planes.pixels, width), "int8"),
        (planes.pixels, width, planes.step, planes.plane, taps, width, *form.numbers),
        (width, planes.pixels),
        compute,
    ).register()


MVE_DEPTHWISE = Implementation("mve depthwise", applies, build, knobs)
