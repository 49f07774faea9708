"""Depthwise 3x3 convolution on SMLAD, one channel after the other.

For each channel its inputs are gathered once into a plane of 16-bit lanes, padding included (:mod:`.depthwise_plane`), and one call
of a kernel computes all of its outputs with the filter in registers (:mod:`.depthwise_intrinsic`). Because a channel is read whole
before any of it is written, and only its own elements are written, the output may lie over the input.
"""

from __future__ import annotations

import numpy as np
from tvm import s_tir, te, tirx

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.dsp.depthwise_intrinsic import gathered, outputs, requantized, sums
from tvm_tiny.schedule.dsp.depthwise_plane import FACTOR, Axis, Plane
from tvm_tiny.schedule.dsp.requantization import Requantization, requantization_of
from tvm_tiny.schedule.implementation import Implementation, Scheduled
from tvm_tiny.schedule.requantize import HighWord, high_word_form
from tvm_tiny.target import Core

_SUM_LIMIT = 2**23
"""Sums below this fit int32 when they are taken 256 times."""

_REACH = 4096
"""Distances in a load or store are below this."""

_STEPS = 6
"""Outputs of one turn of a kernel's loop, at most."""


def plane_of(node: Node) -> Plane:
    """The plane of ``node``, whose stride is 1 or 2."""
    attrs = node.attrs
    _, height, width, _ = node.value(0).shape
    _, rows, columns, channels = node.output.shape
    top, left, _, _ = attrs.padding
    vertical = Axis(height, rows, top, columns * channels)
    horizontal = Axis(width, columns, left, channels)
    # The longer axis is run along, where the kernel can step so far.
    transposed = rows > columns and _STEPS * vertical.step < _REACH
    across, along = (horizontal, vertical) if transposed else (vertical, horizontal)
    return Plane(attrs.strides[0], across, along, transposed, attrs.pad_value)


def applies(node: Node, _core: Core) -> bool:
    """3x3 with stride 1 and a padding of one all around, or with stride 2 and any padding; int8 weights; sums that fit."""
    if node.op.name != "depthwise_conv2d" or node.constant(1).dtype != np.int8:
        return False
    attrs, kernel = node.attrs, node.constant(1).shape[:2]
    if kernel != (3, 3) or attrs.dilation != (1, 1) or attrs.strides not in ((1, 1), (2, 2)):
        return False
    if attrs.strides == (1, 1) and attrs.padding != (1, 1, 1, 1):
        return False
    plane = plane_of(node)
    if min(plane.across.positions, plane.along.positions) < 2:
        return False
    # The kernel reaches the outputs of a turn of its loop and, in the plane, up to two rows ahead.
    if _STEPS * plane.along.step >= _REACH or 8 * plane.shape[1] >= _REACH:
        return False
    low, high = reach_of(node)
    return int(low.min()) > -_SUM_LIMIT and int(high.max()) < _SUM_LIMIT


def reach_of(node: Node) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest sum of each channel, bias included: exact if a pass has noted it, else for any int8 input."""
    if node.accumulator is not None:
        return node.accumulator
    weight = node.constant(1).astype(np.int64)
    bias = node.constant(2).astype(np.int64)
    low = bias + np.where(weight > 0, weight * -128, weight * 127).sum(axis=(0, 1))
    high = bias + np.where(weight > 0, weight * 127, weight * -128).sum(axis=(0, 1))
    return low, high


def build(node: Node, _core: Core) -> Scheduled:
    """The kernel requantises where one form serves all channels; otherwise it leaves the sums to a loop that does."""
    plane = plane_of(node)
    weight = node.constant(1)  # (kh, kw, channels)
    by_tap = weight.transpose((2, 0, 1) if plane.transposed else (2, 1, 0)).reshape(weight.shape[2], 9)
    constants = {
        "weight": np.ascontiguousarray(by_tap[:, plane.taps]),
        "base": (FACTOR * node.constant(2).astype(np.int64)).astype(np.int32),
    }
    form = _kernel_form(node)
    if form is not None:
        constants |= {"multiplier": form.multiplier, "offset": form.offset}
        return Scheduled(_fused(node, plane, constants, int(form.shift[0])), constants)
    requantize = requantization_of(node, reach_of(node), FACTOR)
    constants |= requantize.constants
    return Scheduled(_in_two_steps(node, plane, constants, requantize), constants)


def _kernel_form(node: Node) -> HighWord | None:
    """The requantisation if the kernel can do it: one shift for all channels, no correction for negative sums, limits of int8."""
    attrs = node.attrs
    if (attrs.low, attrs.high) != (-128, 127):
        return None
    scales = np.broadcast_to(node.constant(3), (node.output.shape[3],))
    form = high_word_form(scales, attrs.rounding, attrs.zero_point, -128, 127, reach_of(node), FACTOR)
    return form if form is not None and form.unit is None and form.common_shift is not None else None


class _Tensors:
    """What the two forms of the layer share: input, constants and planes, and the sum of an output element."""

    def __init__(self, node: Node, plane: Plane, constants: dict[str, np.ndarray]) -> None:
        x_value, channels = node.value(0), node.output.shape[3]
        multiplicity = channels // x_value.shape[3]
        self.x = te.placeholder(x_value.shape, "int8", "x")
        self.constants = {role: te.placeholder(data.shape, str(data.dtype), role) for role, data in constants.items()}
        self.words = te.compute(
            (x_value.shape[0], channels, *plane.shape),
            lambda n, c, k, m: plane.word(lambda y, z: self.x[n, y, z, c // multiplicity], k, m),
            "plane",
        )
        self.plane = plane

    def total(self, n: tirx.Expr, c: tirx.Expr, a: tirx.Expr, b: tirx.Expr) -> tirx.Expr:
        weight, base = self.constants["weight"], self.constants["base"]
        return self.plane.total(lambda k, m: self.words[n, c, k, m], lambda tap: weight[c, tap], base[c], a, b)

    def schedule(self, output: te.Tensor) -> s_tir.Schedule:
        return s_tir.Schedule(te.create_prim_func([self.x, *self.constants.values(), output]))


def _fused(node: Node, plane: Plane, constants: dict[str, np.ndarray], shift: int) -> tirx.PrimFunc:
    tensors = _Tensors(node, plane, constants)
    multiplier, offset = tensors.constants["multiplier"], tensors.constants["offset"]

    def output(n: tirx.Var, h: tirx.Var, w: tirx.Var, c: tirx.Var) -> tirx.Expr:
        return requantized(tensors.total(n, c, *plane.position(h, w)), multiplier[c], offset[c], shift)

    sch = tensors.schedule(te.compute(node.output.shape, output, "output"))
    channel = _by_channel(sch, plane)
    _gather(sch, node, plane, channel)
    sch.tensorize(sch.get_loops(sch.get_sblock("output"))[2], outputs(plane, shift))
    return sch.mod["main"]


def _in_two_steps(node: Node, plane: Plane, constants: dict[str, np.ndarray], requantize: Requantization) -> tirx.PrimFunc:
    tensors = _Tensors(node, plane, constants)
    images, _, _, channels = node.output.shape
    acc = te.compute((images, channels, plane.across.positions, plane.along.positions), tensors.total, "acc")

    def output(n: tirx.Var, h: tirx.Var, w: tirx.Var, c: tirx.Var) -> tirx.Expr:
        return requantize.apply(acc[(n, c, *plane.position(h, w))], c, tensors.constants)

    sch = tensors.schedule(te.compute(node.output.shape, output, "output"))
    channel = _by_channel(sch, plane)
    sch.compute_at(sch.get_sblock("acc"), channel)
    _gather(sch, node, plane, channel)
    sch.tensorize(sch.get_loops(sch.get_sblock("acc"))[2], sums(plane))
    return sch.mod["main"]


def _by_channel(sch: s_tir.Schedule, plane: Plane) -> s_tir.schedule.LoopRV:
    """Put the loop over channels outside those over positions, and return it."""
    image, row, column, channel = sch.get_loops(sch.get_sblock("output"))
    sch.reorder(image, channel, *plane.position(row, column))
    return channel


def _gather(sch: s_tir.Schedule, node: Node, plane: Plane, channel: s_tir.schedule.LoopRV) -> None:
    """Fill the plane of a channel before its outputs are computed."""
    _, height, width, channels = node.value(0).shape
    multiplicity = node.output.shape[3] // channels
    words = sch.get_sblock("plane")
    sch.compute_at(words, channel)

    def region(n: tirx.Var, c: tirx.Var, *_at: tirx.Var) -> list[tuple[tirx.Expr, tirx.Expr]]:
        return [(n, n + 1), (0, height), (0, width), (c // multiplicity, c // multiplicity + 1)]

    # TVM counts what a word would read where the padding is: told that it reads the image only, it can match the intrinsic.
    sch.annotate_buffer_access(words, 0, "read", region)
    sch.tensorize(sch.get_loops(words)[2], gathered(plane))


DEPTHWISE = Implementation("depthwise 3x3", applies, build)
