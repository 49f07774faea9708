"""An independent test of a memory plan: play the program and watch every byte of the arena.

It knows nothing of lifetimes, so that a mistake there cannot hide itself. Each byte remembers which buffer wrote it last. A layer
may only read bytes that still belong to what it reads, and what it reads, writes and works in must all be intact when it ends; only
an output may have run over an input, at a distance that the layer allows. What it has run over can never be read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

import numpy as np

from tvm_tiny.memory.plan import MemoryPlan, Placement
from tvm_tiny.program import Layer, Program


class PlanError(RuntimeError):
    """The plan would let one buffer overwrite another: a mistake of the planner, never of the user."""


def check_plan(program: Program, plan: MemoryPlan) -> None:
    """Make sure that ``plan`` is safe for ``program``; takes time proportional to bytes × layers.

    Raises
    ------
    PlanError
        A buffer is missing, has a wrong size, is not aligned, lies outside the arena, or is overwritten before its last use; the
        message names the buffers and the layer.
    """
    _check_places(program, plan)
    _Arena(program, plan).play()


def _check_places(program: Program, plan: MemoryPlan) -> None:
    scratch = {f"{layer.name}.{scratch.name}": scratch.nbytes for layer in program.layers for scratch in layer.scratch}
    expected = {name: tensor.nbytes for name, tensor in program.tensors.items() if name not in program.aliases} | scratch
    used = {*program.input_tensors, *program.output_tensors, *scratch}
    for layer in program.layers:
        used.update(layer.inputs, layer.outputs)
    missing = sorted({program.aliases.get(name, name) for name in used} - set(plan.placements) - plan.outside)
    if missing:
        raise PlanError(f"these buffers have no place: {', '.join(missing)}")
    border = {program.aliases.get(name, name) for name in (*program.input_tensors, *program.output_tensors)}
    if inner := sorted(plan.outside - border):
        raise PlanError(f"{inner[0]!r} lies outside the arena, and is no input or output")
    for name, place in plan.placements.items():
        if name not in expected:
            raise PlanError(f"there is a place for {name!r}, which is no buffer of the program")
        if place.size != expected[name]:
            raise PlanError(f"buffer {name!r} needs {expected[name]} bytes: {place.size} are planned")
        if place.offset % plan.alignment:
            raise PlanError(f"buffer {name!r} at offset {place.offset} is not aligned to {plan.alignment} bytes")
        size = plan.pool_sizes()[place.pool]
        if place.offset < 0 or place.offset + place.size > size:
            end = place.offset + place.size
            raise PlanError(f"buffer {name!r}, bytes {place.offset} to {end}, leaves the arena of {size}")
    for pool in plan.pools:
        if pool.capacity is not None and pool.size > pool.capacity:
            raise PlanError(f"pool {pool.name!r} has {pool.capacity} bytes: {pool.size} are planned")


class _Arena:
    """The arena's bytes, each with the number of the buffer that wrote it last."""

    def __init__(self, program: Program, plan: MemoryPlan) -> None:
        self.program = program
        self.plan = plan
        self.owners = [np.full(size, -1, np.int32) for size in plan.pool_sizes()]
        self.names = list(plan.placements)
        self.number = {name: number for number, name in enumerate(self.names)}

    def place(self, name: str) -> Placement:
        """Of a tensor, a view of one, or a scratch buffer."""
        return self.plan.placements[self.program.aliases.get(name, name)]

    def places(self, names: Iterable[str]) -> Iterator[tuple[str, Placement]]:
        """Those of ``names`` that lie in the arena; nothing else can be written by writing the others."""
        for name in names:
            if self.program.aliases.get(name, name) not in self.plan.outside:
                yield name, self.place(name)

    def write(self, names: Iterable[str]) -> None:
        for _, place in self.places(names):
            self.owners[place.pool][place.offset : place.offset + place.size] = self.number[place.name]

    def overwritten(self, layer: Layer) -> set[tuple[str, str]]:
        """Inputs of ``layer`` with the outputs that lie where they may overwrite them."""
        found = set()
        for each in layer.overlaps:
            if {each.input, each.output} & self.plan.outside:
                continue
            output, input = self.place(each.output), self.place(each.input)
            distance = output.offset - input.offset
            if output.pool != input.pool:
                continue
            if distance <= -each.before or distance >= each.after or (each.same and distance == 0):
                found.add((each.input, each.output))
        return found

    def expect(self, names: Iterable[str], when: str, overwritten: Set[tuple[str, str]] = frozenset()) -> None:
        """All bytes of ``names`` are still theirs, or belong to what may overwrite them."""
        for name, place in self.places(names):
            bytes_ = self.owners[place.pool][place.offset : place.offset + place.size]
            allowed = [self.number[place.name], *(self.number[output] for each, output in overwritten if each == place.name)]
            foreign = bytes_[~np.isin(bytes_, allowed)]
            if foreign.size:
                culprit = repr(self.names[foreign[0]]) if foreign[0] >= 0 else "nothing, for it was never written"
                raise PlanError(f"{when}: {foreign.size} of the {place.size} bytes of {name!r} hold {culprit}")

    def play(self) -> None:
        program = self.program
        self.write(sorted(program.kept))
        self.write(program.input_tensors)
        self.expect(program.input_tensors, "before the first layer")
        for layer in program.layers:
            scratch = [f"{layer.name}.{scratch.name}" for scratch in layer.scratch]
            self.expect(layer.inputs, f"before layer {layer.name!r}")
            self.write([*layer.outputs, *scratch])
            self.expect(layer.inputs, f"while layer {layer.name!r} runs", self.overwritten(layer))
            self.expect([*layer.outputs, *scratch], f"while layer {layer.name!r} runs")
        self.expect([*program.output_tensors, *sorted(program.kept)], "after the last layer")
