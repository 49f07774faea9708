"""When a function reads and writes the elements of its buffers: the last read and the first write of each.

The clock is that of the program's text: a statement takes a tick for its reads and then one for its writes, a loop as many as
its turns together. Statements are evaluated for all turns of their loops at once, with the conditions around them; a loop that an
access does not depend on counts with the turn that matters, the last one for a read, the first one for a write. A block that hands
pointers to a C function is one event: what it declares to write, and then what it declares to read, all at once. Where it says that
the function works in order (:data:`IN_ORDER`), it is a loop over the elements, each read before it is written.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from tvm import ir, tirx

from tvm_tiny.schedule.block_walk import subexpressions, takes_pointer
from tvm_tiny.schedule.index_values import NotUnderstood, Values, evaluate, kind_of, operands, variables

NEVER = np.iinfo(np.int64).max
"""The first write of an element that is not written; the last read of one that is not read is -1."""

IN_ORDER = "tiny.in_order"
"""Annotation of a block: its C function reads element i of each of its regions before it writes element i of them, and never reads
an element that it has passed. All regions of inputs and outputs that the block declares have one axis of the same length.
"""

_MACROS = {"TVM_TINY_LOAD_S8X4": 4}
"""Macros that take the first of several neighbours in memory, by name: how many. (Functions take values.)"""

_CHUNK = 1 << 20
_MOST_POINTS = 1 << 26


@dataclass(frozen=True)
class Times:
    """For each element of a buffer, in the order of memory, the tick of its last read (-1: none) and first write (NEVER: none)."""

    last_read: np.ndarray
    first_write: np.ndarray


@dataclass(frozen=True)
class _Loop:
    first: int
    extent: int
    ticks: int  # of one turn


@dataclass(frozen=True)
class _Place:
    """Where a statement stands: loops around it from outside, tick of its first execution, conditions that must hold."""

    loops: tuple[_Loop, ...] = ()
    tick: int = 0
    conditions: tuple[ir.Expr, ...] = ()

    def later(self, ticks: int) -> _Place:
        return replace(self, tick=self.tick + ticks)

    def under(self, condition: ir.Expr) -> _Place:
        return replace(self, conditions=(*self.conditions, condition))


@dataclass(frozen=True)
class _Region:
    """Elements of ``buffer`` that an access touches: along each axis from a first index, so many."""

    buffer: tirx.Var
    first: tuple[ir.Expr, ...]
    extents: tuple[ir.Expr | int, ...]


def access_times(func: tirx.PrimFunc, buffers: Sequence[tirx.Var]) -> list[Times]:
    """The times of each of ``buffers``, which are parameters of ``func``, a function with or without blocks.

    Raises
    ------
    NotUnderstood
        An access to one of them cannot be followed: an index that comes out of memory, a pointer without a declared region, a loop
        whose length is not fixed.
    """
    clock = _Clock(list(buffers))
    clock.statement(func.body, _Place())
    return [Times(*each) for each in clock.times]


class _Clock:
    def __init__(self, buffers: list[tirx.Var]) -> None:
        self.buffers = buffers
        self.times = [(np.full(_elements(buffer), -1, np.int64), np.full(_elements(buffer), NEVER, np.int64)) for buffer in buffers]
        self.views = {buffer: number for number, buffer in enumerate(buffers)}
        self.bound: dict[tirx.Var, ir.Expr | int] = {}  # loop variables have their loop's number, others an expression
        self.ticks_of: dict[tirx.Stmt, int] = {}

    # ---- statements --------------------------------------------------------------------------------------------------------------

    def statement(self, stmt: tirx.Stmt, place: _Place) -> None:
        kind = type(stmt).__name__
        if isinstance(stmt, tirx.SeqStmt):
            for each in stmt.seq:
                self.statement(each, place)
                place = place.later(self.ticks(each))
        elif isinstance(stmt, tirx.For):
            if getattr(stmt, "step", None) is not None:
                raise NotUnderstood("a loop with a step")
            self.bound[stmt.loop_var] = len(place.loops)
            loop = _Loop(_fixed(stmt.min), _fixed(stmt.extent), self.ticks(stmt.body))
            if loop.extent > 0:
                self.statement(stmt.body, replace(place, loops=(*place.loops, loop)))
        elif isinstance(stmt, tirx.IfThenElse):
            self._loads(stmt.condition, place)
            self.statement(stmt.then_case, place.later(2).under(stmt.condition))
            if stmt.else_case is not None:
                self.statement(stmt.else_case, place.later(2).under(tirx.Not(stmt.condition)))
        elif isinstance(stmt, tirx.BufferStore):
            for expr in (stmt.value, *stmt.indices):
                self._loads(expr, place)
            self._touch(_Region(stmt.buffer, tuple(stmt.indices), (1,) * len(stmt.indices)), place.later(1), write=True)
        elif isinstance(stmt, tirx.Evaluate):
            self._loads(stmt.value, place)
        elif isinstance(stmt, tirx.Bind):
            self._loads(stmt.value, place)
            self.bound[stmt.var] = stmt.value
        elif isinstance(stmt, tirx.AttrStmt):
            self.statement(stmt.body, place)
        elif kind == "SBlockRealize":
            for var, value in zip(stmt.block.iter_vars, stmt.iter_values, strict=True):
                self.bound[var.var] = value
            self._block(stmt.block, place.under(stmt.predicate))
        elif kind == "SBlock":
            self._block(stmt, place)
        elif kind == "DeclBuffer":
            self._declare(stmt)
        elif kind != "AllocBuffer":
            raise NotUnderstood(f"a {kind} statement")

    def _declare(self, stmt: tirx.DeclBuffer) -> None:
        """Another name for a buffer, in a lowered function."""
        source = stmt.data.args[0] if isinstance(stmt.data, ir.Call) else stmt.data
        number = self.views.get(source)
        if number is not None:
            if _elements(stmt.buffer) != _elements(source) or str(stmt.buffer.dtype) != str(source.dtype):
                raise NotUnderstood(f"a part of {source.name} under another name")
            self.views[stmt.buffer] = number

    def _block(self, block: tirx.SBlock, place: _Place) -> None:
        if block.match_buffers or any(map(takes_pointer, subexpressions(block.body, nested=False))):
            self._opaque(block, place)
            return
        if block.init is not None:
            self.statement(block.init, place)
            place = place.later(self.ticks(block.init))
        self.statement(block.body, place)

    def _opaque(self, block: tirx.SBlock, place: _Place) -> None:
        declared = {False: list(block.reads), True: list(block.writes)}
        seen = {each.source.source: each.buffer for each in block.match_buffers}
        for buffer in self.buffers:
            names = [buffer, *(inner for source, inner in seen.items() if source.same_as(buffer))]
            used = any(each.same_as(name) for each in subexpressions(block.body, nested=True) for name in names)
            if used and not any(each.source.same_as(buffer) for regions in declared.values() for each in regions):
                raise NotUnderstood(f"a block that uses {buffer.name} and does not declare it")
        if IN_ORDER in block.annotations:
            self._in_order(block, place)
            return
        for write, regions in declared.items():
            for each in regions:
                first = tuple(axis.min for axis in each.region)
                extents = tuple(int(axis.extent) if isinstance(axis.extent, tirx.IntImm) else axis.extent for axis in each.region)
                self._touch(_Region(each.source, first, extents), place.later(0 if write else 1), write=write)

    def _in_order(self, block: tirx.SBlock, place: _Place) -> None:
        turn = tirx.Var("turn", "int32")
        self.bound[turn] = len(place.loops)
        place = replace(place, loops=(*place.loops, _Loop(0, _turns(block), 2)))
        for write, regions in ((False, block.reads), (True, block.writes)):
            for each in regions:
                if each.source in self.views:
                    if [int(axis.extent) for axis in each.region] != [_turns(block)]:
                        raise NotUnderstood(f"a part of {each.source.name} of another length than what is written")
                    at = each.region[0].min + turn
                    self._touch(_Region(each.source, (at,), (1,)), place.later(1 if write else 0), write=write)

    def ticks(self, stmt: tirx.Stmt) -> int:
        """What ``stmt`` takes."""
        if stmt not in self.ticks_of:
            self.ticks_of[stmt] = self._ticks(stmt)
        return self.ticks_of[stmt]

    def _ticks(self, stmt: tirx.Stmt) -> int:
        if isinstance(stmt, tirx.SeqStmt):
            return sum(self.ticks(each) for each in stmt.seq)
        if isinstance(stmt, tirx.For):
            return _fixed(stmt.extent) * self.ticks(stmt.body)
        if isinstance(stmt, tirx.IfThenElse):
            return 2 + max(self.ticks(each) for each in (stmt.then_case, stmt.else_case) if each is not None)
        if isinstance(stmt, tirx.AttrStmt):
            return self.ticks(stmt.body)
        kind = type(stmt).__name__
        if kind == "SBlockRealize":
            return self.ticks(stmt.block)
        if kind == "SBlock" and IN_ORDER in stmt.annotations:
            return 2 * _turns(stmt)
        if kind == "SBlock":
            return max(2, self.ticks(stmt.body) + (self.ticks(stmt.init) if stmt.init is not None else 0))
        return 2

    # ---- expressions -------------------------------------------------------------------------------------------------------------

    def _loads(self, expr: ir.Expr, place: _Place, neighbours: int = 1) -> None:
        """All reads in ``expr``; ``neighbours`` elements from each load on that stands directly in it."""
        kind = kind_of(expr)
        if kind == "TensorLoad":
            extents = (*(1 for _ in expr.indices[1:]), neighbours) if expr.indices else ()  # a scalar has no axis
            self._touch(_Region(expr.source, tuple(expr.indices), extents), place, write=False)
        elif isinstance(expr, tirx.Var) and expr in self.views:
            raise NotUnderstood(f"a pointer to {expr.name}")
        reach = 1
        if kind in ("call_extern", "call_pure_extern"):
            function = str(expr.args[0].value)
            reach = _MACROS.get(function, 0 if function.isupper() else 1)
            if reach == 0 and any(map(self._is_load, expr.args)):
                raise NotUnderstood(f"what the macro {function} reads")
        if kind in ("if_then_else", "Select"):
            condition, then, otherwise = operands(expr)
            self._loads(condition, place)
            self._loads(then, place.under(condition))
            self._loads(otherwise, place.under(tirx.Not(condition)))
        else:
            for each in operands(expr):
                self._loads(each, place, reach)

    def _is_load(self, expr: ir.Expr) -> bool:
        return kind_of(expr) == "TensorLoad" and expr.source in self.views

    # ---- accesses ----------------------------------------------------------------------------------------------------------------

    def _touch(self, region: _Region, place: _Place, *, write: bool) -> None:
        number = self.views.get(region.buffer)
        if number is None:
            return
        last_read, first_write = self.times[number]
        for index, time in self._points(region, place, write=write):
            # Where an element comes up several times, NumPy keeps what is assigned last.
            if write:
                index, time = index[::-1], time[::-1]
                earliest = np.full_like(first_write, NEVER)
                earliest[index] = time
                np.minimum(first_write, earliest, out=first_write)
            else:
                latest = np.full_like(last_read, -1)
                latest[index] = time
                np.maximum(last_read, latest, out=last_read)

    def _points(self, region: _Region, place: _Place, *, write: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Flat indices and ticks of all executions that matter, in chunks; ticks ascend within a chunk."""
        conditions = [each for each in place.conditions if self._depends(each) is not None]
        needed: set[int] = set()
        for expr in (*region.first, *(each for each in region.extents if isinstance(each, ir.Expr))):
            depends = self._depends(expr)
            if depends is None:
                raise NotUnderstood(f"an index into {region.buffer.name}: {expr}")
            needed |= depends
        for each in conditions:
            needed |= self._depends(each) or frozenset()
        inner = math.prod(self._most(extent, place, needed) for extent in region.extents)
        total = inner * math.prod(place.loops[number].extent for number in needed)
        if total > _MOST_POINTS:
            raise NotUnderstood(f"{total} accesses to {region.buffer.name}")
        ranges = {number: (0, place.loops[number].extent) for number in sorted(needed)}
        for part in _parts(ranges, max(1, _CHUNK // inner)):
            yield self._evaluate(region, place, conditions, part, write=write)

    def _depends(self, expr: ir.Expr) -> frozenset[int] | None:
        """The loops on which ``expr`` depends, None if it cannot be known here."""
        try:
            return variables(expr, self._dependences)
        except NotUnderstood:
            return None

    @property
    def _dependences(self) -> Mapping[tirx.Var, frozenset[int]]:
        return _Lazy(self.bound, lambda expr, known: variables(expr, known), lambda number: frozenset((number,)))

    def _values(self, place: _Place, part: Mapping[int, tuple[int, int]]) -> Mapping[tirx.Var, Values]:
        def turns(number: int) -> Values:
            first, end = part.get(number, (0, 1))
            shape = [1] * len(place.loops)
            shape[number] = end - first
            return (place.loops[number].first + np.arange(first, end)).reshape(shape)

        return _Lazy(self.bound, lambda expr, known: evaluate(expr, known), turns)

    def _most(self, extent: ir.Expr | int, place: _Place, needed: set[int]) -> int:
        if isinstance(extent, int):
            return extent
        full = {number: (0, place.loops[number].extent) for number in needed}
        return max(0, int(np.max(evaluate(extent, self._values(place, full)))))

    def _evaluate(
        self, region: _Region, place: _Place, conditions: list[ir.Expr], part: Mapping[int, tuple[int, int]], *, write: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        values = self._values(place, part)
        depth, axes = len(place.loops), len(region.first)
        index: Values = 0
        inside: Values = True
        shape = [int(each) for each in region.buffer.shape]
        for axis, (first, extent, size) in enumerate(zip(region.first, region.extents, shape, strict=True)):
            most = self._most(extent, place, set(part))
            along = np.arange(most).reshape([1] * (depth + axis) + [most] + [1] * (axes - axis - 1))
            at = _outer(evaluate(first, values), depth, axes) + along
            if not isinstance(extent, int):
                inside = np.logical_and(inside, along < _outer(evaluate(extent, values), depth, axes))
            index = index * size + at
        for condition in conditions:
            inside = np.logical_and(inside, _outer(evaluate(condition, values), depth, axes))
        time: Values = place.tick + (0 if write else sum((loop.extent - 1) * loop.ticks for loop in self._unneeded(place, part)))
        for number, (first, end) in part.items():
            shape_ = [1] * (depth + axes)
            shape_[number] = end - first
            time = time + (np.arange(first, end) * place.loops[number].ticks).reshape(shape_)
        index, time, inside = np.broadcast_arrays(index, time, inside)
        index, time = index[inside].ravel(), time[inside].ravel()
        if index.size and (index.min() < 0 or index.max() >= math.prod(shape)):
            raise NotUnderstood(f"an index outside of {region.buffer.name}")
        return index, time

    def _unneeded(self, place: _Place, part: Mapping[int, tuple[int, int]]) -> list[_Loop]:
        return [loop for number, loop in enumerate(place.loops) if number not in part]


class _Lazy(Mapping[tirx.Var, Any]):
    """What is known of each bound variable, found when it is asked for."""

    def __init__(self, bound: Mapping[tirx.Var, ir.Expr | int], of_expr: Callable[..., Any], of_loop: Callable[[int], Any]) -> None:
        self.bound, self.of_expr, self.of_loop = bound, of_expr, of_loop
        self.found: dict[tirx.Var, Any] = {}

    def __getitem__(self, var: tirx.Var) -> Any:
        if var not in self.found:
            bound = self.bound[var]
            self.found[var] = self.of_loop(bound) if isinstance(bound, int) else self.of_expr(bound, self)
        return self.found[var]

    def __contains__(self, var: object) -> bool:
        return var in self.bound

    def __iter__(self) -> Iterator[tirx.Var]:
        return iter(self.bound)

    def __len__(self) -> int:
        return len(self.bound)


def _parts(ranges: Mapping[int, tuple[int, int]], most: int) -> Iterator[dict[int, tuple[int, int]]]:
    """``ranges`` in pieces of at most ``most`` points, split along the outer loops, in their order."""
    points = math.prod(end - first for first, end in ranges.values())
    splittable = next((number for number, (first, end) in ranges.items() if end - first > 1), None)
    if points <= most or splittable is None:
        yield dict(ranges)
        return
    first, end = ranges[splittable]
    middle = (first + end) // 2
    for half in ((first, middle), (middle, end)):
        yield from _parts({**ranges, splittable: half}, most)


def _outer(values: Values, depth: int, axes: int) -> Values:
    """``values`` over ``depth`` loops with further axes behind them."""
    return values.reshape(values.shape + (1,) * axes) if isinstance(values, np.ndarray) and values.ndim == depth else values


def _elements(buffer: tirx.Var) -> int:
    return math.prod(_fixed(extent) for extent in buffer.shape)


def _fixed(expr: ir.Expr | int) -> int:
    if isinstance(expr, (int, tirx.IntImm)):
        return int(expr)
    raise NotUnderstood(f"a size that is not fixed: {expr}")


def _turns(block: tirx.SBlock) -> int:
    """The elements that a block writes in order."""
    (region,) = block.writes
    return math.prod(_fixed(axis.extent) for axis in region.region)
