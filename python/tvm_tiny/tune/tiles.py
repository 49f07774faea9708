"""A large design space for the benchmark of the search: plain loops of a convolution, tiled, reordered and written out.

What the compiler really chooses from are few micro-kernels, of which a search sees all in a moment. Whether a cost model leads it
can be told only where there is much to choose: here some hundred candidates, whose cycles differ by what fits into registers, by
loops that cost, and by what the C compiler makes of it.
"""

from __future__ import annotations

from dataclasses import replace

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.implementation import Choices, Decision, Implementation, Knob, Scheduled
from tvm_tiny.target import Core
from tvm_tiny.tune.candidate import Candidate, candidate_by
from tvm_tiny.tune.workload import Space, Workload


def _divisors(extent: int, most: int) -> tuple[int, ...]:
    return tuple(each for each in range(1, most + 1) if extent % each == 0)


def knobs(node: Node, _core: Core) -> tuple[Knob, ...]:
    """What is left open.

    ``columns`` and ``channels`` are the outputs computed together, ``depth`` the input channels of an inner loop. ``inner`` is the
    order of these three loops, ``outer`` that of the two around them, and ``unroll`` how many of the three are written out.
    """
    _, _, columns, channels = node.output.shape
    depth = node.constant(1).shape[-1]
    return (
        Knob("columns", _divisors(columns, 4)),
        Knob("channels", _divisors(channels, 8)),
        Knob("depth", _divisors(depth, 8)),
        Knob("inner", (0, 1, 2)),
        Knob("outer", (0, 1)),
        Knob("unroll", (0, 1, 2, 3)),
    )


def build(node: Node, _core: Core, choices: Choices) -> Scheduled:
    """The definition with a tile of accumulators in local memory."""
    from tvm import s_tir, te

    definition = node.op.define(node)
    placeholders = [placeholder for placeholder, _ in definition.constants.values()]
    sch = s_tir.Schedule(te.create_prim_func([*definition.inputs, *placeholders, definition.output]))
    output, acc = sch.get_sblock("output"), sch.get_sblock("acc")
    n, row, column, channel = sch.get_loops(output)
    column, columns = sch.split(column, [None, choices["columns"]])
    channel, channels = sch.split(channel, [None, choices["channels"]])
    outer = [column, channel] if choices["outer"] == 0 else [channel, column]
    sch.reorder(n, row, *outer, columns, channels)
    sch.compute_at(acc, outer[1], preserve_unit_loops=True)
    sch.set_scope(acc, 0, "local")
    *_, columns, channels, kernel_h, kernel_w, depth = sch.get_loops(acc)
    depth, depths = sch.split(depth, [None, choices["depth"]])
    inner = [depths, columns, channels]
    inner = inner[choices["inner"] :] + inner[: choices["inner"]]
    sch.reorder(kernel_h, kernel_w, depth, *inner)
    sch.decompose_reduction(acc, kernel_h)
    for loop in inner[len(inner) - choices["unroll"] :]:
        sch.unroll(loop)
    return Scheduled(sch.mod["main"], {role: data for role, (_, data) in definition.constants.items()})


def _applies(node: Node, _core: Core) -> bool:
    """A convolution without padding, which would be another loop nest."""
    return node.op.name == "conv2d" and not any(node.attrs.padding)


TILES = Implementation("tiles", _applies, build, knobs)


def tiled(workload: Workload) -> Workload:
    """``workload`` with :data:`TILES` as its only implementation."""
    return replace(workload, spaces=(Space(TILES.name, TILES.knobs(workload.node, workload.core)),))


def tiled_candidate(workload: Workload, decision: Decision) -> Candidate:
    """What ``decision`` makes of a workload of :func:`tiled`."""
    return candidate_by(TILES, workload, decision)
