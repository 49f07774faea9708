"""The compilers that generated C and the runtime must satisfy, with the warnings that they must not give."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

WARNINGS = (
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wshadow",
    "-Wcast-align",
    "-Wdouble-promotion",
    "-Wundef",
    "-Werror",
)
SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")


@dataclass(frozen=True)
class Compiler:
    """A compiler in one language: ``flags`` say which and for what core."""

    name: str
    program: str
    flags: tuple[str, ...]

    def run(self, *arguments: str | Path, cwd: Path | None = None) -> None:
        """Call the compiler; a failure shows what it said."""
        if shutil.which(self.program) is None:
            pytest.skip(f"{self.program} is not installed")
        command = [self.program, *self.flags, *map(str, arguments)]
        result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)
        assert result.returncode == 0, f"{' '.join(command)}\n{result.stderr[:4000]}"

    def check(self, sources: Sequence[Path], include: Sequence[Path], *flags: str) -> None:
        """Every warning is an error; nothing is written."""
        self.run(*WARNINGS, *flags, "-fsyntax-only", *(f"-I{folder}" for folder in include), *sources)


_C99 = ("-std=c99", "-pedantic")
_CPP = ("-std=c++11", "-pedantic", "-x", "c++")
_M0 = ("-mcpu=cortex-m0", "-mthumb", "-mfloat-abi=soft")
_M4 = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
_M55 = ("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard")

HOST_GCC = Compiler("gcc", "gcc", _C99)
CLANG = Compiler("clang", "clang", _C99)
C_COMPILERS = (
    HOST_GCC,
    CLANG,
    Compiler("gcc-m0", "arm-none-eabi-gcc", (*_C99, *_M0)),
    Compiler("gcc-m4", "arm-none-eabi-gcc", (*_C99, *_M4)),
    Compiler("gcc-m55", "arm-none-eabi-gcc", (*_C99, *_M55)),
)
CPP_COMPILERS = (
    Compiler("g++", "g++", _CPP),
    Compiler("clang++", "clang++", _CPP),
    Compiler("g++-m4", "arm-none-eabi-g++", (*_CPP, *_M4)),
)


def name_of(compiler: Compiler) -> str:
    """The id of a parametrised test."""
    return compiler.name
