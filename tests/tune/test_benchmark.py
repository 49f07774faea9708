"""The benchmark of the search, and its design space of plain loops."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tvm_tiny import testing
from tvm_tiny.board import get_board
from tvm_tiny.schedule.implementation import Decision
from tvm_tiny.tune import benchmark
from tvm_tiny.tune.measure import Job, measure
from tvm_tiny.tune.reference import samples_with_expected
from tvm_tiny.tune.tiles import TILES, tiled, tiled_candidate
from tvm_tiny.tune.workload import workload_of

from .conftest import M4, convolution

DIGITS = Path(testing.__file__).parent / "data" / "digits.onnx"


def test_tiles_compute_the_convolution() -> None:
    node = convolution(channels=8)
    attrs = replace(node.attrs, padding=(0, 0, 0, 0))
    node = replace(node, attrs=attrs, output=node.op.infer(node.inputs, attrs))
    workload = tiled(workload_of(node, M4))
    assert not TILES.applies(convolution(), M4), "not with padding"
    choices = [
        {"columns": 1, "channels": 1, "depth": 1, "inner": 0, "outer": 0, "unroll": 0},
        {"columns": 4, "channels": 2, "depth": 3, "inner": 0, "outer": 1, "unroll": 1},
        {"columns": 2, "channels": 8, "depth": 1, "inner": 1, "outer": 0, "unroll": 2},
        {"columns": 4, "channels": 4, "depth": 3, "inner": 2, "outer": 1, "unroll": 3},
    ]
    built = [tiled_candidate(workload, Decision("tiles", each)) for each in choices]
    assert len({each.digest for each in built}) == len(choices)
    samples, wanted = samples_with_expected(node, 0)
    outcomes = measure(get_board("mps2-an386"), Job(workload, built[0], samples, wanted), built)
    assert [outcome.status for outcome in outcomes] == ["ok"] * len(choices)
    assert len({outcome.cycles for outcome in outcomes}) == len(choices)


@pytest.mark.slow
def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark.main([str(DIGITS), "--layers", "conv2d_3", "--trials", "3", "--seeds", "2", "--database", str(tmp_path)])
    report = json.loads((tmp_path / "benchmark.json").read_text())
    assert (report["trials"], report["random_trials"], len(report["rows"])) == (3, 12, 2)
    for row in report["rows"]:
        assert row["candidates"] > 256
        assert (len(row["guided_curve"]), len(row["random_curve"])) == (3, 12)
        assert row["guided"] == row["guided_curve"][-1] <= row["default"]
    assert (tmp_path / "benchmark.png").read_bytes().startswith(b"\x89PNG")
    assert "3 trials led by XGBoost against 12 random ones" in capsys.readouterr().out
