"""Tensor intrinsics of MVE: what each computes, and the C function that computes it (runtime/mve_*.h).

An intrinsic is made for the numbers that shape it, which are constants of the call, and registered with TVM under a name that tells
them. What it computes is said by the same functions that say what a layer computes, so that the two match.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass

from tvm import s_tir, tirx
from tvm.s_tir import TensorIntrin
from tvm.script.ir_builder import IRBuilder
from tvm.script.ir_builder import tirx as T

from tvm_tiny.schedule.accesses import IN_ORDER

VECTOR = 16
"""int8 lanes of a vector register."""


@dataclass(frozen=True)
class Operand:
    """A buffer that an intrinsic works on; ``strides`` are those of the buffer around it where they are not its own."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    strides: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Intrinsic:
    """A call of ``function``(output, inputs..., constants...).

    Attributes
    ----------
    inputs, output : Operand
        TVM is told of the inputs before the output.
    loops : tuple of int
        Extents of the loops around the computation of one element or more.
    compute : callable
        (axes, inputs, output) → None: emits the body of the block at ``axes``, what it reads and writes included.
    reductions : int
        How many of the last loops are reductions.
    in_order : bool
        The function goes through its operands from the first element on: whatever it reads of an operand of the output's shape from
        element i on, it reads before it writes what lies behind element i. So the output may lie over such an operand, or begin in
        front of it (:mod:`tvm_tiny.schedule.accesses`). ``tests/runtime/test_mve_in_order.py`` runs every such function so.
    """

    function: str
    inputs: tuple[Operand, ...]
    output: Operand
    constants: tuple[int, ...]
    loops: tuple[int, ...]
    compute: Callable[[Sequence[tirx.Expr], Sequence[tirx.Buffer], tirx.Buffer], None]
    reductions: int = 0
    in_order: bool = False

    def register(self) -> str:
        """Tell TVM of it; returns its name."""
        numbers = [*self.loops, *self.constants]
        name = f"tiny.mve.{self.function}_" + "_".join(str(each).replace("-", "m") for each in numbers)
        TensorIntrin.register(name, self._function(self._description), self._function(self._call), override=True)
        return name

    def _function(self, body: Callable[[list[tirx.Buffer]], None]) -> tirx.PrimFunc:
        operands = (*self.inputs, self.output)
        with IRBuilder() as builder, T.prim_func(s_tir=True):
            T.func_name("main")
            handles = [T.arg(each.name, T.handle()) for each in operands]
            buffers = [
                T.match_buffer(handle, each.shape, each.dtype, strides=each.strides, offset_factor=1)
                for handle, each in zip(handles, operands, strict=True)
            ]
            with T.sblock("root"):
                read = zip(buffers[:-1], self.inputs, strict=True)
                first = [_whole(buffers[-1], self.output)] if self.reductions else []
                T.reads(*first, *(_whole(buffer, each) for buffer, each in read))
                T.writes(_whole(buffers[-1], self.output))
                body(buffers)
        return builder.get()

    def _description(self, buffers: list[tirx.Buffer]) -> None:
        # A single element has a loop of one turn around it, here and in tensorize: a loop is what is replaced.
        around = nullcontext() if math.prod(self.loops) > 1 else T.serial(0, 1)
        with around, block("element", self.loops, reductions=self.reductions) as axes:
            self.compute(axes, buffers[:-1], buffers[-1])

    def _call(self, buffers: list[tirx.Buffer]) -> None:
        pointers = [buffers[-1].access_ptr("rw" if self.reductions else "w"), *(each.access_ptr("r") for each in buffers[:-1])]
        if self.in_order:
            T.sblock_attr({IN_ORDER: 1})
        T.evaluate(T.call_extern("int32", self.function, *pointers, *self.constants))


def argument(name: str, shape: Sequence[int], dtype: str) -> tirx.Buffer:
    """A parameter of the function that is being built."""
    return T.arg(name, T.buffer(tuple(shape), dtype))


def scratch(name: str, shape: Sequence[int], dtype: str) -> tirx.Buffer:
    """A buffer of the block that is being built."""
    buffer = T.sblock_alloc_buffer(tuple(shape), dtype)
    IRBuilder.name(name, buffer)
    return buffer


@contextmanager
def block(
    name: str, extents: Sequence[int], outer: Sequence[tuple[int, tirx.Var]] = (), reductions: int = 0
) -> Iterator[list[tirx.Expr]]:
    """A block in loops of ``extents``, within loops that are there already: yields its axes, one for each loop.

    A loop of one turn is left out, because blocks keep no axis for it when they become intrinsics. The last ``reductions`` axes are
    reductions.
    """
    turns = [extent for extent in extents if extent > 1]
    with ExitStack() as stack:
        found = stack.enter_context(T.grid(*turns)) if turns else []
        loops = iter(found if len(turns) > 1 else [found] if turns else [])
        stack.enter_context(T.sblock(name))
        axes = [(extent, loop) for extent, loop in outer] + [(extent, next(loops) if extent > 1 else None) for extent in extents]
        kinds = [T.axis.spatial] * (len(axes) - reductions) + [T.axis.reduce] * reductions
        yield [
            kind(extent, loop) if extent > 1 else tirx.const(0, "int32") for kind, (extent, loop) in zip(kinds, axes, strict=True)
        ]


def _whole(buffer: tirx.Buffer, operand: Operand) -> tirx.Expr:
    return buffer[tuple(slice(0, extent) for extent in operand.shape)]


def tensorize(sch: s_tir.Schedule, name: str, loops: int, intrinsic: str) -> None:
    """Replace the ``loops`` innermost loops around the block ``name`` by an intrinsic."""
    block_ = sch.get_sblock(name)
    sch.tensorize(sch.get_loops(block_)[-loops] if loops else sch.add_unit_loop(block_), intrinsic)
