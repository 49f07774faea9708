"""Consecutive layers made into one that runs row by row: a few rows of each tensor between them are alive, instead of all of it.

`chain_of` tells from shapes alone whether layers can be chained and what memory that takes; `chain_layer` schedules it. A stage is
a layer like any other, made for a few rows (`schedule.rows`); when each of them fires is found by `schedule.firing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tvm_tiny.op.operator import Node, Value
from tvm_tiny.program import Access, Band, Chain, Layer, Overlap, Program, Scratch, Stage
from tvm_tiny.schedule.firing import Firing, Pace, Step, fire
from tvm_tiny.schedule.layer import node_layer
from tvm_tiny.schedule.rows import reach_of, row_node
from tvm_tiny.target import Core

_ALIGNMENT = 16
"""Of a stage's scratch buffers within the chain's work memory, in bytes: that of buffers in the arena."""


@dataclass(frozen=True)
class ChainPlan:
    """How ``layers`` would run as one.

    Attributes
    ----------
    layers : tuple of Layer
        The last one makes the chain's only output.
    inputs : tuple of str
        Tensors that are there as a whole.
    firing : Firing
    heights, row_bytes : dict of str to int
        Rows, and bytes of a row, of every tensor that the chain reads or writes.
    bands : tuple of Band
    """

    layers: tuple[Layer, ...]
    inputs: tuple[str, ...]
    firing: Firing
    heights: Mapping[str, int]
    row_bytes: Mapping[str, int]
    bands: tuple[Band, ...]

    @property
    def output(self) -> str:
        return self.layers[-1].outputs[0]

    @property
    def band_bytes(self) -> int:
        return sum(band.nbytes for band in self.bands)

    def nodes(self) -> list[Node]:
        """What each stage computes at one firing."""
        return [row_node(layer.node, self.firing.paces[layer.outputs[0]].rows) for layer in self.layers]


def chain_of(program: Program, first: int, last: int, rows: int, *, coarse: bool = False) -> ChainPlan | None:
    """Layers ``first`` to ``last`` of ``program``, both included, as a chain whose last layer computes ``rows`` rows at a time.

    None if they cannot be chained: one of them does not work row by row, something inside is needed outside, or rates differ.
    ``coarse`` is explained at `firing.fire`.
    """
    layers = program.layers[first : last + 1]
    if len(layers) < 2 or layers[-1].node is None or not _closed(program, first, last):
        return None
    steps = _steps(layers)
    if steps is None or steps[-1].height % rows or steps[-1].height == rows:
        return None
    inner = {layer.outputs[0] for layer in layers[:-1]}
    inputs = tuple(dict.fromkeys(name for layer in layers for name in layer.inputs if name not in inner))
    values = {name: value for layer in layers for name, value in zip(layer.inputs, _activations(layer.node), strict=True)}
    values[layers[-1].outputs[0]] = layers[-1].node.output
    if any(values[layer.outputs[0]] != layer.node.output for layer in layers):
        return None  # a view between two layers gives the rows another shape
    heights = {name: value.shape[1] for name, value in values.items()}
    firing = fire(steps, {name: heights[name] for name in inputs}, rows, coarse=coarse)
    if firing is None:
        return None
    row_bytes = {name: value.size // value.shape[1] for name, value in values.items()}
    bands = tuple(
        Band(f"{name}_rows", name, held.rows, row_bytes[name], held.top, held.fill, held.cycle, held.phase)
        for name, held in firing.bands.items()
    )
    return ChainPlan(tuple(layers), inputs, firing, heights, row_bytes, bands)


def _steps(layers: Sequence[Layer]) -> list[Step] | None:
    steps = []
    for layer in layers:
        reaches = reach_of(layer.node) if layer.node is not None else None
        if reaches is None or len(layer.outputs) != 1 or len(layer.inputs) != len(reaches):
            return None
        steps.append(Step(layer.outputs[0], layer.node.output.shape[1], tuple(zip(layer.inputs, reaches, strict=True))))
    return steps


def _activations(node: Node) -> list[Value]:
    return [each for each in node.inputs if isinstance(each, Value)]


def _closed(program: Program, first: int, last: int) -> bool:
    """Whether all that the layers but the last make is read by these layers, and by nothing else."""
    layers = program.layers[first : last + 1]
    inner = {name for layer in layers[:-1] for name in layer.outputs}
    results = {program.aliases.get(name, name) for name in program.output_tensors} | program.kept
    later = program.layers[last + 1 :]
    return inner <= {name for layer in layers for name in layer.inputs} and not (
        inner & results or any(name in inner for layer in later for name in layer.inputs)
    )


def stage_layer(layer: Layer, rows: int, core: Core) -> Layer:
    """``layer`` scheduled for ``rows`` rows at a time."""
    row = node_layer(row_node(layer.node, rows), core, layer.name, layer.inputs, layer.outputs[0], macs=layer.macs)
    return replace(row, comment=_comment(row, layer))


def work_bytes(layer: Layer) -> int:
    """Bytes that the scratch buffers of a layer take in the work memory of a chain."""
    return work_offsets(layer.scratch)[1]


def chain_overlaps(plan: ChainPlan, last: Layer | None) -> tuple[Overlap, ...]:
    """How far the chain's output may run over its inputs. ``last`` is the layer of the last stage; None if it is not known yet."""
    return tuple(Overlap(name, plan.output, _before(plan, name, last), _nbytes(plan, name)) for name in plan.inputs)


def chain_layer(plan: ChainPlan, schedule: Callable[[Layer, int], Layer]) -> Layer:
    """The chain as a layer, with its bands and their work memory as scratch; ``schedule`` is `stage_layer` for a core."""
    stages = [schedule(layer, plan.firing.paces[layer.outputs[0]].rows) for layer in plan.layers]
    offsets = [work_offsets(stage.scratch)[0] for stage in stages]
    work = max(map(work_bytes, stages))
    copies = [_copy(plan, name) for name in plan.inputs if name in plan.firing.bands]
    fired = [_stage(plan, stage, scratch) for stage, scratch in zip(stages, offsets, strict=True)]
    first, last = plan.layers[0], plan.layers[-1]
    return Layer(
        name=f"{first.name}_to_{last.name}",
        op="chain",
        func=None,
        inputs=plan.inputs,
        outputs=last.outputs,
        constants=tuple(constant for stage in stages for constant in stage.constants),
        scratch=(*(Scratch(band.name, band.nbytes) for band in plan.bands), *([Scratch("work", work)] if work else [])),
        macs=sum(layer.macs for layer in plan.layers),
        live_macs=sum(layer.live_macs for layer in plan.layers),
        integer=all(stage.integer for stage in stages),
        comment=f"row by row: {', '.join(layer.name for layer in plan.layers)}",
        overlaps=chain_overlaps(plan, stages[-1]),
        chain=Chain(plan.firing.ticks, (*copies, *fired), plan.bands, "work" if work else ""),
    )


def with_chain(program: Program, plan: ChainPlan, schedule: Callable[[Layer, int], Layer]) -> Program:
    """``program`` with the layers of ``plan`` as one."""
    first = next(index for index, layer in enumerate(program.layers) if layer.name == plan.layers[0].name)
    layers = program.layers
    return replace(program, layers=(*layers[:first], chain_layer(plan, schedule), *layers[first + len(plan.layers) :]))


def _comment(row: Layer, layer: Layer) -> str:
    source = layer.comment.partition(": ")[2]
    return f"{row.comment}: {source}" if source else row.comment


def work_offsets(scratch: Sequence[Scratch]) -> tuple[tuple[int, ...], int]:
    """Where the buffers lie, one behind the other, and how many bytes they take together."""
    offsets, end = [], 0
    for buffer in scratch:
        begin = -(-end // _ALIGNMENT) * _ALIGNMENT
        offsets.append(begin)
        end = begin + buffer.nbytes
    return tuple(offsets), end


def _copy(plan: ChainPlan, name: str) -> Stage:
    """The stage that brings rows of an input into their band."""
    pace, row_bytes = plan.firing.paces[name], plan.row_bytes[name]
    source = Access(name, 0, pace.rows * row_bytes)
    return Stage(name, None, pace.rows, pace.first, pace.period, pace.count, pace.padding, (source,), _newest(plan, name))


def _stage(plan: ChainPlan, layer: Layer, scratch: tuple[int, ...]) -> Stage:
    tensor = layer.outputs[0]
    pace = plan.firing.paces[tensor]
    inputs = []
    for operand, name in enumerate(layer.inputs):
        place, row_bytes = plan.firing.places[tensor, operand], plan.row_bytes[name]
        inputs.append(Access(name if place.advance else f"{name}_rows", place.row * row_bytes, place.advance * row_bytes))
    output = Access(tensor, 0, pace.rows * plan.row_bytes[tensor]) if tensor == plan.output else _newest(plan, tensor)
    return Stage(tensor, layer, pace.rows, pace.first, pace.period, pace.count, pace.padding, tuple(inputs), output, scratch)


def _newest(plan: ChainPlan, name: str) -> Access:
    """Where new rows come into a band."""
    held, rows = plan.firing.bands[name], plan.firing.paces[name].rows
    first = held.rows - held.cycle * rows
    return Access(f"{name}_rows", first * plan.row_bytes[name], rows * plan.row_bytes[name])


def _nbytes(plan: ChainPlan, name: str) -> int:
    return plan.row_bytes[name] * plan.heights[name]


def _before(plan: ChainPlan, name: str, last: Layer | None) -> int:
    """`Overlap.before` of the chain's output and its input ``name``; ``last`` is the layer of the last stage.

    At each of its firings no row may be overwritten that any stage is still to read, and what it reads itself meanwhile lies behind
    what it writes as far as the layer itself wants it.
    """
    pace, row_bytes = plan.firing.paces[plan.output], plan.row_bytes[name]
    written = pace.rows * plan.row_bytes[plan.output]
    if last is None:
        own = 0 if len(plan.layers[-1].inputs) > 1 else written  # an addition reads an element and then writes one
    else:
        own = max((each.before for each in last.overlaps if each.input == name), default=written)
    before = -_nbytes(plan, name)
    for turn in range(pace.count):
        tick = pace.first + turn * pace.period
        for reader, advance, writes in _readers(plan, name):
            done = (tick - reader.first) // reader.period + 1  # firings that are over when the last stage writes
            if max(done, 0) < reader.count:
                before = max(before, (turn + 1) * written - max(done, 0) * advance * row_bytes)
            if writes:
                before = max(before, turn * written + own - turn * advance * row_bytes)
    return before


def _readers(plan: ChainPlan, name: str) -> list[tuple[Pace, int, bool]]:
    """The pace of each stage that reads the whole tensor ``name``, its rows' distance, and whether it writes the chain's output."""
    paces, readers = plan.firing.paces, []
    if name in plan.firing.bands:
        readers.append((paces[name], paces[name].rows, False))
    for layer in plan.layers:
        for operand, each in enumerate(layer.inputs):
            place = plan.firing.places[layer.outputs[0], operand]
            if each == name and place.advance:
                readers.append((paces[layer.outputs[0]], place.advance, layer.outputs[0] == plan.output))
    return readers
