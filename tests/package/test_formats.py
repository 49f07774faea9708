"""The list of formats, and what is said of one that is not on it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tvm_tiny import api
from tvm_tiny.errors import CapacityError, OutputError
from tvm_tiny.package import FORMATS, get_format


def test_the_formats() -> None:
    assert [form.name for form in FORMATS] == ["mlf", "cmake", "zephyr", "arduino", "platformio", "cmsis-pack", "esp-idf"]


def test_an_unknown_format_is_told_with_the_nearest() -> None:
    with pytest.raises(OutputError, match=r"no package format 'zefyr': expected one of mlf, cmake, .*\n.*did you mean zephyr\?"):
        get_format("zefyr")


def test_two_models_of_one_name(model_files: list[Path], tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="two models of the package are called alpha"):
        api.package([model_files[0], model_files[0]], form="mlf", output=tmp_path / "out.tar")
    assert not (tmp_path / "out.tar").exists()


def test_models_that_do_not_fit_the_board_say_by_how_much(model_files: list[Path], tmp_path: Path) -> None:
    """A board with 16 bytes of flash."""
    board = tmp_path / "tiny.toml"
    board.write_text(
        'name = "tiny"\ndescription = "a very small one"\nkind = "qemu"\ntarget = "cortex-m4"\nstack = 1024\n'
        '[qemu]\nmachine = "mps2-an386"\n[memory.flash]\norigin = 0\nsize = 16\n[memory.ram]\norigin = 0x20000000\nsize = 65536\n'
    )
    with pytest.raises(CapacityError) as caught:
        api.package(model_files, form="cmake", output=tmp_path / "out", target="cortex-m4", board=str(board))

    needed, missing = re.search(
        r"weights and samples need (\d+) bytes of flash, which has 16: (\d+) are missing", str(caught.value)
    ).groups()  # type: ignore[union-attr]
    assert int(missing) == int(needed) - 16
    assert not (tmp_path / "out").exists()
