"""Tuning of a region on the device model, led by the cost model; what is found is recorded and used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tvm_tiny.api import compile as compile_model
from tvm_tiny.api import tune, verify
from tvm_tiny.errors import TargetError
from tvm_tiny.frontend import load
from tvm_tiny.report.tuning import database_text, tuning_text
from tvm_tiny.target import get_core, get_npu
from tvm_tiny.testing.digits import digits_model_path
from tvm_tiny.tune.database import load_database, prune
from tvm_tiny.tune.npu_features import region_features
from tvm_tiny.tune.npu_tuner import model_parts
from tvm_tiny.tune.npu_workload import RegionWorkload
from tvm_tiny.tune.result import TuningResult

TARGET, BOARD, TRIALS = "cortex-m55+etpu-64", "host+etpu-64", 48


@dataclass(frozen=True)
class Run:
    folder: Path
    result: TuningResult


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("database")
    return Run(folder, tune(digits_model_path(), board=BOARD, target=TARGET, database=folder, trials=TRIALS))


def cycles(database: Path | str | None) -> tuple[int, list[str]]:
    report = compile_model(digits_model_path(), target=TARGET, database=database).report
    return report["npu"]["cycles"], [layer["schedule"] for layer in report["layers"] if layer["offload"] == "npu"]


def test_what_is_found_is_used(run: Run) -> None:
    (layer,) = (each for each in run.result.layers if each.op == "etpu-64")
    assert len(layer.trials) == TRIALS
    assert layer.best_cost is not None
    assert layer.default is not None
    assert layer.best_cost < layer.default
    assert cycles(None) == (layer.default, ["default"])
    assert cycles(run.folder) == (layer.best_cost, ["tuned"])
    assert cycles("none") == (layer.default, ["default"])


def test_it_computes_the_same(run: Run) -> None:
    plain, tuned = (verify(digits_model_path(), board=BOARD, samples=3, database=each) for each in (None, run.folder))
    assert plain.run.report["npu"]["cycles"] > tuned.run.report["npu"]["cycles"]
    assert (plain.mismatches, plain.max_abs_diff) == (tuned.mismatches, tuned.max_abs_diff)


def test_a_record_names_the_machine(run: Run) -> None:
    (known,) = (each for each in load_database(run.folder).values() if "region" in each.facts)
    assert known.facts["core"]["name"] == "etpu-64"
    assert known.facts["core"]["dma_bandwidth"] == 8
    assert "etpu-64" in database_text([known])
    assert "etpu" in tuning_text(run.result)
    report = compile_model(digits_model_path(), target="cortex-m55+etpu-16", database=run.folder).report
    assert [layer["schedule"] for layer in report["layers"] if layer["offload"] == "npu"] == ["default"]


def test_the_cost_model_has_scored_what_was_counted(run: Run) -> None:
    (layer,) = (each for each in run.result.layers if each.op == "etpu-64")
    scores = [trial.predicted for trial in layer.trials]
    assert scores[0] is None, "before it has learnt"
    assert all(score is not None for score in scores[16:])


def test_nothing_is_counted_twice(run: Run) -> None:
    again = tune(digits_model_path(), board=BOARD, target=TARGET, database=run.folder, trials=TRIALS)
    assert again.measured == 0
    assert again.best_total == run.result.best_total
    assert all(trial.remembered for layer in again.layers for trial in layer.trials)


def test_records_of_this_version_are_kept(run: Run) -> None:
    kept, gone = prune(run.folder)
    assert gone == 0
    assert any("region" in each.facts for each in kept.values())


def test_features_tell_in_what_a_candidate_differs() -> None:
    _nodes, (named,) = model_parts(load(digits_model_path()), get_core("cortex-m55"), get_npu("etpu-64"))
    workload = RegionWorkload(named.region, get_core("cortex-m55"))
    default = region_features(workload, workload.default)
    name, values = next(iter(named.region.knobs.items()))
    other = region_features(workload, type(workload.default)("tilings", {**workload.default.choices, name: values[1]}))
    assert default.shape == other.shape
    assert default.dtype == np.float32
    assert not default[0, 1:37].any(), "sums of differences"
    assert other[0, 1:37].any()


def test_a_layer_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"no layer is called 'conv7'.*etpu_1"):
        tune(digits_model_path(), board=BOARD, target=TARGET, database=tmp_path, trials=1, layers="conv7")
