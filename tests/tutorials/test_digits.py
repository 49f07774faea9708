"""The first tutorial, which is `make demo`: run as users run it, and the checks that make it fail."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tvm_tiny.errors import MismatchError

from ..conftest import ROOT

SCRIPT = ROOT / "tutorials" / "01_digits.py"


def tutorial(*options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *options]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=300, env=os.environ | variables)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What a run with the bundled model printed, and the folder that it filled."""
    folder = tmp_path_factory.mktemp("demo")
    done = tutorial("--output", str(folder))
    assert done.returncode == 0, done.stderr
    return done.stdout, folder


def fields(text: str) -> dict[str, str]:
    """The first word of each indented line → the second."""
    words = [line.split() for line in text.splitlines() if line.startswith("  ") and len(line.split()) > 1]
    return {first: second for first, second, *_ in words}


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_predictions_are_right_and_those_of_onnx_runtime(demo: tuple[str, Path]):
    shown = fields(demo[0])
    assert float(shown["accuracy"].rstrip("%")) >= 97
    assert shown["agreement"] == "100.0%"


def test_sizes_and_counts_are_told(demo: tuple[str, Path]):
    printed, folder = demo
    shown = fields(printed)
    report = json.loads((folder / "report.json").read_text())
    assert (report["target"], report["board"]) == ("cortex-m4", "mps2-an386")
    assert number(shown["arena"]) == report["ram"]["arena"] <= 4096
    assert number(shown["stack"]) == report["ram"]["stack"] <= 1024
    assert number(shown["weights"]) == report["flash"]["weights"] <= 16_384
    assert number(shown["code"]) == report["flash"]["code"] <= 32_768
    # Conv, depthwise, 1 x 1 conv, conv on the pooled image, dense.
    macs = 64 * 16 * 9 + 64 * 16 * 9 + 64 * 16 * 32 + 16 * 32 * 32 * 9 + 128 * 10
    assert number(shown["MACs"]) == report["macs"] == macs
    # More than four multiply-accumulates in an instruction a Cortex-M4 does not have.
    assert macs / 4 < number(shown["instructions"]) == report["instructions"] < 10 * macs
    assert sum(layer["instructions"] for layer in report["layers"]) <= report["instructions"]


def test_c_and_picture_lie_where_it_says(demo: tuple[str, Path]):
    from matplotlib.image import imread

    printed, folder = demo
    shown = fields(printed)
    assert Path(shown["C"]) == folder / "c"
    assert {"digits.h", "digits.c", "digits_weights.c", "report.json"} <= {path.name for path in Path(shown["C"]).iterdir()}
    height, width, _ = imread(shown["picture"]).shape
    assert min(height, width) > 500


def test_it_is_short_and_in_chapters(demo: tuple[str, Path]):
    lines = demo[0].splitlines()
    assert [line for line in lines if line[:1].isdigit()] == ["1. Train", "2. Quantise", "3. Compile", "4. Run", "5. Look"]
    assert len(lines) <= 45
    assert max(map(len, lines)) <= 132


@pytest.mark.slow
def test_a_model_trained_anew_does_as_well(tmp_path: Path):
    done = tutorial("--train", "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "epoch 60 of 60" in done.stdout
    assert float(fields(done.stdout)["accuracy"].rstrip("%")) >= 97
    assert (tmp_path / "digits.onnx").stat().st_size < 100_000


def test_a_model_that_has_learnt_too_little_fails(tmp_path: Path):
    done = tutorial("--train", "1", "--output", str(tmp_path))
    assert done.returncode == 1
    assert "expected at least 97%" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "confusion.png").is_file()  # to see what it took for what


def test_missing_emulator_is_one_message(tmp_path: Path):
    done = tutorial("--output", str(tmp_path), TVM_TINY_QEMU=str(tmp_path / "none"))
    assert done.returncode == 1
    assert "qemu-system-arm" in done.stderr
    assert "Traceback" not in done.stderr


def test_one_differing_prediction_fails():
    check = runpy.run_path(str(SCRIPT))["check"]
    labels = np.arange(100) % 10
    assert check(labels, labels, labels) == 1.0
    predictions = labels.copy()
    predictions[42] = 3
    with pytest.raises(MismatchError, match=r"1 of 100 predictions differ .* image 42, 3 on mps2-an386, 2 in ONNX Runtime"):
        check(predictions, labels, labels)
    assert check(predictions, predictions, labels) == 0.99
