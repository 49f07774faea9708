"""``tvm-tiny tune``, ``tvm-tiny database``, and ``--database`` where models are compiled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tvm_tiny import testing
from tvm_tiny.tune.journal import FILE

from .conftest import Command

DIGITS = Path(testing.__file__).parent / "data" / "digits.onnx"


@pytest.mark.slow
def test_tune_then_compile_with_what_was_found(command: Command, tmp_path: Path) -> None:
    database = tmp_path / "db"
    tuned = command("tune", DIGITS, "--layers", "conv2d_*", "--trials", 2, "--database", database, "--json", "-")
    assert tuned.code == 0, tuned.err
    report = tuned.json
    assert (report["target"], report["board"], report["unit"], report["search"]) == ("cortex-m4", "mps2-an386", "cycles", "xgboost")
    assert report["layers"]
    for layer in report["layers"]:
        assert layer["best"] <= layer["default"]
        assert len(layer["measured"]) == layer["trials"] <= 2
    assert (database / FILE).is_file()
    for picture in report["pictures"]:
        assert Path(picture).read_bytes().startswith(b"\x89PNG")

    listed = command("database", "list", database, "--json", "-").json
    assert {row["compiler"] for row in listed} == {report["compiler"]}
    assert len(listed) == len(report["layers"])
    better = sum(layer["decision"] is not None for layer in report["layers"])
    assert sum(row["decision"] is not None for row in listed) == better

    compiled = command("compile", DIGITS, "--target", "cortex-m4", "--database", database, "--json", "-").json
    names = {name for layer in report["layers"] if layer["decision"] for name in layer["layers"]}
    assert names <= {layer["name"] for layer in compiled["layers"] if layer["schedule"] == "tuned"}

    page = tmp_path / "digits.html"
    assert command("report", DIGITS, "--target", "cortex-m4", "--database", database, "--output", page).code == 0
    assert "<h2>Tuning</h2>" in page.read_text(encoding="utf-8")

    again = command("tune", DIGITS, "--layers", "conv2d_*", "--trials", 2, "--database", database)
    assert "0 of them measured now" in again.out


def test_without_databases_all_schedules_are_defaults(command: Command) -> None:
    compiled = command("compile", DIGITS, "--target", "cortex-m4", "--database", "none", "--json", "-").json
    assert {layer["schedule"] for layer in compiled["layers"]} == {"default"}
    assert compiled["tuning"]["tuned"] == 0


def test_what_is_no_database_is_told(command: Command, tmp_path: Path) -> None:
    done = command("compile", DIGITS, "--target", "cortex-m4", "--database", tmp_path)
    assert (done.code, done.out) == (15, "")
    assert "holds no database" in done.err
    assert command("database", "list", tmp_path / "missing").code == 15
    assert command("database", "merge", tmp_path).code == 15
    assert command("database", "prune").code == 15


def test_what_comes_with_the_package_is_listed(command: Command) -> None:
    rows = command("database", "list", "--json", "-").json
    assert {row["core"]["name"] for row in rows} == {"cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"}
    assert all(row["best_cycles"] < row["default_cycles"] for row in rows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--board", "mps9"), "mps9"),
        (("--trials", "0"), "the number of trials is 0"),
        (("--search", "luck"), "search is 'luck': expected one of xgboost, random"),
        (("--layers", "nothing"), "no layer is called 'nothing'"),
        (("--scratch", "much"), "'much' is no number of bytes"),
    ],
)
def test_what_cannot_be_tuned(command: Command, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    done = command("tune", DIGITS, "--database", tmp_path / "db", "--layers", "conv2d_1", *arguments)
    assert done.code not in (0, 70)
    assert message in done.err


def test_a_folder_that_cannot_be_written(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = command("tune", DIGITS, "--database", tmp_path / "file" / "db", "--trials", 1)
    assert done.code not in (0, 70)
    assert json.dumps(str(tmp_path))[1:-1] in done.err
