"""``tvm-tiny package``."""

from __future__ import annotations

import tarfile
from pathlib import Path

from .conftest import Command


def test_it_writes_an_archive_and_says_where(command: Command, model: Path, tmp_path: Path) -> None:
    done = command("package", model, "--target", "cortex-m4", "--format", "mlf", "--output", tmp_path / "out.tar")

    assert done.code == 0
    assert str(tmp_path / "out.tar") in done.out
    with tarfile.open(tmp_path / "out.tar") as archive:
        assert "./metadata.json" in archive.getnames()


def test_json_tells_what_was_written(command: Command, model: Path, tmp_path: Path) -> None:
    done = command("package", model, "--board", "mps2-an386", "--format", "zephyr", "--output", tmp_path / "out", "--json", "-")

    assert done.json == {"format": "zephyr", "output": str(tmp_path / "out"), "target": "cortex-m4", "models": [model.stem]}


def test_an_unknown_format_is_one_clear_error(command: Command, model: Path, tmp_path: Path) -> None:
    done = command("package", model, "--target", "c", "--format", "zip", "--output", tmp_path / "out")

    assert done.code != 0
    assert "there is no package format 'zip': expected one of mlf, cmake" in done.err
    assert not (tmp_path / "out").exists()


def test_a_name_is_for_one_model(command: Command, model: Path, tmp_path: Path) -> None:
    done = command("package", model, model, "--target", "c", "--format", "mlf", "--output", tmp_path / "o", "--name", "n")

    assert done.code != 0
    assert "--name names one model" in done.err
