"""Packages on disk: all or nothing, the same bytes every time, and nobody else's files touched."""

from __future__ import annotations

import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from tvm_tiny.errors import OutputError
from tvm_tiny.package.write import write_package

FILES = {"a.c": "int a;\n", "sub/b.h": "#define B\n", "data.bin": b"\x00\x01"}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_keeps_foreign_files_and_loses_stale_ones(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    write_package(FILES, tmp_path, "folder")
    write_package({"a.c": "int b;\n"}, tmp_path, "folder")

    found = contents(tmp_path)
    assert found.pop("tvm_tiny.json")
    assert found == {"mine.txt": b"mine", "a.c": b"int b;\n"}


def test_a_list_that_leaves_the_folder_is_not_followed(tmp_path: Path) -> None:
    victim, folder = tmp_path / "victim", tmp_path / "folder"
    victim.write_text("precious")
    folder.mkdir()
    (folder / "tvm_tiny.json").write_text('{"files": ["../victim"]}')
    write_package(FILES, folder, "folder")

    assert victim.read_text() == "precious"


@pytest.mark.parametrize("container", ["tar", "zip"])
def test_an_archive_has_the_same_bytes_at_any_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, container: str) -> None:
    write_package(FILES, tmp_path / "one", container)
    monkeypatch.setattr(time, "time", lambda: 1e9)
    write_package(dict(reversed(FILES.items())), tmp_path / "two", container)

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_tar_has_microtvms_form(tmp_path: Path) -> None:
    write_package(FILES, tmp_path / "x.tar", "tar")
    with tarfile.open(tmp_path / "x.tar") as archive:
        assert archive.getnames() == ["./a.c", "./data.bin", "./sub/b.h"]


def test_a_zip_holds_the_files(tmp_path: Path) -> None:
    write_package(FILES, tmp_path / "x.pack", "zip")
    with zipfile.ZipFile(tmp_path / "x.pack") as archive:
        assert archive.testzip() is None
        assert archive.read("data.bin") == b"\x00\x01"


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write the package to .*\n.*--output"):
        write_package(FILES, tmp_path / "file" / "package", "folder")
    write_package(FILES, tmp_path / "folder", "folder")
    with pytest.raises(OutputError):
        write_package(FILES, tmp_path / "folder", "tar")
    assert contents(tmp_path / "folder")["a.c"] == b"int a;\n"
