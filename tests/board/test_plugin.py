from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tvm_tiny import resources
from tvm_tiny.board import get_board, plugin
from tvm_tiny.board.emulated import ICOUNT, PLUGIN, EmulatedBoard
from tvm_tiny.board.plugin import emulator_plugin, npu_plugin
from tvm_tiny.errors import BoardError, ToolchainError

from .modules import expected, samples, twice


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A checkout in which CMake built nothing, with an empty cache; returns the cache."""
    monkeypatch.delenv("TVM_TINY_EMULATOR_PLUGIN", raising=False)
    monkeypatch.setattr(resources, "library_path", lambda name: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_builds_once_into_the_cache(no_library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = emulator_plugin()
    assert built is not None
    assert built.parent == no_library / "tvm_tiny"
    monkeypatch.setenv("TVM_TINY_CC", "false")
    assert emulator_plugin() == built
    assert list(built.parent.iterdir()) == [built]


def test_none_without_a_compiler(no_library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TVM_TINY_CC", "false")
    assert emulator_plugin() is None


def test_none_where_the_cache_cannot_be_written(no_library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_library.write_text("a file in the way")
    assert emulator_plugin() is None


def test_a_built_library_comes_first_unless_sources_are_newer(
    no_library: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    library = tmp_path / "libtvm_tiny_emulator.so"
    library.touch()
    monkeypatch.setattr(resources, "library_path", lambda name: library if name == "tvm_tiny_emulator" else None)
    assert emulator_plugin() == library
    os.utime(library, (0, 0))
    assert emulator_plugin() != library


def test_an_installed_package_without_the_library(no_library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "_sources", lambda *_folders: [])
    assert emulator_plugin() is None


def test_the_npu_is_built_from_its_sources_too(no_library: Path) -> None:
    assert npu_plugin().name.startswith("libtvm_tiny_npu_emulator-")


def test_without_an_npu_the_error_says_what_to_do(no_library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "_sources", lambda *_folders: [])
    with pytest.raises(ToolchainError, match="the emulator's NPU is not built") as raised:
        npu_plugin()
    assert "cmake --build build" in raised.value.hint


def test_the_environment_overrides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    original = emulator_plugin()
    assert original is not None
    copy = tmp_path / "copy, with a comma.so"
    shutil.copy(original, copy)
    monkeypatch.setenv("TVM_TINY_EMULATOR_PLUGIN", str(copy))
    assert emulator_plugin() == copy
    board = EmulatedBoard(get_board("mps2-an386").info, PLUGIN)  # type: ignore[attr-defined]
    assert board.run(board.build(twice()), samples(1)).counter == PLUGIN


def test_an_override_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TVM_TINY_EMULATOR_PLUGIN", "/nowhere/plugin.so")
    with pytest.raises(ToolchainError, match="which is no file"):
        emulator_plugin()


def test_icount_where_the_emulator_refuses_the_plugin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As a QEMU of another plugin interface does."""
    foreign = tmp_path / "foreign.so"
    foreign.write_text("no library")
    monkeypatch.setenv("TVM_TINY_EMULATOR_PLUGIN", str(foreign))
    board = get_board("mps2-an386")
    image = board.build(twice())
    result = board.run(image, samples(3))
    assert result.counter == ICOUNT
    assert "counted with -icount, as the emulator's plugin cannot be used: " in result.log
    assert (result.outputs[2]["y"] == expected(samples(3)[2])).all()
    with pytest.raises(BoardError, match="plugin cannot be used"):
        EmulatedBoard(board.info, PLUGIN).run(image, samples(1))  # type: ignore[attr-defined]
