from dataclasses import replace

import numpy as np
import pytest

from tvm_tiny.codegen.check import check_program
from tvm_tiny.memory.plan import MemoryPlan
from tvm_tiny.model import TensorSpec
from tvm_tiny.program import Constant, Layer, Program, Scratch, Tensor

from .programs import every_kind, stacked_plan, tensor_table

SMALL = Program(
    "net",
    (TensorSpec("x", (1, 2, 3, 1), "int8"),),
    (TensorSpec("y", (6,), "int32"),),
    ("x",),
    ("y",),
    tensor_table(Tensor("x", (1, 2, 3, 1), "int8"), Tensor("y", (6,), "int32")),
    (Layer("op_0", "op", None, ("x",), ("y",), (Constant("w", np.ones(3, np.int8)),), (Scratch("s", 8, "int16"),)),),
)


def test_sound_programs_pass() -> None:
    check_program(SMALL, stacked_plan(SMALL))
    check_program(every_kind(), stacked_plan(every_kind()))


def with_tensor(**changes: object) -> Program:
    return replace(SMALL, tensors=SMALL.tensors | {"x": replace(SMALL.tensors["x"], **changes)})


def with_layer(**changes: object) -> Program:
    return replace(SMALL, layers=(replace(SMALL.layers[0], **changes),))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (replace(SMALL, name="my net"), "no C identifier"),
        (replace(SMALL, outputs=(), output_tensors=()), "no output"),
        (replace(SMALL, layers=SMALL.layers * 2), "more than one symbol called op_0"),
        (with_layer(name="run"), "more than one symbol called run"),
        (with_layer(name="w"), "more than one symbol called w"),
        (with_layer(name="op-0"), "no C identifier"),
        (with_layer(constants=(Constant("w", np.ones(0, np.int8)),)), "empty"),
        (with_layer(constants=(Constant("w", np.ones(2)), Constant("w", np.zeros(2)))), "two different constants"),
        (with_layer(outputs=()), "no output"),
        (with_layer(inputs=("nothing",)), "no tensor with storage"),
        (replace(SMALL, aliases={"x": "y"}), "no tensor with storage"),
        (with_tensor(dtype="uint8"), "held as"),
        (with_tensor(shape=(7,)), "held as"),
        (with_tensor(offset=128), "offset of 128"),
        (with_tensor(layout=(0, 2, 1, 3)), "order"),
    ],
)
def test_unsound_programs_are_refused(program: Program, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_program(program, stacked_plan(SMALL))


def test_a_layout_that_moves_nothing_is_no_matter() -> None:
    check_program(with_tensor(layout=(0, 2, 3, 1)), stacked_plan(SMALL))


def changed(name: str, **changes: object) -> MemoryPlan:
    plan = stacked_plan(SMALL)
    return replace(plan, placements=plan.placements | {name: replace(plan.placements[name], **changes)})


def without(plan: MemoryPlan, name: str) -> MemoryPlan:
    return replace(plan, placements={key: place for key, place in plan.placements.items() if key != name})


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (changed("y", offset=18), "offset 18"),
        (changed("op_0.s", offset=33), "offset 33"),
        (replace(stacked_plan(SMALL), alignment=1), "aligned to 1 byte"),
        (without(stacked_plan(SMALL), "op_0.s"), "no place"),
    ],
)
def test_unsound_plans_are_refused(plan: MemoryPlan, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_program(SMALL, plan)


def test_an_inner_tensor_needs_a_place() -> None:
    program = every_kind()
    with pytest.raises(ValueError, match="'sums' has no place"):
        check_program(program, without(stacked_plan(program), "sums"))
