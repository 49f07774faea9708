"""``tvm-tiny profile``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tvm_tiny.board import plugin

from .conftest import Command


def test_prints_a_row_for_each_layer(model: Path, command: Command):
    done = command("profile", model)
    assert done.code == 0
    assert done.out.startswith("dense for cortex-m4 on mps2-an386\n")
    row = next(line.split() for line in done.out.splitlines() if line.startswith("fully_connected_0"))
    name, op, macs, instructions, cycles, rate, share, bar = row
    assert (name, op, macs) == ("fully_connected_0", "fully_connected", "32")
    assert 32 < int(instructions) < int(cycles)
    assert float(rate) == pytest.approx(32 / int(cycles), abs=0.001)
    assert share.endswith("%")
    assert bar == "#" * 24


def test_json_is_the_report_with_cycles_by_layer(model: Path, command: Command):
    report = command("profile", model, "--board", "mps3-an547", "--json", "-").json
    assert (report["board"], report["target"]) == ("mps3-an547", "cortex-m55")
    assert report["cycle_model"] == "cortex-m55 zero-wait-state 1"
    (layer,) = report["layers"]
    assert 0 < layer["cycles"] < report["cycles"]
    assert 0 < layer["instructions"] < report["instructions"]


def test_draws_a_chart(model: Path, tmp_path: Path, command: Command):
    done = command("profile", model, "--plot", tmp_path / "dense.png")
    assert done.code == 0
    assert f"The chart is in {tmp_path / 'dense.png'}" in done.out
    assert (tmp_path / "dense.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("place", ["nowhere/dense.png", "."])
def test_chart_that_cannot_be_written_is_told_before_the_work(place: str, tmp_path: Path, command: Command):
    done = command("profile", tmp_path / "no such model.tflite", "--plot", tmp_path / place)
    assert done.code == 11
    assert "--plot" in done.err


def test_a_compiled_folder(compiled: Path, command: Command):
    report = command("profile", compiled, "--board", "mps2-an505", "--json", "-").json
    assert (report["target"], report["cycle_model"]) == ("c", "cortex-m33 zero-wait-state 1")


def test_a_board_that_does_not_count(model: Path, command: Command):
    done = command("profile", model, "--board", "host")
    assert done.code == 6
    assert "host counted nothing by layer" in done.err


def test_says_why_there_are_no_layers(model: Path, command: Command, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(plugin, "_sources", lambda *_folders: [])
    monkeypatch.setattr(plugin.resources, "library_path", lambda name: None)
    done = command("profile", model)
    assert done.code == 6
    assert "mps2-an386 counted nothing by layer: counted with -icount, as the emulator's plugin cannot be used" in done.err


def test_random_samples(model: Path, command: Command):
    few, many = (command("profile", model, "--samples", n, "--json", "-").json["cycles"] for n in (1, 5))
    assert abs(few - many) < 0.2 * few
