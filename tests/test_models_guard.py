"""`--require-models`: a run that leaves out the tests which need the MLPerf-Tiny models fails where the models are there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT

TESTS = """
import pytest

def test_plain():
    pass

@pytest.mark.models
def test_with_models(models_dir):
    assert (models_dir / "kws.tflite").is_file()

@pytest.mark.models
def test_that_skips_itself():
    pytest.skip("no reason")
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A suite with this one's conftest and the tests above."""
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = models\n")
    return tmp_path


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "kws.tflite").touch()
    return folder


def run(suite: Path, models: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "xdist", "-p", "no:cacheprovider", "--require-models", *options]
    environment = os.environ | {"TVM_TINY_MODELS": str(models), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=suite, env=environment, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("workers", ["-n0", "-n1"])
def test_passes_where_a_test_with_models_ran(suite: Path, models: Path, workers: str):
    assert run(suite, models, workers, "-k", "plain or with").returncode == 0


@pytest.mark.parametrize("workers", ["-n0", "-n1"])
def test_fails_where_none_ran(suite: Path, models: Path, workers: str):
    done = run(suite, models, workers, "-k", "plain")
    assert done.returncode == 1
    assert "tests that need them did not run: all of them" in done.stdout


@pytest.mark.parametrize("workers", ["-n0", "-n1"])
def test_fails_where_one_was_skipped(suite: Path, models: Path, workers: str):
    done = run(suite, models, workers)
    assert done.returncode == 1
    assert "did not run: test_some.py::test_that_skips_itself" in done.stdout


def test_passes_without_models_and_says_so(suite: Path, tmp_path: Path):
    done = run(suite, tmp_path / "nowhere", "-n0")
    assert done.returncode == 0
    assert "1 passed, 2 skipped" in done.stdout
    assert "their tests were skipped" in done.stdout
