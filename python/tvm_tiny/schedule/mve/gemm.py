"""Convolution and fully connected layers as a matrix product on VMLADAV, sixteen multiply-accumulates at a time.

A run of neighbouring pixels meets four output channels at a time, two pixels by four channels in registers; where a row of outputs
is a single pixel, it meets eight channels at a time. Weights are laid out in the order in which they are read, without padding:
what remains of depth, channels and pixels has loops of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tvm import s_tir, tirx
from tvm.script.ir_builder import IRBuilder
from tvm.script.ir_builder import tirx as T

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.implementation import Implementation, Scheduled
from tvm_tiny.schedule.mve.columns import columns_block
from tvm_tiny.schedule.mve.intrinsics import VECTOR, argument, block, scratch, tensorize
from tvm_tiny.schedule.mve.requantization import Requantization, requantization_of
from tvm_tiny.schedule.mve.sums import product_row, product_tile, sum_of_products
from tvm_tiny.schedule.mve.tiling import Run, channel_runs, largest_divisor, pixel_runs
from tvm_tiny.schedule.mve.window import Window, weights_of, window_of
from tvm_tiny.schedule.scalar import ANY
from tvm_tiny.target import Core

_TILE_CHANNELS = 4
_ROW_CHANNELS = 8
_ROW_GROUPS = 8  # groups of channels whose accumulators one call computes
_STEPS = 9  # vectors of the depth that are written out in one turn of the inner loop, at most


@dataclass(frozen=True)
class Product:
    """A layer, cut into blocks: every run of channels by every run of pixels of a row of outputs."""

    node: Node
    window: Window
    requantize: Requantization
    single: bool
    channels: tuple[Run, ...]
    pixels: tuple[Run, ...]

    @property
    def width(self) -> int:
        """Output channels."""
        return self.node.output.shape[-1]

    def constants(self) -> dict[str, np.ndarray]:
        """For each run of channels, its weights (blocks, size * depth) and its parameters (groups, roles, size)."""
        weight = weights_of(self.node, self.window)
        arrays = {}
        for index, run in enumerate(self.channels):
            chosen = weight[run.first : run.first + run.blocks * run.size]
            arrays[_name("weight", index)] = packed(chosen.reshape(run.blocks, run.size, -1))
            groups = run.blocks // self.groups(run)
            arrays[_name("parameters", index)] = self.requantize.grouped(run.first, groups, self.groups(run) * run.size)
        return arrays

    def blocks(self) -> list[tuple[Run, Run]]:
        """Every run of channels with every run of pixels."""
        return [(run, pixels) for run in self.channels for pixels in self.pixels]

    def groups(self, run: Run) -> int:
        """Blocks of channels that one call works through."""
        return largest_divisor(run.blocks, _ROW_GROUPS) if self.single else 1


def packed(weight: np.ndarray) -> np.ndarray:
    """Weights (blocks, channels, depth) as :func:`tvm_tiny.schedule.mve.sums.position` says: (blocks, channels * depth)."""
    blocks, channels, depth = weight.shape
    whole = depth // VECTOR * VECTOR
    vectors = weight[:, :, :whole].reshape(blocks, channels, -1, VECTOR).transpose(0, 2, 1, 3)
    return np.concatenate([vectors.reshape(blocks, -1), weight[:, :, whole:].reshape(blocks, -1)], axis=1)


def _name(role: str, index: int) -> str:
    return role if index == 0 else f"{role}_rest"


def applies(node: Node, _core: Core) -> bool:
    """int8 weights, and windows whose columns are neighbours."""
    return node.op.name in ("conv2d", "fully_connected") and node.constant(1).dtype == np.int8 and window_of(node) is not None


def build(node: Node, core: Core) -> Scheduled:
    """Fill the line buffer, multiply, requantise: one row of outputs after the other."""
    window, requantize = window_of(node), requantization_of(node)
    if window is None or requantize is None:
        return ANY.build(node, core)
    single = window.pixels == 1
    channels = channel_runs(node.output.shape[-1], _ROW_CHANNELS if single else _TILE_CHANNELS)
    product = Product(node, window, requantize, single, tuple(channels), tuple(pixel_runs(window.pixels)))
    constants = product.constants()
    schedule = s_tir.Schedule(_function(product, constants))
    _schedule(schedule, product, core)
    return Scheduled(schedule.mod["main"], constants)


@dataclass(frozen=True)
class _Buffers:
    """What the blocks of a run of channels read and write; ``first(row)`` is where the inputs of a row of outputs begin."""

    inputs: tirx.Buffer
    weight: tirx.Buffer
    parameters: tirx.Buffer
    output: tirx.Buffer


def _function(product: Product, constants: dict[str, np.ndarray]) -> tirx.PrimFunc:
    """What is computed, in loops over rows of outputs; "acc_<i>" and "output_<i>" are the blocks of the i-th pair of runs."""
    window, node = product.window, product.node
    with IRBuilder() as builder, T.prim_func(s_tir=True):
        T.func_name("main")
        x = argument("x", (node.value(0).size,), "int8")
        at = {role: argument(role, data.shape, str(data.dtype)) for role, data in constants.items()}
        output = argument("output", (window.rows * window.pixels, product.width), "int8")
        with T.sblock("root"), T.serial(0, window.rows) as row:
            inputs = x if window.buffer is None else columns_block(window, x, row)
            for index, (run, pixels) in enumerate(product.blocks()):
                rest = product.channels.index(run)
                buffers = _Buffers(inputs, at[_name("weight", rest)], at[_name("parameters", rest)], output)
                (_emit_row if product.single else _emit_tiles)(product, index, run, pixels, row, buffers)
    return builder.get()


def _first_input(window: Window, row: tirx.Expr) -> tirx.Expr:
    """Where the inputs of a row of outputs begin."""
    if window.buffer is not None:
        return tirx.const(0, "int32")
    return row // window.rows_per_image * window.image_pitch + row % window.rows_per_image * window.row_pitch


def _emit_tiles(product: Product, index: int, run: Run, pixels: Run, row: tirx.Var, buffers: _Buffers) -> None:
    """Blocks of pixels and channels: "acc" their sums, "output" what becomes of them."""
    window = product.window
    extents, outer = (pixels.blocks, run.blocks, pixels.size, run.size), ((window.rows, row),)
    acc = scratch(f"acc_{index}", (window.rows, *extents), "int32")
    with block(f"acc_{index}", extents, outer) as at:
        vr, vt, vq, vp, vc = at
        first = _first_input(window, vr) + (pixels.first + vt * pixels.size) * window.pitch + vp * window.pitch
        sum_of_products((acc, at), (buffers.inputs, first), (buffers.weight, (vq,)), vc, run.size, window.depth)
    with block(f"output_{index}", extents, outer) as at:
        vr, vt, vq, vp, vc = at
        place = [vr * window.pixels + pixels.first + vt * pixels.size + vp, run.first + vq * run.size + vc]
        product.requantize.store((buffers.output, place), (acc, at), (buffers.parameters, (vq,)), vc)


def _emit_row(product: Product, index: int, run: Run, _pixels: Run, row: tirx.Var, buffers: _Buffers) -> None:
    """One pixel, groups of blocks of channels."""
    window, groups = product.window, product.groups(run)
    calls, width, outer = run.blocks // groups, groups * run.size, ((window.rows, row),)
    acc = scratch(f"acc_{index}", (window.rows, calls, width), "int32")
    with block(f"acc_{index}", (calls, groups, run.size), outer) as (vr, vt, vg, vc):
        at, weight = [vr, vt, vg * run.size + vc], (buffers.weight, (vt * groups + vg,))
        sum_of_products((acc, at), (buffers.inputs, _first_input(window, vr)), weight, vc, run.size, window.depth)
    with block(f"output_{index}", (calls, width), outer) as at:
        vr, vt, vc = at
        place = [vr, run.first + vt * width + vc]
        product.requantize.store((buffers.output, place), (acc, at), (buffers.parameters, (vt,)), vc)


def _schedule(sch: s_tir.Schedule, product: Product, core: Core) -> None:
    """The sums of one call just before their epilogue; each of the two one intrinsic."""
    window, requantize = product.window, product.requantize
    steps = largest_divisor(window.depth // VECTOR, min(core.unroll, _STEPS))
    for index, (run, pixels) in enumerate(product.blocks()):
        if product.single:
            groups = product.groups(run)
            extents: list[tuple[int, ...]] = [(groups, run.size), (groups * run.size,)]
            sums, elements = product_row(groups, run.size, window.depth, steps), requantize.row(groups * run.size)
        else:
            extents = [(pixels.size, run.size)] * 2
            sums = product_tile(pixels.size, run.size, window.pitch, window.depth, steps)
            elements = requantize.tile(pixels.size, run.size, product.width)
        loops = [sum(extent > 1 for extent in each) for each in extents]
        around = sch.get_loops(sch.get_sblock(f"output_{index}"))[: -loops[1] or None]
        if len(around) > 1:  # else the two are together in a row of outputs already
            sch.compute_at(sch.get_sblock(f"acc_{index}"), around[-1])
        tensorize(sch, f"acc_{index}", loops[0], sums)
        tensorize(sch, f"output_{index}", loops[1], elements)


MVE_GEMM = Implementation("mve gemm", applies, build)
