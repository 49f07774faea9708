"""Pointwise convolution of eight inputs: they stay in registers, two pixels at a time, while the weights stream past them.

With so few inputs :mod:`.gemm` and :mod:`.blocks` spend as much on gathering, calls and loops as on products. Nothing is
gathered here, and no memory needed (runtime/dsp_shallow.h). The arithmetic is that of :mod:`.gemm`.
"""

from __future__ import annotations

import math

import numpy as np
from tvm.script.ir_builder import IRBuilder
from tvm.script.ir_builder import tirx as T

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.dsp import gemm
from tvm_tiny.schedule.dsp.folded import Folded, folded_form
from tvm_tiny.schedule.implementation import Implementation, Scheduled
from tvm_tiny.target import Core

_INPUTS = 8
_CHANNELS = 4
_SHIFT = 12

_AT_ONCE = 8
"""Pixels of a call: the more of them, the farther an output must keep from the input that it overlaps."""


def applies(node: Node, core: Core) -> bool:
    """1x1 with stride 1, eight inputs, channels by four, pixels by eight; a requantisation in two instructions; room for code."""
    if core.unroll == 1 or not gemm.applies(node, core):
        return False
    window, channels = gemm.window_of(node), node.output.shape[-1]
    if (window.depth, *window.kernel, *window.strides) != (_INPUTS, 1, 1, 1, 1) or window.padded:
        return False
    if window.pixels % _AT_ONCE or channels % _CHANNELS:
        return False
    return _folded(node) is not None and gemm.packed_weights(node, window, 1).signed


def _folded(node: Node) -> Folded | None:
    attrs = node.attrs
    if (attrs.low, attrs.high) != (-128, 127):
        return None
    scales = np.broadcast_to(node.constant(3), (node.output.shape[-1],))
    return folded_form(scales, attrs.rounding, attrs.zero_point, gemm.reach_of(node), gemm.FACTOR, (_SHIFT,))


def build(node: Node, _core: Core) -> Scheduled:
    """One call for every eight pixels."""
    form = _folded(node)
    assert form is not None
    window, channels = gemm.window_of(node), node.output.shape[-1]
    packed = gemm.packed_weights(node, window, 1)
    begin = packed.base.astype(np.int64) + form.addend
    first = (begin & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    numbers = [first[:, None], packed.words[:, :, 0], form.multiplier[:, None]]
    constants = {"stream": np.ascontiguousarray(np.concatenate(numbers, axis=1).astype(np.int32))}
    with IRBuilder() as builder, T.prim_func(s_tir=True):
        T.func_name("main")
        x = T.arg("x", T.buffer((math.prod(node.value(0).shape),), "int8"))
        stream = T.arg("stream", T.buffer(constants["stream"].shape, "int32"))
        output = T.arg("output", T.buffer((window.pixels, channels), "int8"))
        with T.sblock("root"), T.serial(0, window.pixels // _AT_ONCE) as group, T.sblock("output"):
            pixel = group * _AT_ONCE
            T.reads(x[pixel * _INPUTS : (pixel + _AT_ONCE) * _INPUTS], stream[0:channels, 0:4])
            T.writes(output[pixel : pixel + _AT_ONCE, 0:channels])
            pointers = x.access_ptr("r", offset=pixel * _INPUTS), stream.access_ptr("r")
            out = output.access_ptr("w", offset=pixel * channels)
            T.evaluate(T.call_extern("int32", "tvm_tiny_shallow", *pointers, out, _AT_ONCE, channels))
    return Scheduled(builder.get(), constants)


SHALLOW = Implementation("shallow", applies, build)
