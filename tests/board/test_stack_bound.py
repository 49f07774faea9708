"""The bound of the stack, from machine code: functions whose need can be counted by hand, and the models' painted stacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tvm_tiny import api
from tvm_tiny.board import get_board
from tvm_tiny.board.stack_bound import deepest, parse, stack_bound
from tvm_tiny.errors import BoardError
from tvm_tiny.testing.samples import random_inputs


def functions(text: str) -> list[str]:
    """``name: instruction; instruction`` lines as objdump prints them."""
    lines = []
    for line in text.strip().splitlines():
        name, _, body = line.strip().partition(": ")
        lines.append(f"00000000 <{name}>:")
        for instruction in body.split("; "):
            mnemonic, _, operands = instruction.partition(" ")
            lines.append(f"       0:\t{mnemonic}\t{operands}")
    return lines


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("push {r4, r5, lr}; pop {r4, r5, pc}", 12),
        ("push {r4-r7, lr}; sub sp, #20; add sp, #20", 40),
        ("stmdb sp!, {r4, r5, r6, r7, r8, r9, sl, fp, lr}; vpush {d8-d15}", 36 + 64),
        ("str.w lr, [sp, #-4]!; strd r4, r5, [sp, #-16]!", 20),
        ("sub.w sp, sp, #512; bx lr", 512),
        ("ldr r0, [sp, #4]; str r0, [sp, #8]; bx lr", 0),
        ("push {r4, lr}; addw ip, pc, #16; add r2, r2, ip; bx r2; pop {r4, pc}", 8),  # a loop is entered in its midst
    ],
)
def test_what_one_function_takes(body: str, expected: int) -> None:
    assert deepest(parse(functions(f"f: {body}")), "f") == expected


def test_the_deepest_chain_of_calls_counts() -> None:
    """f 8 + g 16 + h 4; the tail call to k takes 40."""
    text = """
    f: push {r4, lr}; bl 0 <g>; bl 0 <h>; bx lr
    g: push {r4, r5, r6, lr}; bl 0 <h>; bx lr
    h: push {lr}; beq.n 0 <h+0x2>; b.w 0 <k>
    k: sub sp, #40; bx lr
    """
    assert deepest(parse(functions(text)), "f") == 8 + 16 + 4 + 40


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("f: push {lr}; bl 0 <g>\ng: push {lr}; bl 0 <f>", "f calls g calls f"),
        ("f: push {lr}; blx r3", "f calls through a pointer"),
        ("f: sub.w sp, sp, r3", "moves by a register"),
        ("f: bl 0 <elsewhere>", "no function elsewhere"),
    ],
)
def test_what_has_no_bound_is_told(text: str, told: str) -> None:
    with pytest.raises(BoardError, match=told):
        deepest(parse(functions(text)), "f")


@pytest.mark.models
@pytest.mark.parametrize("board", ["mps2-an386", "mps3-an547"])
@pytest.mark.parametrize("name", ["kws", "vww", "ic", "ad"])
def test_no_model_takes_more_and_all_stay_below_512_bytes(models_dir: Path, name: str, board: str) -> None:
    device = get_board(board)
    compiled = api.compile(models_dir / f"{name}.tflite", target=device.target)
    image = device.build(compiled.module, optimize="speed")
    painted = device.run(image, random_inputs(compiled.inputs, 1)).stack

    bound = stack_bound(image.path, f"{name}_run")
    assert painted is not None
    assert painted <= bound <= 512
