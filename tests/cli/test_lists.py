"""The verbs that list what there is: targets, boards, operators."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tvm_tiny import list_boards, list_targets

from ..conftest import ROOT
from .conftest import Command


def test_targets_are_listed_for_people_and_for_machines(command: Command):
    text, rows = command("targets").out, command("targets", "--json", "-").json
    assert [row["name"] for row in rows] == list_targets()
    assert all(part in text for name in list_targets() for part in name.split("+"))
    assert next(row for row in rows if row["name"] == "cortex-m4")["tag"] == "tiny/cortex-m4"


def test_boards_tell_their_core_their_memories_and_whether_they_can_be_used(command: Command):
    rows = {row["name"]: row for row in command("boards", "--json", "-").json}
    assert list(rows) == [info.name for info in list_boards()]
    assert rows["host"]["ram"] is None
    microbit = rows["microbit"]
    assert (microbit["target"], microbit["ram"], microbit["flash"]) == ("cortex-m0", 16 * 1024, 256 * 1024)
    assert microbit["ready"] == (not microbit["missing"])
    assert "262,144" in command("boards").out


def test_boards_say_what_is_missing(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    done = command("boards")
    assert done.code == 0
    assert "the Arm emulator is missing: looked for qemu-system-arm in PATH" in done.out
    assert not any(row["ready"] for row in command("boards", "--json", "-").json)


def test_operators_have_the_agreed_keys(command: Command):
    rows = command("operators", "--json", "-").json
    assert {row["format"] for row in rows} == {"tflite", "onnx"}
    for row in rows:
        assert list(row) == ["format", "operator", "dtypes", "integer", "constraints", "npu"]
        assert row["dtypes"]
        assert all(isinstance(constraint, str) for constraint in row["constraints"])
    convolution = next(row for row in rows if row["operator"] == "CONV_2D")
    assert convolution["integer"]
    assert "int8" in convolution["dtypes"]
    assert convolution["constraints"]


def test_operators_of_one_format(command: Command):
    rows = command("operators", "--format", "onnx", "--json", "-").json
    assert rows
    assert {row["format"] for row in rows} == {"onnx"}


def test_operators_for_people_refer_to_their_constraints_by_number(command: Command):
    text = command("operators").out
    numbers = dict(line.strip().split(" ", 1) for line in text.partition("integer form:\n")[2].splitlines())
    row = next(line for line in text.splitlines() if line.startswith("tflite") and " DEPTHWISE_CONV_2D " in line)
    listed = next(each for each in command("operators", "--json", "-").json if each["operator"] == "DEPTHWISE_CONV_2D")[
        "constraints"
    ]
    npu, *marks = row.split("integer")[1].split()
    assert npu == "yes"
    assert [numbers[number] for number in marks] == listed


def test_page_of_the_operators_is_current(command: Command):
    """`tvm-tiny operators --markdown > docs/operators.md` makes it so."""
    assert (ROOT / "docs" / "operators.md").read_text(encoding="utf-8") == command("operators", "--markdown").out


def test_json_goes_to_a_file_and_the_table_to_standard_output(command: Command, tmp_path: Path):
    done = command("targets", "--json", tmp_path / "targets.json")
    assert "cortex-m4" in done.out
    assert json.loads((tmp_path / "targets.json").read_text())[0]["name"] == "c"
    assert [path.name for path in tmp_path.iterdir()] == ["targets.json"]


def test_boards_builds_a_resident_firmware(command: Command, tmp_path: Path):
    done = command("boards", "--resident", "mps2-an386", "--output", str(tmp_path / "resident.elf"), "--json", "-")
    assert done.json["window"] == {"origin": 0x2000_0000, "size": 4 * 2**20 - 2048}
    assert Path(done.json["file"]).read_bytes().startswith(b"\x7fELF")
    failed = command("boards", "--resident", "host", "--output", str(tmp_path / "r.elf"))
    assert failed.code == 6
    assert "has no [uart] table" in failed.err
