"""The four models of MLPerf Tiny, whole on an NPU: bit for bit what LiteRT computes, in little SRAM and in the cycles asked for.

For speed on etpu-16 and etpu-64 tests/test_npu_models.py holds the same on emulated boards.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.npu.offloaded import mismatches, offloaded
from tvm_tiny.report.npu import npu_report
from tvm_tiny.report.npu_roofline import points, roof
from tvm_tiny.target import get_npu

pytestmark = pytest.mark.models

CYCLES = {
    "etpu-16": {"kws": 28_000, "vww": 60_000, "ic": 62_000, "ad": 24_000},
    "etpu-64": {"kws": 8_000, "vww": 30_000, "ic": 9_000, "ad": 8_000},
}
SRAM = {"kws": 15.6, "vww": 48.0, "ic": 35.0, "ad": 0.8}
"""KiB for activations: those of Vela 5.2 for Ethos-U55-256 with --optimise Size."""


@pytest.mark.parametrize("name", SRAM)
def test_a_whole_model_is_one_job_and_exact(models_dir: Path, name: str) -> None:
    compiled = offloaded(models_dir / f"{name}.tflite", get_npu("etpu-32"))
    assert [layer.offload for layer in compiled.program.layers] == ["npu"]
    assert compiled.remarks == ()
    wrong, (run,) = mismatches(compiled, samples=5)
    assert wrong == 0
    assert run.cycles <= CYCLES["etpu-16"][name]
    report = npu_report([layer.npu.report for layer in compiled.jobs if layer.npu is not None])
    assert report is not None
    assert len(points(report)) > 4
    assert all(speed <= roof(report, intensity) for _number, intensity, speed in points(report)), "under the roofline"


@pytest.mark.parametrize("npu", CYCLES)
@pytest.mark.parametrize("name", SRAM)
def test_little_sram_is_enough(models_dir: Path, name: str, npu: str) -> None:
    compiled = offloaded(models_dir / f"{name}.tflite", get_npu(npu), "ram")
    (job,) = (layer.npu for layer in compiled.jobs)
    assert job is not None
    assert job.sram <= SRAM[name] * 1024
    wrong, (run,) = mismatches(compiled, samples=2)
    assert wrong == 0
    assert run.cycles <= CYCLES[npu][name]
