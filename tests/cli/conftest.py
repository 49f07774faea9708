"""What the tests of the command share: the command in this process, and small models as files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tvm_tiny.cli import main
from tvm_tiny.testing.tflite_builder import TFLiteBuilder


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which is nothing but JSON."""
        return json.loads(self.out)


Command = Callable[..., Done]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """``command("compile", path, "--target", "c")`` in this process."""

    def run(*arguments: object) -> Done:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        # Progress, which a busy machine may show.
        return Done(code, captured.out, re.sub(r"^tvm-tiny: .* \.\.\.\n", "", captured.err, flags=re.MULTILINE))

    return run


def dense_model(depth: int, units: int) -> bytes:
    """x (1, depth) int8, scale 0.05 → y (1, units) int8: a dense layer with random weights."""
    b = TFLiteBuilder()
    x = b.input("x", (1, depth), "int8", 0.05, -3)
    weights = b.weights("weights", np.random.default_rng(0).normal(0.0, 0.3, (units, depth)).astype(np.float32), None)
    bias = np.arange(units, dtype=np.int32)
    return b.build([b.fully_connected(x, weights, bias, "y", scale=0.1, zero_point=5)])


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dense layer of 8 inputs and 4 outputs."""
    path = tmp_path_factory.mktemp("model") / "dense.tflite"
    path.write_bytes(dense_model(8, 4))
    return path


@pytest.fixture(scope="session")
def two_inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """a (1, 6) and b (1, 6), both int8, and their sum."""
    b = TFLiteBuilder()
    first, second = b.input("a", (1, 6), "int8", 0.05, 0), b.input("b", (1, 6), "int8", 0.05, 0)
    path = tmp_path_factory.mktemp("model") / "sum.tflite"
    path.write_bytes(b.build([b.add(first, second, "y", scale=0.1, zero_point=0)]))
    return path


@pytest.fixture
def compiled(model: Path, tmp_path: Path, command: Command) -> Path:
    """The folder that ``compile`` wrote for the dense layer."""
    folder = tmp_path / "compiled"
    assert command("compile", model, "--target", "c", "--output", folder).code == 0
    return folder
