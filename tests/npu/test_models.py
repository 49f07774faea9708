"""The four models of MLPerf Tiny, whole on an NPU: bit for bit what LiteRT computes, in the cycles asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.npu.offloaded import mismatches, offloaded
from tvm_tiny.target import get_npu

pytestmark = pytest.mark.models

CYCLES = {
    "etpu-16": {"kws": 28_000, "vww": 60_000, "ic": 62_000, "ad": 24_000},
    "etpu-64": {"kws": 8_000, "vww": 30_000, "ic": 9_000, "ad": 8_000},
}


@pytest.mark.parametrize("npu", ["etpu-16", "etpu-32", "etpu-64"])
@pytest.mark.parametrize("name", ["kws", "vww", "ic", "ad"])
def test_a_whole_model_is_one_job_and_exact(models_dir: Path, name: str, npu: str) -> None:
    compiled = offloaded(models_dir / f"{name}.tflite", get_npu(npu))
    assert [layer.offload for layer in compiled.program.layers] == ["npu"]
    assert compiled.remarks == ()
    wrong, (run,) = mismatches(compiled, samples=5)
    assert wrong == 0
    assert run.cycles <= CYCLES.get(npu, {}).get(name, run.cycles)
