"""The table of operators tells the truth: every row is compiled in every dtype, every constraint is violated once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from _pytest.mark.structures import ParameterSet

from tests.npu.offloaded import offloaded
from tvm_tiny import api
from tvm_tiny.errors import UnsupportedOperatorError
from tvm_tiny.frontend import load
from tvm_tiny.frontend.tflite_operators import ARITHMETIC, MOVES, PREDICATES
from tvm_tiny.op.support import ALL, Support, operators
from tvm_tiny.target import NPUS, get_core
from tvm_tiny.testing.samples import random_inputs
from tvm_tiny.verification import TensorComparison

from . import onnx_models, tflite_models
from .violations import VIOLATIONS

ROWS = operators()


@dataclass(frozen=True)
class Arithmetic:
    """How a model computes. ``floats`` are the layers with a float in their C, ``reported`` what the compiler says stayed float."""

    floats: tuple[str, ...]
    reported: tuple[str, ...]


def arithmetic_of(model: bytes, format: str, folder: Path) -> Arithmetic:
    """Looks at the layers before they are printed: a float anywhere in one counts, not only in what it reads and writes."""
    from tvm_tiny.op.qdq import Arithmetic as Style
    from tvm_tiny.schedule.program import schedule_program
    from tvm_tiny.transform.lower_integer import lower_integer
    from tvm_tiny.transform.pipeline import run_passes

    source = load(written(model, format, folder))
    lowered = lower_integer(source, Style("onnx" if format == "onnx" else "tflite-micro"))
    program = schedule_program(run_passes(lowered.mod), source, get_core("c"))
    floats = tuple(layer.name for layer in program.layers if "float" in str(layer.func))
    assert floats == tuple(layer.name for layer in program.layers if not layer.integer)
    return Arithmetic(floats, tuple(remark.reason for remark in lowered.remarks))


def written(model: bytes, format: str, folder: Path) -> Path:
    path = folder / f"model.{format}"
    path.write_bytes(model)
    return path


def model_of(row: Support, dtype: str) -> bytes:
    make = tflite_models.tflite_model if row.format == "tflite" else onnx_models.onnx_model
    return make(row.operator, dtype)


def name(row: Support) -> str:
    return f"{row.format}-{row.operator}"


def test_every_row_has_a_model_and_every_model_a_row():
    assert {row.operator for row in ROWS if row.format == "tflite"} == set(tflite_models.RECIPES)
    assert {row.operator for row in ROWS if row.format == "onnx"} == set(onnx_models.RECIPES)
    assert len({(row.format, row.operator) for row in ROWS}) == len(ROWS)


def test_every_constraint_has_a_model_that_violates_it():
    assert {(row.format, row.operator, constraint) for row in ROWS for constraint in row.constraints} == set(VIOLATIONS)


def test_every_quantised_operator_that_the_tflite_frontend_takes_has_a_row():
    assert not (ARITHMETIC | PREDICATES | MOVES) - {row.operator for row in ROWS if row.format == "tflite"}


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_row(row: Support, tmp_path: Path):
    """It compiles in every dtype, and 8-bit activations are computed as the row says."""
    for dtype in row.dtypes:
        found = arithmetic_of(model_of(row, dtype), row.format, tmp_path)
        if dtype != "float32":
            assert (not found.floats and not found.reported) == row.integer, (dtype, found)


@pytest.mark.parametrize("row", [row for row in ROWS if row.integer], ids=name)
def test_what_is_marked_for_the_npu_goes_there_and_nothing_else(row: Support):
    """Layers besides are transposes of a channels-first model, which have no multiplications and no operator of ours."""
    layers = offloaded(model_of(row, "int8"), NPUS[0]).program.layers
    assert any(layer.npu for layer in layers) == row.npu
    if row.npu:
        assert all(layer.npu or layer.node is None or layer.op in ("quantize", "dequantize") for layer in layers)


@pytest.mark.parametrize("row", [row for row in ROWS if "int8" not in row.dtypes and row.operator != "QuantizeLinear"], ids=name)
def test_operators_for_floats_only_refuse_int8_with_a_reason(row: Support, tmp_path: Path):
    with pytest.raises(UnsupportedOperatorError, match=f"{row.operator}, .*: it has no quantised form here"):
        load(written(model_of(row, "int8"), row.format, tmp_path))


@pytest.mark.parametrize("key", VIOLATIONS, ids=lambda key: f"{key[0]}-{key[1]}-{key[2]}")
def test_violated_constraint_is_told(key: tuple[str, str, str], tmp_path: Path):
    """The operator is refused, or computed in float32 with a reason."""
    try:
        found = arithmetic_of(VIOLATIONS[key](), key[0], tmp_path)
    except UnsupportedOperatorError as refusal:
        found, refused = None, refusal.message
    if found is None:
        assert key[1] in refused
        return
    assert found.floats
    assert found.reported
    assert all(found.reported)


# Functions that are not real everywhere: as floats they are compared where they are.
POSITIVE = {"LOG", "POW", "RSQRT", "SQRT", "Acosh", "Log", "Pow", "ReduceLogSum", "Sqrt"}
# Operators that LiteRT's reference kernels lack; SUM of int8 they have, but it gives -1 whatever the input (tests/op has it).
NO_REFERENCE = {"BROADCAST_TO", "ELU", "ROUND", "SUM"}
# Of the TFLite operators, those with kernels for uint8.
UINT8 = (
    "ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED GATHER HARD_SWISH LEAKY_RELU MAX_POOL_2D MEAN MUL "
    "PAD QUANTIZE RELU RELU6 RESHAPE SLICE STRIDED_SLICE SUB TANH TRANSPOSE"
).split()


def compared(row: Support, dtype: str) -> bool:
    """Whether a row is compared with the reference in this dtype: 8 bits where they are integer arithmetic, floats elsewhere."""
    if row.operator in NO_REFERENCE or dtype not in row.dtypes:
        return False
    if row.format == "tflite" and dtype == "uint8" and row.operator not in UINT8:
        return False
    return row.integer == (dtype != "float32")


@cache
def compared_with_reference(format: str, dtype: str) -> dict[str, TensorComparison]:
    """Every row of a format in one dtype, in one model: operator → the comparison of its output that is worst."""
    names = [row.operator for row in ROWS if row.format == format and compared(row, dtype)]
    models = tflite_models if format == "tflite" else onnx_models
    with TemporaryDirectory() as folder:
        model = load(written(models.all_in_one(names, dtype), format, Path(folder)))
    inputs = random_inputs(model.inputs, 6)
    if dtype == "float32":
        for sample in inputs:
            positive = [name for name in sample if name.partition("/")[0] in POSITIVE]
            sample.update({name: np.abs(sample[name]) + np.float32(1.125) for name in positive})
    outputs = api.verify(model, inputs=inputs, rounding="litert").outputs
    worst = sorted(outputs, key=lambda each: (each.mismatches, each.max_abs_diff))
    return {each.tensor.partition("/")[0]: each for each in worst}


def cases() -> Iterator[ParameterSet]:
    for dtype in ALL:
        for row in (row for row in ROWS if compared(row, dtype)):
            yield pytest.param(row, dtype, id=f"{name(row)}-{dtype}")


@pytest.mark.parametrize(("row", "dtype"), list(cases()))
def test_row_computes_what_the_reference_computes(row: Support, dtype: str):
    """TFLite's integers bit by bit, ONNX's within one step, floats to 4 digits."""
    pytest.importorskip("ai_edge_litert" if row.format == "tflite" else "onnxruntime")
    found = compared_with_reference(row.format, dtype)[row.operator]
    if row.integer and row.format == "onnx":
        assert found.max_abs_diff <= 1
    else:
        assert found.mismatches == 0, found
