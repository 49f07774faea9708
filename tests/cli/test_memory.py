"""What the command tells of memory, and what it is asked of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tvm_tiny.memory.options import PLANNERS
from tvm_tiny.testing.networks import residual_net

from .conftest import Command, dense_model


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "residual.onnx"
    path.write_bytes(residual_net())
    return path


def test_the_report_tells_arena_bound_and_peak(network: Path, command: Command) -> None:
    report = command("compile", network, "--target", "cortex-m4", "--json", "-").json
    ram, memory = report["ram"], report["memory"]
    assert report["planner"] == "exact"
    assert report["planner_optimal"] is True
    assert 0 < ram["arena_lower_bound_overlap"] <= ram["arena"]
    assert ram["arena_ratio"] == round(ram["arena"] / ram["arena_lower_bound_overlap"], 4)
    assert memory["peak"]["bytes"] == max(layer["ram"] for layer in report["layers"]) <= ram["arena"]
    assert memory["peak"]["layers"] == [layer["name"] for layer in report["layers"] if layer["ram"] == memory["peak"]["bytes"]]
    assert max(each["offset"] + each["bytes"] for each in memory["buffers"]) == ram["arena"]


def test_people_read_the_same(network: Path, command: Command) -> None:
    text = command("compile", network, "--target", "cortex-m4").out
    assert re.search(r"planned by +exact +proven: no plan is smaller", text)
    assert re.search(r"The peak of [\d,]+ bytes is at \w+.* In use at \w+", text)


@pytest.mark.parametrize("planner", PLANNERS)
def test_every_planner_makes_a_plan_that_runs(planner: str, model: Path, command: Command) -> None:
    done = command("verify", model, "--rounding", "litert", "--planner", planner, "--check-arena", "--samples", 3, "--json", "-")
    assert (done.code, done.json["planner"], done.json["mismatches"]) == (0, planner, 0)


def test_an_unknown_planner(model: Path, command: Command) -> None:
    done = command("compile", model, "--target", "c", "--planner", "best")
    assert done.code == 5
    assert "planner is 'best': expected one of exact, hill-climb, greedy-by-conflicts, greedy-by-size" in done.err


def test_a_limit_that_is_too_small_writes_nothing(network: Path, tmp_path: Path, command: Command) -> None:
    arena = command("compile", network, "--target", "cortex-m4", "--json", "-").json["ram"]["arena"]
    out = tmp_path / "out"
    done = command("compile", network, "--target", "cortex-m4", "--ram", arena - 16, "--output", out)
    assert done.code == 9
    assert f"residual needs an arena of {arena:,} bytes, 16 more than the {arena - 16:,} that are allowed: at its peak" in done.err
    assert not out.exists()
    assert command("compile", network, "--target", "cortex-m4", "--ram", arena, "--output", out).code == 0


def test_a_board_whose_memory_is_too_small(tmp_path: Path, command: Command) -> None:
    """The micro:bit has 16 kB of RAM and 256 kB of flash."""
    path = tmp_path / "wide.tflite"
    path.write_bytes(dense_model(18_000, 20))
    done = command("compile", path, "--board", "microbit")
    assert done.code == 9
    assert re.search(r"its weights have 360,\d\d\d bytes, 9\d,\d\d\d more than the flash; its arena has 18,\d\d\d bytes", done.err)
    assert re.search(r"at its peak, layer fully_connected_0, 18,\d\d\d bytes are in use: x 18,000", done.err)


def test_the_map_as_text(model: Path, command: Command) -> None:
    out = command("compile", model, "--target", "c", "--map", "-").out
    assert "A row is 1 bytes, a column a layer; ^ is the peak." in out


def test_the_map_as_a_picture(model: Path, tmp_path: Path, command: Command) -> None:
    path = tmp_path / "map.png"
    done = command("compile", model, "--target", "c", "--map", path)
    assert f"The map of the arena is in {path}" in done.out
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_map_that_cannot_be_written_is_told_first(model: Path, tmp_path: Path, command: Command) -> None:
    done = command("compile", model, "--target", "c", "--map", tmp_path / "nowhere" / "map.png", "--output", tmp_path / "out")
    assert done.code == 11
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("board", [None, "mps2-an386"])
def test_the_report_as_a_page(model: Path, board: str | None, tmp_path: Path, command: Command) -> None:
    path, data = tmp_path / "report.html", tmp_path / "report.json"
    where = ["--target", "cortex-m4"] if board is None else ["--board", board]
    done = command("report", model, *where, "--output", path, "--json", data)
    assert (done.code, done.out) == (0, f"The report is in {path}\n")
    assert ("<th class=\"number\">instructions</th>" in path.read_text()) == (board is not None)  # fmt: skip
    assert json.loads(data.read_text())["board"] == board


def test_a_page_of_a_compiled_folder(compiled: Path, tmp_path: Path, command: Command) -> None:
    assert command("report", compiled, "--output", tmp_path / "report.html").code == 0


def test_a_page_needs_a_target(model: Path, tmp_path: Path, command: Command) -> None:
    done = command("report", model, "--output", tmp_path / "report.html")
    assert done.code == 5
    assert "no target is given" in done.err


@pytest.mark.parametrize("board", ["host", "mps2-an386", "microbit-xl"])
def test_inputs_and_outputs_outside_the_arena(network: Path, board: str, command: Command) -> None:
    """The arena is smaller by what they took at the peak, and what comes out is the same."""
    options = ["--board", board, "--samples", 4, "--seed", 5, "--json", "-"]
    inside = command("verify", network, *options).json
    outside = command("verify", network, *options, "--io", "outside", "--check-arena").json
    assert outside["ram"]["arena"] <= inside["ram"]["arena"]
    assert {each["kind"] for each in outside["memory"]["buffers"]} == {"tensor", "scratch"}
    assert (outside["memory"]["io"], inside["memory"]["io"]) == ("outside", "arena")
    assert outside["arena_check"]["touched"] == []
    assert outside["mismatches"] == inside["mismatches"]


def test_pointers_are_then_required(model: Path, tmp_path: Path, command: Command) -> None:
    done = command("compile", model, "--target", "c", "--io", "outside", "--output", tmp_path)
    assert "12 more outside for inputs and outputs" in done.out
    header = (tmp_path / "dense.h").read_text()
    assert "_OFFSET" not in header
    assert "Every tensor lies where its pointer says, which must not be NULL" in header
    assert "if ((inputs == NULL) || (inputs->x == NULL)) {\n    return DENSE_ERROR_NULL;" in (tmp_path / "dense.c").read_text()
    assert '#error "TVM_TINY_WORKSPACE_IO: x was planned to lie outside the workspace"' in (tmp_path / "tvmgen_dense.c").read_text()


def test_unknown_place_of_inputs_and_outputs(model: Path, command: Command) -> None:
    done = command("compile", model, "--target", "c", "--io", "elsewhere")
    assert (done.code, "io is 'elsewhere': expected one of arena, outside" in done.err) == (5, True)
