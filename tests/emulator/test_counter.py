"""The plugin's counts against counts made by hand."""

from __future__ import annotations

import pytest

from tvm_tiny.board import list_boards
from tvm_tiny.board.base import RunResult
from tvm_tiny.board.emulated import ICOUNT, PLUGIN, EmulatedBoard
from tvm_tiny.codegen.sources import CModule

from .programs import SAMPLE, Function, hand

BOARDS = {info.name: info for info in list_boards()}

# Thumb-1 alone, so that every core runs it.
LOOP = Function("loop", "movs r0, #100\n1: subs r0, #1\nbne 1b\nbx lr")
LOOP_COUNT = 1 + 2 * 100 + 1
NOTHING = Function("nothing", "bx lr")


def run(module: CModule, board: str = "mps2-an386", samples: int = 1) -> RunResult:
    emulated = EmulatedBoard(BOARDS[board], PLUGIN)
    return emulated.run(emulated.build(module), [SAMPLE] * samples)


def layers(result: RunResult) -> list[int | None]:
    return [layer.instructions for layer in result.layers]


BODIES = {
    "straight": ("nop\nnop\nbx lr", 3),
    "loop": (LOOP.body, LOOP_COUNT),
    "wide instructions": ("movw r0, #1000\nmov.w r1, r0, lsl #3\nmla r2, r0, r1, r0\nbx lr", 4),
    "branch taken": ("movs r0, #0\ncmp r0, #0\nbeq 1f\nnop\nnop\n1: bx lr", 4),
    "branch not taken": ("movs r0, #1\ncmp r0, #0\nbeq 1f\nnop\nnop\n1: bx lr", 6),
    # An IT instruction is one itself, and what it skips counts too.
    "if-then": ("movs r0, #0\ncmp r0, #0\nite ne\naddne r1, r0, #1\naddeq r1, r0, #2\nbx lr", 6),
    "push and pop": ("push {r4-r7, lr}\nmovs r4, #1\npop {r4-r7, pc}", 3),
    "longer than a translated block": (".rept 700\nnop\n.endr\nbx lr", 701),
    # The second instruction begins two bytes before a page of the emulator ends.
    "across a page": ("b.w 1f\n.p2align 12\n.space 4092\n1: nop\nmovw r0, #1\nmovw r1, #2\nbx lr", 5),
    "table branch": ("movs r0, #1\ntbb [pc, r0]\n1: .byte 1, 2\n2: nop\nbx lr", 3),
    "division and float": ("movs r0, #9\nmovs r1, #2\nudiv r2, r0, r1\nvmov s0, r2\nvcvt.f32.u32 s0, s0\nbx lr", 6),
}


@pytest.mark.parametrize(("body", "expected"), BODIES.values(), ids=BODIES.keys())
def test_counts_exactly(body: str, expected: int) -> None:
    result = run(hand([Function("body", body)], ["body"]))
    assert layers(result) == [expected]
    assert result.instructions == expected + 4
    assert result.functions == {"body": expected, "hand_run": 4}


@pytest.mark.parametrize("board", [name for name, info in BOARDS.items() if info.kind == "qemu"])
def test_counts_on_every_core(board: str) -> None:
    result = run(hand([LOOP, NOTHING], ["loop", "nothing"]), board)
    assert (result.counter, result.instructions, layers(result)) == (PLUGIN, LOOP_COUNT + 1 + 5, [LOOP_COUNT, 1])


def test_callees_belong_to_their_layer() -> None:
    first = Function("first", "push {r4, lr}\nbl loop\npop {r4, pc}")
    second = Function("second", "push {r4, lr}\nbl loop\nbl loop\npop {r4, pc}")
    result = run(hand([LOOP, first, second], ["first", "second"]))
    assert layers(result) == [3 + LOOP_COUNT, 4 + 2 * LOOP_COUNT]
    assert result.functions["loop"] == 3 * LOOP_COUNT


def test_callees_of_run_belong_to_no_layer() -> None:
    body = "push {r4, lr}\nbl loop\nbl nothing\nbl loop\nmovs r0, #0\npop {r4, pc}"
    result = run(hand([LOOP, NOTHING], ["nothing"], run=body))
    assert layers(result) == [1]
    assert result.instructions == 2 * LOOP_COUNT + 1 + 6


def test_layers_that_share_a_function_are_two() -> None:
    assert layers(run(hand([LOOP, NOTHING], ["loop", "nothing", "loop"]))) == [LOOP_COUNT, 1, LOOP_COUNT]


def test_a_layer_that_loops_to_its_first_instruction_is_one() -> None:
    head = Function("head", "subs r5, #1\nbne head\nbx lr")
    body = "push {r4, r5, r6, lr}\nmovs r5, #50\nbl head\nmovs r0, #0\npop {r4, r5, r6, pc}"
    assert layers(run(hand([head], ["head"], run=body))) == [101]


def test_a_last_layer_that_run_jumps_to() -> None:
    last = Function("last", "movs r0, #0\nbx lr")
    body = "push {r4, lr}\nbl loop\npop.w {r4, lr}\nb.w last"
    result = run(hand([LOOP, last], ["loop", "last"], run=body))
    assert layers(result) == [LOOP_COUNT, 2]
    assert result.instructions == LOOP_COUNT + 2 + 4


def test_layers_that_are_not_called_leave_the_total_and_a_note() -> None:
    body = "push {r4, lr}\nbl loop\nmovs r0, #0\npop {r4, pc}"
    result = run(hand([LOOP, NOTHING], ["loop", "nothing"], run=body))
    assert result.layers == ()
    assert "[1] layer functions were called in an inference, expected 2" in result.log
    assert result.instructions == LOOP_COUNT + 4


def test_each_inference_has_its_own_count() -> None:
    """The layer counts its own calls in a word behind the vectors' end: 1 + 2n + 7 instructions in call n."""
    counting = Function(
        "counting",
        """
        ldr r1, =calls
        ldr r0, [r1]
        adds r0, #1
        str r0, [r1]
        1: subs r0, #1
        bne 1b
        bx lr
        .ltorg
        .pushsection .bss
        calls: .space 4
        .popsection
        """,
    )
    result = run(hand([counting], ["counting"]), samples=4)
    assert result.per_inference == tuple(5 + 2 * n + 4 for n in (1, 2, 3, 4))
    assert result.instructions == round(sum(result.per_inference) / 4)
    assert layers(result) == [round(sum(5 + 2 * n for n in (1, 2, 3, 4)) / 4)]


@pytest.mark.parametrize("board", ["microbit-xl", "mps2-an386", "mps2-an505", "mps3-an547"])
def test_icount_agrees_within_two_ticks(board: str) -> None:
    slow = Function("slow", "ldr r0, =100000\n1: subs r0, #1\nbne 1b\nbx lr\n.ltorg")
    module = hand([slow], ["slow"])
    exact = run(module, board)
    emulated = EmulatedBoard(BOARDS[board], ICOUNT)
    timed = emulated.run(emulated.build(module), [SAMPLE])
    assert exact.instructions == 200_002 + 4
    assert (timed.counter, timed.layers) == (ICOUNT, ())
    clock = BOARDS[board].clock
    assert clock is not None
    assert timed.instructions == pytest.approx(exact.instructions, abs=2 * 1e9 / clock)
