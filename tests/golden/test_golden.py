"""The emitted C, reviewed like source: a change of it is a change of a file here.

After a change on purpose: ``python -m pytest tests/golden --update-golden``, then read the diff.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.layers import LAYERS
from tests.schedule.chained import NETWORKS, module_of, program_of, with_chain
from tvm_tiny.api import compile as compile_model
from tvm_tiny.frontend import load
from tvm_tiny.memory.options import Memory
from tvm_tiny.schedule.chain import chain_of

FOLDER = Path(__file__).parent
TARGETS = ("c",)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("layer", LAYERS)
def test_the_c_of_one_layer(layer: str, target: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    model = tmp_path / "m.tflite"
    model.write_bytes(LAYERS[layer]())
    text = compile_model(load(model), target=target).module.files["m.c"]
    compare(text, FOLDER / target / f"{layer}.c", request)


def test_the_c_of_layers_that_run_row_by_row(request: pytest.FixtureRequest) -> None:
    _, program, core = program_of(NETWORKS["residual"]())
    plan = chain_of(program, 1, 3, 1)
    assert plan is not None
    compare(module_of(with_chain(program, plan, core), core).files["net.c"], FOLDER / "c" / "chain.c", request)


def compare(text: str, golden: Path, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert golden.is_file(), f"{golden} is missing: write it with --update-golden"
    assert text == golden.read_text()


@pytest.mark.parametrize("layer", LAYERS)
def test_the_same_model_gives_the_same_bytes(layer: str, tmp_path: Path) -> None:
    model = tmp_path / "m.tflite"
    model.write_bytes(LAYERS[layer]())
    first, second = (compile_model(load(model), target="cortex-m4").module.files for _ in range(2))
    assert first == second


def test_only_tensors_that_overlap_may_alias(tmp_path: Path) -> None:
    model = tmp_path / "m.tflite"
    model.write_bytes(LAYERS["add"]())
    shared, apart = (compile_model(load(model), memory=Memory(overlap=each)).module for each in (True, False))
    assert "(const int8_t *restrict x, const int8_t *restrict y, int8_t *restrict output)" in apart.files["m.c"]
    assert shared.files["m.c"].count("*restrict") == 1  # the output lies on one of the two inputs
    assert shared.arena_size == apart.arena_size - 128
