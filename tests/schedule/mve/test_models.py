"""The MLPerf-Tiny models on MVE, for both cores that have it: Cortex-M85 is checked on the emulated Cortex-M55."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.schedule.mve.helpers import BOARD
from tvm_tiny.api import Optimize, verify

pytestmark = pytest.mark.models


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("target", ["cortex-m55", "cortex-m85"])
@pytest.mark.parametrize("name", ["kws", "vww", "ic", "ad"])
def test_equals_litert(models_dir: Path, name: str, target: str, optimize: Optimize) -> None:
    verification = verify(models_dir / f"{name}.tflite", target=target, board=BOARD, samples=5, seed=8, optimize=optimize)
    assert verification.mismatches == 0
    assert verification.run.report["target"] == target


MOST_INSTRUCTIONS = {"kws": 850_000, "vww": 2_400_000, "ic": 2_300_000, "ad": 50_000}


@pytest.mark.parametrize("name", MOST_INSTRUCTIONS)
def test_instructions_and_code(models_dir: Path, name: str) -> None:
    report = verify(models_dir / f"{name}.tflite", board=BOARD, samples=2).run.report
    assert report["instructions"] <= MOST_INSTRUCTIONS[name]
    assert report["flash"]["code"] <= 25_000
    small = verify(models_dir / f"{name}.tflite", board=BOARD, samples=2, optimize="size").run.report
    assert small["flash"]["code"] <= 10_000
