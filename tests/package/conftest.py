"""Two small models, packaged in every format: what the tests of this room look at."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tvm_tiny import api
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

Packager = Callable[..., Path]


def dense(units: int) -> bytes:
    """x (1, 8) int8 → y (1, units) int8."""
    b = TFLiteBuilder()
    x = b.input("x", (1, 8), "int8", 0.05, -3)
    weights = b.weights("weights", np.random.default_rng(units).normal(0.0, 0.3, (units, 8)).astype(np.float32), None)
    return b.build([b.fully_connected(x, weights, np.arange(units, dtype=np.int32), "y", scale=0.1, zero_point=5)])


@pytest.fixture(scope="session")
def model_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """alpha.tflite and beta.tflite."""
    folder = tmp_path_factory.mktemp("models")
    files = []
    for name, units in (("alpha", 4), ("beta", 12)):
        path = folder / f"{name}.tflite"
        path.write_bytes(dense(units))
        files.append(path)
    return files


@pytest.fixture(scope="session")
def packaged(model_files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Packager:
    """``packaged("cmake", "cortex-m4")``: the path of both models in that format, written once."""
    done: dict[tuple[str, str, str | None], Path] = {}

    def write(form: str, target: str = "cortex-m4", board: str | None = None) -> Path:
        key = (form, target, board)
        if key not in done:
            path = tmp_path_factory.mktemp("packages") / "package"
            api.package(model_files, form=form, output=path, target=target, board=board)
            done[key] = path
        return done[key]

    return write


def call(*command: str | Path, cwd: Path) -> str:
    """Standard output of a tool that must end well; the test is skipped where the tool is not installed."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run([str(each) for each in command], cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    return done.stdout
