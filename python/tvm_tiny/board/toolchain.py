"""The programs that boards need: compilers and the emulator, found on this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tvm_tiny.errors import ToolchainError


@dataclass(frozen=True)
class Tool:
    """A program: the names it goes by, the environment variable that overrides them, and where to get it."""

    purpose: str
    variable: str
    programs: tuple[str, ...]
    debian: str
    brew: str


ARM_GCC = Tool(
    purpose="the Arm cross compiler",
    variable="TVM_TINY_ARM_GCC",
    programs=("arm-none-eabi-gcc",),
    debian="gcc-arm-none-eabi libnewlib-arm-none-eabi",
    brew="--cask gcc-arm-embedded",
)
QEMU = Tool(
    purpose="the Arm emulator",
    variable="TVM_TINY_QEMU",
    programs=("qemu-system-arm",),
    debian="qemu-system-arm",
    brew="qemu",
)
HOST_CC = Tool(purpose="the host's C compiler", variable="TVM_TINY_CC", programs=("cc", "gcc", "clang"), debian="gcc", brew="gcc")


def _hint(tool: Tool) -> str:
    return (
        f"install it: apt-get install {tool.debian} (Debian), brew install {tool.brew} (macOS); or set {tool.variable} to its path"
    )


def find_tool(tool: Tool) -> Path:
    """The path of ``tool``.

    Raises
    ------
    ToolchainError
        It is not there; the message names its packages and the variable that overrides the search.
    """
    override = os.environ.get(tool.variable)
    if override:
        found = shutil.which(override)
        if found is None:
            raise ToolchainError(f"{tool.variable} is {override!r}, which is no program that can be run", _hint(tool))
        return Path(found)
    for program in tool.programs:
        found = shutil.which(program)
        if found is not None:
            return Path(found)
    raise ToolchainError(f"{tool.purpose} is missing: looked for {' and '.join(tool.programs)} in PATH", _hint(tool))


def run_tool(command: Sequence[str | Path], *, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a compiler or the like to its end; its messages are in ``stdout`` and ``stderr``.

    Raises
    ------
    ToolchainError
        It could not be started.
    """
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        return subprocess.run(
            [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        raise ToolchainError(f"{command[0]} could not be started: {error}") from error


def tool_version(tool: Tool) -> str:
    """The version number of ``tool``, "12.2.1".

    Raises
    ------
    ToolchainError
        It is missing, or does not tell its version.
    """
    path = find_tool(tool)
    finished = run_tool([path, "--version"])
    # Distributions put their own version, in brackets, in front of the program's.
    first = re.sub(r"\([^)]*\)", "", finished.stdout.partition("\n")[0])
    number = re.search(r"\d+(?:\.\d+)+", first)
    if finished.returncode != 0 or number is None:
        raise ToolchainError(f"{path} --version does not tell a version: {(finished.stdout + finished.stderr).strip()[:200]!r}")
    return number.group()


def compiler_version() -> str:
    """The cross compiler's family and major version, "gcc-12"."""
    return f"gcc-{tool_version(ARM_GCC).partition('.')[0]}"
