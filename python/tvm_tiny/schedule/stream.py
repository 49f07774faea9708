"""A model over time, given one frame at each call: every layer computes the one row that is new, instead of all of them again.

The rows of the model's input are frames. From the input on, layers that work row by row become one layer, the stream: a chain
(`schedule.chain`) of which each call runs one tick, and whose bands keep their rows from call to call. Its last tensor is a band,
too, as high as the model's own; what follows (a pooling over time, a classifier) runs on it whenever it is complete and new.

Only layers that do not pad the time axis can do so. Padding belongs to the edges of a window, and in a stream every window has
other edges: what a padded layer computed for one is of no use to the next. So the outputs are exactly those of the model on the
last frames.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from tvm_tiny.errors import UnsupportedOperatorError
from tvm_tiny.op.operator import Node
from tvm_tiny.program import Access, Band, Chain, Layer, Program, Scratch, Stage, Stream
from tvm_tiny.schedule.chain import work_offsets
from tvm_tiny.schedule.firing import Firing, Reach, Step, fire
from tvm_tiny.schedule.layer import node_layer
from tvm_tiny.schedule.rows import reach_of, row_node
from tvm_tiny.target import Core

_FRAMES = "frames"
_CLOCK = "clock"


def stream_program(program: Program, core: Core) -> Program:
    """``program``, whose one input is (1, frames, width, channels) int8, as a model that gets (1, 1, width, channels) at each call.

    Raises
    ------
    UnsupportedOperatorError
        The input has another form, or its first layer does not work row by row without padding; says why.
    """
    source = _input_of(program)
    head = _head(program, source)
    firing = fire(_steps(program, source, head), {source: program.tensors[source].shape[1]}, 1)
    if firing is None:
        raise _refusal(program, head[0], "its layers move through time at rates that do not match")
    layer, kept = _stream_layer(program, source, head, firing, core)
    frame = replace(program.inputs[0], shape=(1, 1, *program.inputs[0].shape[2:]))
    tensors = {**program.tensors, source: replace(program.tensors[source], shape=(1, 1, *program.tensors[source].shape[2:]))}
    return replace(
        program,
        inputs=(frame,),
        tensors=tensors,
        layers=(layer, *program.layers[len(head) :]),
        kept=frozenset(kept),
    )


def _input_of(program: Program) -> str:
    if len(program.inputs) != 1:
        raise UnsupportedOperatorError(
            f"{program.name} has {len(program.inputs)} inputs: a stream of frames goes into a model with one input",
            "compile it whole",
        )
    name = program.input_tensors[0]
    tensor = program.tensors[name]
    if len(tensor.shape) != 4 or tensor.shape[0] != 1 or tensor.shape[1] < 2 or tensor.dtype != "int8" or name in program.aliases:
        raise UnsupportedOperatorError(
            f"the input {program.inputs[0].name!r} of {program.name} is {tensor.dtype}{list(tensor.shape)}: a stream needs "
            "int8[1, frames, width, channels] with more than one frame",
            "the frames must lie along the second axis",
        )
    return name


def _head(program: Program, source: str) -> tuple[Layer, ...]:
    """The longest run of layers from the first on that can be streamed, and of which only the last output is needed behind."""
    best, problem = 0, ""
    inside = {source}
    results = {program.aliases.get(name, name) for name in program.output_tensors}
    for index, layer in enumerate(program.layers):
        problem = _obstacle(layer, inside)
        if problem:
            break
        inside.add(layer.outputs[0])
        if _needed_behind(program, index) == {layer.outputs[0]} and layer.outputs[0] not in results:
            best = index + 1
    if best == 0:
        raise _refusal(
            program,
            program.layers[0],
            problem or "nothing is left to compute behind it, or layers there need more than one of its tensors",
        )
    return program.layers[:best]


def _obstacle(layer: Layer, inside: set[str]) -> str:
    """Why ``layer`` cannot be a part of the stream, "" if it can."""
    reaches = reach_of(layer.node) if isinstance(layer.node, Node) else None
    if reaches is None or len(layer.outputs) != 1:
        return "it does not compute a row of its output from some rows of its input"
    if layer.node.output.shape[1] == 1:
        return "it takes the whole window"
    if not set(layer.inputs) <= inside:
        return "it reads what does not come from the frames"
    if any(reach.fill is not None for reach in reaches) or _pads_below(layer.node):
        return "it pads the time axis, so that what it computes at the edge of one window is of no use to the next"
    return ""


def _pads_below(node: Node) -> bool:
    padding = getattr(node.attrs, "padding", None)
    return padding is not None and bool(padding[0] or padding[2])


def _needed_behind(program: Program, index: int) -> set[str]:
    """Tensors of layers 0 to ``index``, or the input, that something behind reads."""
    made = {name for layer in program.layers[: index + 1] for name in (*layer.inputs, *layer.outputs)}
    results = {program.aliases.get(name, name) for name in program.output_tensors}
    read = {program.aliases.get(name, name) for layer in program.layers[index + 1 :] for name in layer.inputs}
    return made & (results | read)


def _refusal(program: Program, layer: Layer, reason: str) -> UnsupportedOperatorError:
    return UnsupportedOperatorError(
        f"{program.name} cannot take its input frame by frame: layer {layer.name} ({layer.comment or layer.op}): {reason}",
        "train it without padding along time (padding='valid'), or compile it whole",
    )


def _steps(program: Program, source: str, head: tuple[Layer, ...]) -> list[Step]:
    """The frames come into a band of their own; every layer reads that one instead of the input."""
    height = program.tensors[source].shape[1]
    steps = [Step(_FRAMES, height, ((source, Reach()),))]
    for layer in head:
        reaches = reach_of(layer.node)
        assert reaches is not None
        reads = tuple((_FRAMES if name == source else name, reach) for name, reach in zip(layer.inputs, reaches, strict=True))
        steps.append(Step(layer.outputs[0], layer.node.output.shape[1], reads))
    return steps


def _stream_layer(program: Program, source: str, head: tuple[Layer, ...], firing: Firing, core: Core) -> tuple[Layer, list[str]]:
    """The stream, and the names of the buffers that it keeps."""
    window = head[-1].outputs[0]
    paces = firing.paces
    assert paces[_FRAMES].first == 0 and paces[_FRAMES].period == 1  # noqa: PT018 - no layer makes more rows than it reads
    row_bytes = {_FRAMES: program.tensors[source].nbytes // program.tensors[source].shape[1]}
    row_bytes |= {layer.outputs[0]: program.tensors[layer.outputs[0]].nbytes // layer.node.output.shape[1] for layer in head}
    bands = [
        Band(f"{name}_rows", name, held.rows, row_bytes[name], 0, 0, held.cycle, held.phase) for name, held in firing.bands.items()
    ]
    bands.append(Band(window, window, head[-1].node.output.shape[1], row_bytes[window]))
    rows = [
        node_layer(row_node(layer.node, 1), core, layer.name, layer.inputs, layer.outputs[0], macs=_per_row(layer))
        for layer in head
    ]
    rows = [replace(row, comment=f"one row: {layer.comment}") for row, layer in zip(rows, head, strict=True)]
    offsets = [work_offsets(row.scratch) for row in rows]
    work = max(end for _, end in offsets)

    by_tensor = {band.tensor: band for band in bands}
    stages = [_stage(firing, _FRAMES, None, (Access(source, 0, row_bytes[_FRAMES]),), by_tensor)]
    for row, (places, _) in zip(rows, offsets, strict=True):
        tensor = row.outputs[0]
        inputs = []
        for operand, name in enumerate(row.inputs):
            read = _FRAMES if name == source else name
            inputs.append(Access(by_tensor[read].name, firing.places[tensor, operand].row * row_bytes[read]))
        stages.append(replace(_stage(firing, tensor, row, tuple(inputs), by_tensor), scratch=places))
    hop = paces[window].period
    frames = paces[window].first + (head[-1].node.output.shape[1] - 1) * hop + 1
    repeat = math.lcm(hop, *(paces[band.tensor].period * band.cycle for band in bands))
    back = frames - 1
    chain = Chain(0, tuple(stages), tuple(bands), "work" if work else "", Stream(frames, hop, _CLOCK, back + repeat, back))
    name = f"{head[0].name}_to_{head[-1].name}"
    scratch = [Scratch(band.name, band.nbytes) for band in bands if band.name != window] + [Scratch(_CLOCK, 4, "int32")]
    layer = Layer(
        name=name,
        op="stream",
        func=None,
        inputs=(source,),
        outputs=(window,),
        constants=tuple(constant for row in rows for constant in row.constants),
        scratch=(*scratch, *([Scratch("work", work)] if work else [])),
        macs=sum(row.macs for row in rows),
        live_macs=sum(row.live_macs for row in rows),
        integer=all(row.integer for row in rows),
        comment=f"one frame: {', '.join(each.name for each in head)}",
        chain=chain,
    )
    return layer, [window, *(f"{name}.{buffer.name}" for buffer in scratch)]


def _per_row(layer: Layer) -> int:
    return layer.macs // int(np.prod(layer.node.output.shape[:2]))


def _stage(firing: Firing, tensor: str, layer: Layer | None, inputs: tuple[Access, ...], bands: dict[str, Band]) -> Stage:
    pace, band = firing.paces[tensor], bands[tensor]
    newest = Access(band.name, (band.rows - band.cycle) * band.row_bytes, band.row_bytes)
    return Stage(tensor, layer, 1, pace.first, pace.period, 0, 0, inputs, newest)
