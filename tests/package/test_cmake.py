"""CMake firmware: it configures, builds without a warning, runs, and prints PASS, as it was written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .conftest import Packager, call


def built(project: Path, folder: Path, *options: str) -> Path:
    """The build folder; a warning of the compiler fails."""
    call("cmake", "-S", project, "-B", folder, *options, cwd=project)
    log = call("cmake", "--build", folder, cwd=project)
    assert "warning" not in log.lower(), log
    return folder


@pytest.mark.parametrize("target", ["cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"])
def test_firmware_prints_pass_on_the_emulated_board(packaged: Packager, tmp_path: Path, target: str) -> None:
    build = built(packaged("cmake", target), tmp_path / "build")

    assert (build / "firmware.elf").is_file()
    assert "100% tests passed" in call("ctest", cwd=build)


@pytest.mark.parametrize("target", ["cortex-m0", "cortex-m4", "cortex-m55"])
def test_clang_builds_it_too(packaged: Packager, tmp_path: Path, target: str) -> None:
    build = built(packaged("cmake", target), tmp_path / "build", "-DTVM_TINY_COMPILER=clang")

    assert "clang" in (build / "CMakeCache.txt").read_text()
    assert b"clang version" in (build / "firmware.elf").read_bytes()
    assert "100% tests passed" in call("ctest", cwd=build)


def test_program_for_the_machine_that_builds_it(packaged: Packager, tmp_path: Path) -> None:
    build = built(packaged("cmake", "c"), tmp_path / "build")

    assert call(build / "example", cwd=build) == "PASS\n"


def test_a_wrong_output_is_told(packaged: Packager, tmp_path: Path) -> None:
    """One expected byte changed: the example must see it."""
    project = tmp_path / "project"
    shutil.copytree(packaged("cmake", "c"), project)
    source = project / "models/alpha/alpha_example.c"
    head, brace, rest = source.read_text().partition("expected_y[4] = {\n")
    first, comma, others = rest.partition(",")
    source.write_text(f"{head}{brace}{int(first) ^ 1}{comma}{others}")
    build = built(project, tmp_path / "build")

    with pytest.raises(AssertionError, match=r"alpha: the output is not as expected, elements wrong \+ 1 = 0x00000002"):
        call(build / "example", cwd=build)
