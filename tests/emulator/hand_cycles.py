"""Sequences of assembly whose cycles were counted by hand, run as layers of one model for each core."""

from __future__ import annotations

from collections.abc import Mapping

from tvm_tiny.board import list_boards
from tvm_tiny.board.base import RunResult
from tvm_tiny.board.emulated import PLUGIN, EmulatedBoard

from .programs import SAMPLE, Function, hand

BOARDS = {info.name: info for info in list_boards()}


def cycles(board: str, sequences: Mapping[str, str], core: str | None = None) -> dict[str, int]:
    """Modelled cycles of each sequence without its surroundings, on ``board`` (with the model of ``core`` where one is given).

    A sequence starts with r0, r1 and r2 pointing to memory and r3 = 0, behind a barrier, with which nothing is paired; it may use
    r4 to r7. An empty sequence is subtracted.
    """
    setup = "ldr r0, =space\nldr r1, =space\nldr r2, =space\nmovs r3, #0"
    bodies = ["", *sequences.values()]
    functions = [Function(f"f{i}", f"{setup}\nisb\n{body}\nisb\nbx lr\n.ltorg") for i, body in enumerate(bodies)]
    measured = [layer.cycles or 0 for layer in run(board, functions, core).layers]
    return {name: count - measured[0] for name, count in zip(sequences, measured[1:], strict=True)}


def run(board: str, functions: list[Function], core: str | None = None) -> RunResult:
    """One inference that calls ``functions`` as layers, in this order."""
    emulated = EmulatedBoard(BOARDS[board], PLUGIN)
    memory = Function("memory", "bx lr\n.pushsection .bss\n.balign 64\nspace: .space 256\n.popsection")
    names = [function.name for function in functions]
    run_body = "push {r4, r5, r6, r7, lr}\n" + "".join(f"bl {name}\n" for name in names) + "movs r0, #0\npop {r4, r5, r6, r7, pc}"
    image = emulated.build(hand([memory, *functions], names, run=run_body))
    if core is not None:
        emulated.target = core
    return emulated.run(image, [SAMPLE])
