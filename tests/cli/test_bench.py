"""``tvm-tiny bench``."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Command


def test_a_row_for_each_model_and_board(model: Path, two_inputs: Path, command: Command):
    done = command("bench", model, two_inputs, "--board", "mps2-an386", "--board", "mps2-an500")
    assert done.code == 0
    rows = [line.split() for line in done.out.splitlines()[2:]]
    assert [row[:3] for row in rows] == [
        ["dense", "mps2-an386", "cortex-m4"],
        ["dense", "mps2-an500", "cortex-m7"],
        ["sum", "mps2-an386", "cortex-m4"],
        ["sum", "mps2-an500", "cortex-m7"],
    ]
    assert all(int(cell.replace(",", "")) > 0 for row in rows for cell in row[3:5])


def test_json_has_the_reports(model: Path, command: Command):
    found = command("bench", model, "--board", "mps2-an385", "--board", "mps2-an505", "--json", "-").json
    assert set(found) == {"results"}
    assert [(each["model"], each["board"], each["cycle_model"]) for each in found["results"]] == [
        ("dense", "mps2-an385", "cortex-m3 zero-wait-state 1"),
        ("dense", "mps2-an505", "cortex-m33 zero-wait-state 1"),
    ]
    assert all(each["layers"][0]["cycles"] > 0 for each in found["results"])


def test_default_board_and_options(model: Path, command: Command):
    (report,) = command("bench", model, "--target", "cortex-m3", "--optimize", "size", "--json", "-").json["results"]
    assert (report["board"], report["target"], report["optimize"]) == ("mps2-an386", "cortex-m3", "size")
    assert report["cycle_model"] == "cortex-m4 zero-wait-state 1"  # that of the core that runs it


def test_a_board_given_twice_is_measured_once(model: Path, command: Command):
    found = command("bench", model, "--board", "mps2-an386", "--board", "mps2-an386", "--json", "-").json
    assert len(found["results"]) == 1


def test_one_failure_does_not_keep_the_others_back(model: Path, tmp_path: Path, command: Command):
    missing = tmp_path / "missing.tflite"
    done = command("bench", missing, model, "--json", tmp_path / "bench.json")
    assert done.code == 3
    assert "1 of 2 could not be measured" in done.err
    assert str(missing) in done.err
    assert "dense  mps2-an386" in done.out
    assert [each["model"] for each in json.loads((tmp_path / "bench.json").read_text())["results"]] == ["dense"]


def test_all_fail(tmp_path: Path, command: Command):
    done = command("bench", tmp_path / "a.tflite", tmp_path / "b.onnx")
    assert done.code == 3
    assert "2 of 2 could not be measured" in done.err
    assert done.out == "nothing was measured\n"


def test_unknown_boards_and_targets_are_told_before_the_work(tmp_path: Path, command: Command):
    assert command("bench", tmp_path / "missing.tflite", "--board", "mps9").code == 6
    assert command("bench", tmp_path / "missing.tflite", "--target", "cortex-m9").code == 5


def test_target_that_the_board_cannot_run(model: Path, command: Command):
    done = command("bench", model, "--board", "mps2-an385", "--board", "mps3-an547", "--target", "cortex-m55")
    assert done.code != 0
    assert "1 of 2 could not be measured" in done.err
    assert "dense  mps3-an547" in done.out
