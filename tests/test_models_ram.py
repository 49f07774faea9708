"""The four int8 models of MLPerf Tiny with ``--optimize ram``: arenas, cycles, and that nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tvm_tiny.api import compile as compile_model
from tvm_tiny.api import verify

pytestmark = pytest.mark.models

ARENAS = {"kws": 9_216, "vww": 32_768, "ic": 24_576, "ad": 768}
MOST_EXTRA = 0.15


@pytest.mark.parametrize("name", ARENAS)
def test_the_arena_on_cortex_m4(models_dir: Path, name: str) -> None:
    report = compile_model(models_dir / f"{name}.tflite", target="cortex-m4", optimize="ram").report
    assert report["ram"]["arena"] <= ARENAS[name]


@pytest.mark.parametrize("name", ["vww", "ic"])
def test_chains_save_memory_for_few_cycles(models_dir: Path, name: str) -> None:
    path = models_dir / f"{name}.tflite"
    speed, ram = (verify(path, board="mps2-an386", samples=3, optimize=optimize) for optimize in ("speed", "ram"))
    assert ram.mismatches == 0
    assert any(layer["stages"] for layer in ram.run.report["layers"])
    assert ram.run.report["ram"]["arena"] < 0.75 * speed.run.report["ram"]["arena"]
    assert ram.run.report["cycles"] <= (1 + MOST_EXTRA) * speed.run.report["cycles"]
    assert ram.run.report["live_macs"] == speed.run.report["live_macs"]


@pytest.mark.parametrize("board", ["host", "mps2-an386"])
@pytest.mark.parametrize("name", ["vww", "ic"])
def test_no_layer_leaves_its_memory(models_dir: Path, name: str, board: str) -> None:
    """In an arena of exactly the planned size; the tensors that are there as a whole are LiteRT's."""
    found = verify(models_dir / f"{name}.tflite", board=board, samples=2, layers=True, check_arena=True, optimize="ram")
    assert found.mismatches == 0


@pytest.mark.parametrize("name", ["vww", "ic"])
def test_vectors_save_memory_too(models_dir: Path, name: str) -> None:
    path = models_dir / f"{name}.tflite"
    speed, ram = (verify(path, board="mps3-an547", samples=2, optimize=optimize, database="none") for optimize in ("speed", "ram"))
    assert ram.mismatches == 0
    assert ram.run.report["ram"]["arena"] < 0.75 * speed.run.report["ram"]["arena"]
    assert ram.run.report["cycles"] <= (1 + MOST_EXTRA) * speed.run.report["cycles"]
