"""Fully connected layers of one or two rows whose kernel computes all outputs of a row: 8 channels at a time.

As :mod:`.dense`, whose arithmetic it shares; but the sums become outputs before they leave the registers, and one call goes through
all channels (runtime/dsp_dense_blocks.h).
"""

from __future__ import annotations

import math

import numpy as np
from tvm.script.ir_builder import IRBuilder
from tvm.script.ir_builder import tirx as T

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.dsp import dense, gemm
from tvm_tiny.schedule.dsp.loads import ORDERS, load_orders
from tvm_tiny.schedule.implementation import Choices, Implementation, Knob, Scheduled
from tvm_tiny.schedule.requantize import HighWord, high_word_form
from tvm_tiny.target import Core

_CHANNELS = 8


def applies(node: Node, core: Core) -> bool:
    """Whole words of inputs side by side, channels by 8, and a requantisation that is proven exact; code may take some room."""
    if core.unroll == 1 or not dense.applies(node, core) or node.output.shape[-1] % _CHANNELS != 0:
        return False
    window = gemm.window_of(node)
    if window.depth % 4 != 0 or window.kernel != (1, 1) or window.padded or (window.pixels > 1 and window.strides != (1, 1)):
        return False
    if (node.attrs.low, node.attrs.high) != (-128, 127) or _requantization(node) is None:
        return False
    return gemm.packed_weights(node, window, _CHANNELS).signed


def knobs(_node: Node, core: Core) -> tuple[Knob, ...]:
    """``loads``: their order, as an index into :data:`tvm_tiny.schedule.dsp.loads.ORDERS`."""
    return (Knob("loads", load_orders(core)),)


def _requantization(node: Node) -> HighWord | None:
    attrs = node.attrs
    scales = np.broadcast_to(node.constant(3), (node.output.shape[-1],))
    return high_word_form(scales, attrs.rounding, attrs.zero_point, attrs.low, attrs.high, gemm.reach_of(node), gemm.FACTOR)


def build(node: Node, _core: Core, choices: Choices) -> Scheduled:
    """One call for each row."""
    form = _requantization(node)
    assert form is not None
    window, channels = gemm.window_of(node), node.output.shape[-1]
    packed = gemm.packed_weights(node, window, _CHANNELS)
    blocks = len(packed.words)
    unit = np.zeros(channels, np.int32) if form.unit is None else form.unit
    numbers = np.stack([form.multiplier, form.offset, unit, form.shift], axis=1)
    parts = [packed.base.reshape(blocks, _CHANNELS), packed.words.reshape(blocks, -1), numbers.reshape(blocks, -1)]
    constants = {"stream": np.ascontiguousarray(np.concatenate(parts, axis=1).astype(np.int32))}
    with IRBuilder() as builder, T.prim_func(s_tir=True):
        T.func_name("main")
        x = T.arg("x", T.buffer((math.prod(node.value(0).shape),), "int8"))
        stream = T.arg("stream", T.buffer(constants["stream"].shape, "int32"))
        output = T.arg("output", T.buffer((window.pixels, channels), "int8"))
        with T.sblock("root"), T.serial(0, window.pixels) as pixel, T.sblock("output"):
            first = pixel * window.depth
            T.reads(x[first : first + window.depth], stream[0 : stream.shape[0], 0 : stream.shape[1]])
            T.writes(output[pixel, 0:channels])
            out = output.access_ptr("w", offset=pixel * channels)
            pointers = out, x.access_ptr("r", offset=first), stream.access_ptr("r")
            kernel = f"tvm_tiny_dense_blocks_{ORDERS[choices['loads']]}"
            T.evaluate(T.call_extern("int32", kernel, *pointers, window.words, channels))
    return Scheduled(builder.get(), constants)


DENSE_BLOCKS = Implementation("dense blocks", applies, build, knobs)
