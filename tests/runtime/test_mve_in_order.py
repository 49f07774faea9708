"""Functions that are said to work in order, with their output where an input is, or in front of it: twins and MVE forms."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

import tvm_tiny.schedule.mve
from tvm_tiny.board import get_board

from .mve_calls import additions
from .mve_program import Call, program

IN_ORDER = {"tvm_tiny_mve_linear_row": ("x", "y"), "tvm_tiny_mve_table_row": ("x", "y")}
"""Function → the operands that its output may lie over."""

SIZES = (1, 5, 30)


def laid_over(call: Call, operand: str, distance: int) -> Call:
    """``call`` with its output ``distance`` bytes in front of ``operand``, which is copied to where it then lies."""
    name = next(iter(call.functions))
    size = call.expected.size
    place = f"(&{{out}}[{distance}])"
    moved = call.statement.replace(f"{{{operand}}}", place)
    left = call.inputs[operand].ravel()[size - min(distance, size) :]
    gap = np.full(max(0, distance - size), 0, np.int8)
    expected = np.concatenate([call.expected, gap, left])
    written = np.concatenate([np.ones(size, bool), np.zeros(gap.size, bool), np.ones(left.size, bool)])
    assert name in moved
    return Call(f"memcpy({place}, {{{operand}}}, {size}u);\n  {moved}", call.inputs, expected, written)


def calls(distances: tuple[int, ...]) -> list[Call]:
    rows = [each for each in additions(SIZES) if each.functions & set(IN_ORDER) and "-90, 77" in each.statement]
    assert {next(iter(each.functions)) for each in rows} == set(IN_ORDER)
    return [
        laid_over(call, operand, distance)
        for call, distance in itertools.product(rows, distances)
        for operand in IN_ORDER[next(iter(call.functions))]
    ]


@pytest.mark.parametrize(("board", "optimize"), [("host", "speed"), ("mps3-an547", "speed"), ("mps3-an547", "size")])
def test_the_output_over_an_input(board: str, optimize: str) -> None:
    module, given, expected = program(calls((0, 1, 4, 17)), "c" if board == "host" else "cortex-m55")
    device = get_board(board)
    (outputs,) = device.run(device.build(module, optimize=optimize, sanitize=True), [{"x": given}]).outputs
    np.testing.assert_array_equal(outputs["y"], expected)


def test_nothing_else_is_said_to_work_in_order() -> None:
    """Whoever declares another function adds it above."""
    files = Path(tvm_tiny.schedule.mve.__file__).parent.glob("*.py")
    declared = {path.name for path in files if re.search(r"in_order=True", path.read_text())}
    assert declared == {"add.py"}
