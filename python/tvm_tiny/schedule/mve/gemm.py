"""Convolution and fully connected layers as a matrix product on VMLADAV, sixteen multiply-accumulates at a time.

A run of neighbouring pixels meets groups of four output channels, two pixels by four channels in registers; where a row of outputs
is a single pixel, it meets eight channels at a time. Sums become outputs without passing through memory. Weights are laid out in
the order in which they are read, without padding: what remains of depth, channels and pixels has loops of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tvm import s_tir, tirx
from tvm.script.ir_builder import IRBuilder
from tvm.script.ir_builder import tirx as T

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.implementation import Choices, Implementation, Knob, Scheduled
from tvm_tiny.schedule.mve.columns import columns_block
from tvm_tiny.schedule.mve.intrinsics import VECTOR, argument, block, tensorize
from tvm_tiny.schedule.mve.requantization import Requantization, requantization_of
from tvm_tiny.schedule.mve.sums import pipelined_product_tile, product, product_row, product_tile, small_product_tile
from tvm_tiny.schedule.mve.tiling import MOST_PIXELS, Run, channel_runs, is_small, largest_divisor, pixel_runs, small_channel_runs
from tvm_tiny.schedule.mve.window import Window, weights_of, window_of
from tvm_tiny.schedule.scalar import ANY
from tvm_tiny.target import Core

_TILE_CHANNELS = 4
_ROW_CHANNELS = 8
_STEPS = (9, 18, 36)  # vectors of the depth that are written out in one turn of the inner loop, at most
_PIXELS = (MOST_PIXELS, 32, 64, 128)
_MOST_WIDTH = 2047  # of outputs between which a pipelined product moves


@dataclass(frozen=True)
class Product:
    """A layer, cut into blocks: every run of channels by every run of pixels of a row of outputs."""

    node: Node
    window: Window
    requantize: Requantization
    single: bool
    small: bool
    pipelined: bool
    steps: int
    channels: tuple[Run, ...]
    pixels: tuple[Run, ...]

    @property
    def width(self) -> int:
        """Output channels."""
        return self.node.output.shape[-1]

    def constants(self) -> dict[str, np.ndarray]:
        """For each run of channels, its weights (groups, size * depth) and its parameters (groups, roles, size)."""
        weight = weights_of(self.node, self.window)
        arrays = {}
        for index, run in enumerate(self.channels):
            chosen = weight[run.first : run.first + run.blocks * run.size]
            arrays[_name("weight", index)] = packed(chosen.reshape(run.blocks, run.size, -1))
            arrays[_name("parameters", index)] = self.requantize.grouped(run.first, run.blocks, run.size)
        return arrays

    def blocks(self) -> list[tuple[Run, Run]]:
        """Every run of channels with every run of pixels."""
        return [(run, pixels) for run in self.channels for pixels in self.pixels]


def packed(weight: np.ndarray) -> np.ndarray:
    """Weights (groups, channels, depth) in the order in which they are read, (groups, channels * depth): for every sixteen inputs,
    sixteen weights of each channel; behind them what remains of the depth, channel after channel.
    """
    blocks, channels, depth = weight.shape
    whole = depth // VECTOR * VECTOR
    vectors = weight[:, :, :whole].reshape(blocks, channels, -1, VECTOR).transpose(0, 2, 1, 3)
    return np.concatenate([vectors.reshape(blocks, -1), weight[:, :, whole:].reshape(blocks, -1)], axis=1)


def _name(role: str, index: int) -> str:
    return role if index == 0 else f"{role}_rest"


def applies(node: Node, _core: Core) -> bool:
    """int8 weights, and windows whose columns are neighbours."""
    return node.op.name in ("conv2d", "fully_connected") and node.constant(1).dtype == np.int8 and window_of(node) is not None


def knobs(node: Node, core: Core) -> tuple[Knob, ...]:
    """How pixels meet groups of four channels.

    - "pipelined": sums become outputs between the multiplications of the next two pixels (``mve_dot_pipelined.h``), not behind
      their own.
    - "pixels": of a call, at most. The more, the less often a group's parameters and weights are begun, and the farther the output
      keeps from an input that it overlaps.
    - "steps": vectors of the depth that are written out in one turn of the inner loop, at most.
    """
    window = window_of(node)
    if window is None or window.pixels == 1 or is_small(core):
        return ()
    width, vectors = node.output.shape[-1], window.depth // VECTOR
    first = {tuple(pixel_runs(window.pixels, most)): most for most in reversed(_PIXELS)}  # the least of those that cut alike
    found = (
        Knob("pipelined", (0, 1) if _TILE_CHANNELS <= width <= _MOST_WIDTH else (0,)),
        Knob("pixels", tuple(sorted(first.values()))),
        Knob("steps", (_steps(core), *(each for each in _STEPS if _steps(core) < each <= vectors))),
    )
    return tuple(knob for knob in found if len(knob.values) > 1)


def _steps(core: Core) -> int:
    return min(core.unroll, _STEPS[0])


def build(node: Node, core: Core, choices: Choices) -> Scheduled:
    """Fill the line buffer, multiply, requantise: one row of outputs after the other."""
    window, requantize = window_of(node), requantization_of(node)
    if window is None or requantize is None:
        return ANY.build(node, core)
    small, width = is_small(core), node.output.shape[-1]
    single = window.pixels == 1 and not small
    channels = small_channel_runs(width) if small else channel_runs(width, _ROW_CHANNELS if single else _TILE_CHANNELS)
    pipelined, steps = bool(choices.get("pipelined", 0)), choices.get("steps", _steps(core))
    pixels = pixel_runs(window.pixels, choices.get("pixels", MOST_PIXELS))
    layer = Product(node, window, requantize, single, small, pipelined, steps, tuple(channels), tuple(pixels))
    constants = layer.constants()
    schedule = s_tir.Schedule(_function(layer, constants))
    _schedule(schedule, layer)
    return Scheduled(schedule.mod["main"], constants)


@dataclass(frozen=True)
class _Buffers:
    """What the blocks of a run of channels read and write; ``first(row)`` is where the inputs of a row of outputs begin."""

    inputs: tirx.Buffer
    weight: tirx.Buffer
    parameters: tirx.Buffer
    output: tirx.Buffer


def _function(layer: Product, constants: dict[str, np.ndarray]) -> tirx.PrimFunc:
    """What is computed, in loops over rows of outputs; "output_<i>" is the block of the i-th pair of runs."""
    window, node = layer.window, layer.node
    with IRBuilder() as builder, T.prim_func(s_tir=True):
        T.func_name("main")
        x = argument("x", (node.value(0).size,), "int8")
        at = {role: argument(role, data.shape, str(data.dtype)) for role, data in constants.items()}
        output = argument("output", (window.rows * window.pixels, layer.width), "int8")
        with T.sblock("root"), T.serial(0, window.rows) as row:
            inputs = x if window.buffer is None else columns_block(window, x, row, layer.small)
            for index, (run, pixels) in enumerate(layer.blocks()):
                rest = layer.channels.index(run)
                buffers = _Buffers(inputs, at[_name("weight", rest)], at[_name("parameters", rest)], output)
                (_emit_row if layer.single else _emit_tiles)(layer, index, run, pixels, row, buffers)
    return builder.get()


def _first_input(window: Window, row: tirx.Expr) -> tirx.Expr:
    """Where the inputs of a row of outputs begin."""
    if window.buffer is not None:
        return tirx.const(0, "int32")
    return row // window.rows_per_image * window.image_pitch + row % window.rows_per_image * window.row_pitch


def _emit_tiles(layer: Product, index: int, run: Run, pixels: Run, row: tirx.Var, buffers: _Buffers) -> None:
    """Blocks of pixels, each with all groups of a run of channels."""
    window = layer.window
    extents, outer = (pixels.blocks, pixels.size, run.blocks, run.size), ((window.rows, row),)
    with block(f"output_{index}", extents, outer) as (vr, vt, vp, vg, vc):
        first = _first_input(window, vr) + (pixels.first + vt * pixels.size) * window.pitch + vp * window.pitch
        place = [vr * window.pixels + pixels.first + vt * pixels.size + vp, run.first + vg * run.size + vc]
        weight, parameters = (buffers.weight, (vg,)), (buffers.parameters, (vg,))
        channel = (vc, run.size, window.depth)
        product((buffers.output, place), (buffers.inputs, (first,)), weight, parameters, channel, layer.requantize.form)


def _emit_row(layer: Product, index: int, run: Run, _pixels: Run, row: tirx.Var, buffers: _Buffers) -> None:
    """One pixel with all groups of a run of channels."""
    window = layer.window
    with block(f"output_{index}", (run.blocks, run.size), ((window.rows, row),)) as (vr, vg, vc):
        weight, parameters = (buffers.weight, (vg,)), (buffers.parameters, (vg,))
        place, channel = [vr, run.first + vg * run.size + vc], (vc, run.size, window.depth)
        inputs = (buffers.inputs, (_first_input(window, vr),))
        product((buffers.output, place), inputs, weight, parameters, channel, layer.requantize.form)


def _schedule(sch: s_tir.Schedule, layer: Product) -> None:
    """Each block one intrinsic."""
    window, form = layer.window, layer.requantize.form
    steps = largest_divisor(window.depth // VECTOR, layer.steps)
    for index, (run, pixels) in enumerate(layer.blocks()):
        if layer.single:
            extents: tuple[int, ...] = (run.blocks, run.size)
            intrinsic = product_row(run.blocks, run.size, window.depth, steps, form)
        elif layer.small:
            extents = tile = (pixels.size, run.blocks, run.size)
            intrinsic = small_product_tile(tile, window.pitch, window.depth, layer.width, form)
        elif layer.pipelined and run.size == _TILE_CHANNELS:
            extents = tile = (pixels.size, run.blocks, run.size)
            intrinsic = pipelined_product_tile(tile, window.pitch, window.depth, layer.steps, layer.width, form)
        else:
            extents = tile = (pixels.size, run.blocks, run.size)
            intrinsic = product_tile(tile, window.pitch, window.depth, steps, layer.width, form)
        tensorize(sch, f"output_{index}", sum(extent > 1 for extent in extents), intrinsic)


MVE_GEMM = Implementation("mve gemm", applies, build, knobs)
