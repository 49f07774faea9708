"""The scales of an addition go in; one linear form comes out that is the reference for all 65,536 pairs."""

from __future__ import annotations

import numpy as np
import pytest

from tests.op.helpers import COLUMN, ROW, assert_equals, compile_tflite
from tvm_tiny.op.operator import node_of
from tvm_tiny.op.qdq import Arithmetic
from tvm_tiny.schedule.linear_add import linear_form, reference
from tvm_tiny.testing.litert_reference import LiteRTReference
from tvm_tiny.testing.tflite_builder import TFLiteBuilder
from tvm_tiny.transform.lower_integer import lower_integer

INT8 = np.arange(-128, 128, dtype=np.int64)


def addition(scales: tuple[float, float, float], zero_points: tuple[int, int, int], *, subtract: bool = False) -> bytes:
    """A model that adds (or subtracts) two tensors of all pairs of values."""
    b = TFLiteBuilder()
    x = b.input("x", (256, 256), "int8", scale=scales[0], zero_point=zero_points[0])
    y = b.input("y", (256, 256), "int8", scale=scales[1], zero_point=zero_points[1])
    operator = b.sub if subtract else b.add
    return b.build([operator(x, y, "z", scale=scales[2], zero_point=zero_points[2])])


NOT_LINEAR = addition((0.03939355, 0.10419496, 0.05094567), (-128, 4, -128))
"""The first addition of a ResNet-8: its roundings contradict every linear form."""

CASES = {
    "as in a residual network": addition((0.0394, 0.1042, 0.0509), (-128, 4, -128)),
    "signed": addition((0.021, 0.034, 0.047), (3, -20, 17)),
    "a small and a large one": addition((0.0011, 0.5, 0.4), (100, -3, 0)),
    "a difference": addition((0.03, 0.02, 0.05), (5, 9, -1), subtract=True),
}
PAIRS = {
    "x": np.ascontiguousarray(np.broadcast_to(COLUMN, (256, 256))),
    "y": np.ascontiguousarray(np.broadcast_to(ROW, (256, 256))),
}


@pytest.mark.parametrize("board", ["host", "mps2-an386"])
@pytest.mark.parametrize("case", CASES)
def test_all_pairs_equal_litert(case: str, board: str) -> None:
    compiled = compile_tflite(CASES[case], target="cortex-m4")
    assert " >> " in compiled.module.files["model.c"]  # the linear form, not TFLite's four roundings
    assert_equals(compiled.run([PAIRS], board=board).outputs, [LiteRTReference(CASES[case]).run(PAIRS)])


@pytest.mark.parametrize("board", ["host", "mps2-an386"])
def test_where_no_linear_form_is_exact_a_table_is(board: str) -> None:
    compiled = compile_tflite(NOT_LINEAR, target="cortex-m4")
    assert "_table[" in compiled.module.files["model.c"]
    assert_equals(compiled.run([PAIRS], board=board).outputs, [LiteRTReference(NOT_LINEAR).run(PAIRS)])


def test_the_form_is_the_reference_for_every_pair() -> None:
    from tvm_tiny.frontend.tflite import load_tflite

    lowered = lower_integer(load_tflite(CASES["signed"], "m", "m.tflite"), Arithmetic("tflite-micro"))
    (node,) = (node_of(binding.value) for binding in lowered.mod["main"].body.blocks[0].bindings if hasattr(binding.value, "op"))
    form = linear_form(node.attrs)
    assert form is not None
    computed = np.clip((INT8[:, None] * form.a + INT8[None, :] * form.b + form.c) >> form.shift, -128, 127)
    assert np.array_equal(computed, reference(node.attrs))


def test_an_output_too_coarse_to_tell_its_inputs() -> None:
    model = addition((1e-6, 1e-6, 1.0), (0, 0, 7))
    compiled = compile_tflite(model, target="cortex-m4")
    assert_equals(compiled.run([PAIRS]).outputs, [LiteRTReference(model).run(PAIRS)])
