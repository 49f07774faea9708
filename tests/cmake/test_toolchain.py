"""The toolchain file compiles for the core that it is told, with the flags that tvm_tiny itself uses."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tvm_tiny.target import CORES, Core

from ..conftest import ROOT

TOOLCHAIN = ROOT / "cmake" / "arm-none-eabi.cmake"
ARM_CORES = [core for core in CORES if core.mcpu]

pytestmark = pytest.mark.skipif(
    not (shutil.which("cmake") and shutil.which("arm-none-eabi-gcc")), reason="needs cmake and arm-none-eabi-gcc"
)


def configure(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Configure a project with one C file in ``folder``."""
    (folder / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.20)\nproject(probe LANGUAGES C)\nset(CMAKE_EXPORT_COMPILE_COMMANDS ON)\n"
        "add_library(probe STATIC probe.c)\n"
    )
    (folder / "probe.c").write_text("float scale(float x) { return 2.0f * x; }\n")
    command = ["cmake", "-S", str(folder), "-B", str(folder / "build"), f"-DCMAKE_TOOLCHAIN_FILE={TOOLCHAIN}", *options]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("core", ARM_CORES, ids=lambda core: core.name)
def test_compiles_with_the_flags_of_the_target(core: Core, tmp_path: Path):
    done = configure(tmp_path, f"-DTVM_TINY_CORE={core.name}")
    assert done.returncode == 0, done.stderr
    commands = (tmp_path / "build" / "compile_commands.json").read_text()
    assert " ".join(core.cflags) in commands
    subprocess.run(["cmake", "--build", str(tmp_path / "build")], check=True, capture_output=True)
    assert (tmp_path / "build" / "libprobe.a").is_file()


@pytest.mark.parametrize("options", [(), ("-DTVM_TINY_CORE=cortex-a53",)])
def test_core_that_is_missing_or_unknown_is_told(options: tuple[str, ...], tmp_path: Path):
    done = configure(tmp_path, *options)
    assert done.returncode != 0
    assert "expected one of cortex-m0" in " ".join(done.stderr.split())
