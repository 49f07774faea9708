"""``--check-arena`` of run and verify."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tvm_tiny.codegen import printer
from tvm_tiny.testing.networks import residual_net

from .conftest import Command

CHECKED = r"The arena of exactly [\d,]+ bytes was checked around each of \d+ layers in {samples} runs: no layer changed a byte"


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Convolutions and additions of uint8 tensors."""
    path = tmp_path_factory.mktemp("model") / "residual.onnx"
    path.write_bytes(residual_net())
    return path


@pytest.mark.parametrize("board", ["host", "mps2-an386"])
def test_verify_proves_that_no_layer_writes_astray(network: Path, board: str, tmp_path: Path, command: Command) -> None:
    path = tmp_path / "report.json"
    done = command("verify", network, "--board", board, "--samples", 4, "--check-arena", "--json", path)
    assert done.code in (0, 12)  # 12: a difference of one step from ONNX Runtime
    assert re.search(CHECKED.format(samples=4), done.out)
    report = json.loads(path.read_text())
    check = report["arena_check"]
    assert (check["touched"], check["samples"], check["layers"]) == ([], 4, len(report["layers"]))
    assert check["arena"] == report["ram"]["arena"]


def test_run_checks_a_folder_that_compile_wrote(compiled: Path, command: Command) -> None:
    done = command("run", compiled, "--check-arena")
    assert done.code == 0
    assert re.search(CHECKED.format(samples=1), done.out)


@pytest.mark.parametrize("verb", ["run", "verify"])
@pytest.mark.parametrize("board", ["host", "mps2-an386"])
def test_a_layer_that_writes_one_byte_too_far_is_told(
    model: Path, board: str, verb: str, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A printer with a mistake: behind the four bytes of its output the layer writes a fifth."""
    print_layer = printer.print_layer

    def faulty(layer, prefix):
        printed = print_layer(layer, prefix)
        return replace(printed, statements=(*printed.statements, "  output[4] ^= 1;"))

    monkeypatch.setattr(printer, "print_layer", faulty)
    path = tmp_path / "report.json"
    done = command(verb, model, "--board", board, "--check-arena", "--json", path)
    assert done.code == 13
    assert f"dense on {board}: fully_connected_0 wrote 1 byte outside its outputs and scratch memory at sample 0" in done.err
    (first, *_) = json.loads(path.read_text())["arena_check"]["touched"]
    assert first["layer"] == "fully_connected_0"
    assert first["bytes"] == 1
    assert re.search(r"byte 1 behind the end of its \w+|bytes behind its end", first["place"]), first
