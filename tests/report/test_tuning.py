"""What a tuning run has found, as tables, pictures and a section of the report."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from matplotlib.image import imread

import tvm_tiny
from tvm_tiny import testing
from tvm_tiny.report.html import html_report
from tvm_tiny.report.tuning import failures_text, tuning_text
from tvm_tiny.report.tuning_plots import cost_model_png, search_png
from tvm_tiny.schedule.implementation import Decision
from tvm_tiny.tune.measure import Outcome
from tvm_tiny.tune.result import Trial, TunedLayer, TuningResult
from tvm_tiny.tune.summary import FILE, load_summary, save_summary

DIGITS = Path(testing.__file__).parent / "data" / "digits.onnx"


def trial(rows: int, cycles: int | None, predicted: float | None = None) -> Trial:
    outcome = Outcome("ok", cycles, 10) if cycles else Outcome("hang", message="no end after 4 s")
    return Trial(Decision("gemm", {"rows": rows}), outcome, predicted)


def result(*trials: Trial, candidates: int = 5) -> TuningResult:
    layer = TunedLayer(("conv2d_1", "conv2d_3"), "conv2d", "key", 100, Decision("gemm", {"rows": 3}), 80, candidates, trials)
    return TuningResult("digits", "cortex-m4", "mps2-an386", "gcc-12", "cycles", "xgboost", 0, (layer,), 12.0, 4)


TRIALS = (trial(1, 100), trial(2, 90, 0.7), trial(3, 80, 0.9), trial(4, None, 0.5), trial(5, 400, 0.2))


def test_the_table_tells_when_more_trials_would_find_nothing() -> None:
    told = tuning_text(result(*TRIALS))
    assert "5 of 5" in told
    assert "More trials find nothing new for any workload" in told
    assert "200 → 160 cycles in these layers; 5 candidates, 4 of them measured now, in 12 s" in told
    assert "rank correlation 1.00" in told
    told = tuning_text(result(*TRIALS, candidates=9))
    assert "5 of 9" in told
    assert "nothing new" not in told


def test_failures_say_how() -> None:
    assert "no end after 4 s" in failures_text(result(*TRIALS))
    assert failures_text(result(TRIALS[0])) == ""


@pytest.mark.parametrize("trials", [(), TRIALS[:1], TRIALS, TRIALS[3:4]])
def test_pictures_of_any_run(trials: tuple[Trial, ...]) -> None:
    report = result(*trials).report()
    for data in (search_png(report), cost_model_png(report)):
        height, width, _ = imread(io.BytesIO(data)).shape
        assert min(height, width) > 300
    assert search_png(report) == search_png(report), "the same run, the same picture"


def test_pictures_of_a_run_without_workloads() -> None:
    report = {**result().report(), "layers": [], "default": 0, "best": 0}
    assert search_png(report).startswith(b"\x89PNG")
    assert cost_model_png(report).startswith(b"\x89PNG")


def test_the_last_run_on_each_model_and_core_is_kept(tmp_path: Path) -> None:
    report = result(*TRIALS).report()
    assert load_summary(tmp_path, "digits", "cortex-m4") is None
    save_summary(tmp_path, {**report, "best": 1})
    save_summary(tmp_path, report)
    save_summary(tmp_path, {**report, "target": "cortex-m7"})
    assert load_summary(tmp_path, "digits", "cortex-m4") == report
    assert load_summary(tmp_path, "kws", "cortex-m4") is None
    (tmp_path / FILE).write_text("{half a li")
    assert load_summary(tmp_path, "digits", "cortex-m4") is None
    save_summary(tmp_path, report)
    assert load_summary(tmp_path, "digits", "cortex-m4") == report


def test_the_report_has_a_section_for_it() -> None:
    report = tvm_tiny.compile(DIGITS, target="cortex-m4").report
    page = html_report(report, result(*TRIALS).report())
    assert page.count("data:image/png") == 3
    assert "<h2>Tuning</h2>" in page
    assert "gemm(rows=3)" in page
    assert "200 → 160 cycles" in page
    assert "Tuning" not in html_report(report)
