"""The wheel works by itself: built here, installed into an empty environment, run far from the source with no compiler in reach."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .conftest import ROOT

pytestmark = pytest.mark.wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    # Without isolation it takes five seconds: this environment has the build requirements.
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` folder of a virtual environment that has the wheel and what it depends on, nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(folder / "bin" / "pip"), "install", "-qq", "--disable-pip-version-check", str(wheel)], check=True)
    return folder / "bin"


def run(environment: Path, folder: Path, *command: str) -> str:
    """What ``command`` prints, run in ``folder`` with nothing on PATH but the environment."""
    variables = {"PATH": str(environment), "HOME": str(folder)} | {k: v for k, v in os.environ.items() if k == "LANG"}
    done = subprocess.run(
        [str(environment / command[0]), *command[1:]], cwd=folder, env=variables, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_wheel_serves_every_python_and_carries_what_the_package_needs(wheel: Path):
    assert "-py3-none-" in wheel.name
    names = set(zipfile.ZipFile(wheel).namelist())
    libraries = {f"tvm_tiny/lib/libtvm_tiny_{name}.so" for name in ("planner", "npu", "emulator")}
    assert {"tvm_tiny/py.typed", *libraries} <= names
    folders = [(f"src/{name}", f"share/{name}") for name in ("runtime", "firmware", "npu/driver")]
    for source, place in (*folders, ("python/tvm_tiny", "")):
        files = [path.relative_to(ROOT / source) for path in (ROOT / source).rglob("*") if path.is_file()]
        own = [file for file in files if not any(part == "__pycache__" or part.startswith(".") for part in file.parts)]
        wanted = {str(Path("tvm_tiny", place, file)) for file in own}  # without what tools leave behind
        assert wanted <= names
    assert not [name for name in names if name.endswith(".pyc")]


def test_targets_are_listed(environment: Path, tmp_path: Path):
    assert "cortex-m4" in run(environment, tmp_path, "tvm-tiny", "targets")


def test_tvm_knows_the_target_tags(environment: Path, tmp_path: Path):
    code = "import tvm; print(tvm.target.Target('tiny/cortex-m4').attrs['mcpu'])"
    assert run(environment, tmp_path, "python", "-c", code).strip() == "cortex-m4"


def test_compiles_the_sample_model_with_no_compiler_on_the_machine(environment: Path, tmp_path: Path):
    find = "from tvm_tiny.testing.digits import digits_model_path; print(digits_model_path())"
    model = run(environment, tmp_path, "python", "-c", find).strip()
    run(environment, tmp_path, "tvm-tiny", "compile", model, "--target", "cortex-m4", "--output", "out", "--json", "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["target"] == "cortex-m4"
    assert report["ram"]["arena"] > 0
    assert list((tmp_path / "out").glob("*.h"))
