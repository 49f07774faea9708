from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tvm_tiny.board import get_board
from tvm_tiny.board.glue import all_in_arena, glue_header, outside_buffer
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.errors import ToolchainError
from tvm_tiny.model import TensorSpec

from .modules import expected, samples, twice


def test_places_outside_the_arena_are_aligned_to_their_element_and_no_better() -> None:
    module = replace(
        twice(),
        inputs=(TensorSpec("a", (3,), "int8"), TensorSpec("b", (2,), "float32")),
        outputs=(TensorSpec("c", (2,), "int16"),),
    )
    buffer = outside_buffer(module)
    a, b, c = buffer.offsets
    assert (a % 2, b % 8, c % 4) == (1, 4, 2)
    assert a >= 8
    assert b >= a + 3
    assert c >= b + 8
    assert buffer.size >= c + 4 + 8


def without_places() -> CModule:
    """The model with input and output outside its arena only."""
    module = twice()
    files = dict(module.files)
    files["twice.h"] = files["twice.h"].replace("#define TWICE_X_OFFSET 0u\n", "").replace("#define TWICE_Y_OFFSET 0u\n", "")
    checked = files["twice.c"].replace(": memory;", ": NULL;")
    files["twice.c"] = checked.replace(
        "  twice_double(x,", "  if (x == NULL || y == NULL)\n    return TWICE_ERROR_NULL;\n  twice_double(x,"
    )
    return replace(module, files=files)


@pytest.mark.parametrize("name", ["host", "mps2-an386"])
def test_tensors_that_have_no_place_in_the_arena(name: str) -> None:
    module, given = without_places(), samples(5)
    assert not all_in_arena(module)
    board = get_board(name)
    result = board.run(board.build(module), given)
    for sample, outputs in zip(given, result.outputs, strict=True):
        np.testing.assert_array_equal(outputs["y"], expected(sample))


def test_a_board_without_room_outside_the_arena() -> None:
    assert "#define TVM_TINY_MODEL_OUTSIDE_SIZE 0u" in glue_header(twice(), outside=False)


def test_sizes_that_differ_from_the_header_do_not_compile() -> None:
    module = replace(twice(), inputs=(TensorSpec("x", (2, 5), "int8"),))
    with pytest.raises(ToolchainError, match="harness_check_1"):
        get_board("host").build(module)
