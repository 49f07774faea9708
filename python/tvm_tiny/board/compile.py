"""Compiles the sources of a module and of its harness: the part that the host and the boards have in common."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tvm_tiny.board.arena_check import require_buffers
from tvm_tiny.board.toolchain import run_tool
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.errors import OutputError, ToolchainError

# What generated code is compiled with everywhere. a*b+c is not contracted: float layers must round as their reference does.
C_FLAGS = ("-std=c99", "-ffp-contract=off", "-ffunction-sections", "-fdata-sections")
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow")


@dataclass(frozen=True)
class Unit:
    """A source file with its flags and the object file that it becomes.

    Attributes
    ----------
    reused : bool
        True where it includes nothing that is generated: this process compiles it once with the same flags.
    """

    source: Path
    object: Path
    flags: tuple[str, ...]
    reused: bool = False


_objects: dict[tuple[Path, Path, tuple[str, ...]], tuple[bytes, str]] = {}
"""Compiler, source and flags → object and warnings of what is reused."""


def write_module(module: CModule, folder: Path) -> Path:
    """Write the files of ``module`` below ``folder``/model; returns that folder.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    root = folder / "model"
    try:
        for name, text in module.files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"the C of {module.name} cannot be written: {error}") from error
    return root


def model_units(module: CModule, root: Path, objects: Path, flags: Sequence[str]) -> list[Unit]:
    """A unit for each source of ``module``, whose objects lie in ``objects``."""
    return [
        Unit(root / name, objects / (name.replace("/", "__").removesuffix(".c") + ".o"), (*C_FLAGS, *WARNINGS, *flags, f"-I{root}"))
        for name in module.sources
    ]


def hook_flags(module: CModule, *, trace: bool, check_arena: bool) -> tuple[str, ...]:
    """The macros, for the model and the harness, that let the model call the harness after each layer.

    Raises
    ------
    ValueError
        Both are asked for.
    ModelError
        The arena cannot be checked, as ``module`` does not tell its buffers.
    """
    if trace and check_arena:
        raise ValueError("a build either traces layers or checks the arena")
    if check_arena:
        require_buffers(module)
        return ("-DTVM_TINY_TRACE", "-DTVM_TINY_CHECK_ARENA")
    return ("-DTVM_TINY_TRACE",) if trace else ()


def complaint(compiler: Path, subject: str, messages: str) -> ToolchainError:
    """The error for code that a compiler or linker refuses: its first errors, or its last lines where it names none."""
    lines = [line for line in messages.splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line.lower() or "undefined reference" in line or "cannot find" in line]
    text = f"{compiler.name} refuses {subject}:\n" + "\n".join(f"  {line}" for line in (errors or lines)[:6])
    if "unrecognized -mcpu" in messages or "unrecognized -march" in messages:
        return ToolchainError(text, "this compiler is too old for the core: set TVM_TINY_ARM_GCC to the path of a newer one")
    if ".h: No such file" in messages or "cannot find -l" in messages:
        return ToolchainError(text, "the C library of the cross compiler is missing: apt-get install libnewlib-arm-none-eabi")
    return ToolchainError(text)


def compile_units(compiler: Path, units: Sequence[Unit]) -> str:
    """Compile ``units``, some at a time; returns the compiler's warnings.

    Raises
    ------
    ToolchainError
        The compiler refuses a source; its messages are in the error.
    """

    def compile_unit(unit: Unit) -> str:
        key = (compiler, unit.source, unit.flags)
        if key in _objects:
            content, warnings = _objects[key]
            unit.object.write_bytes(content)
            return warnings
        finished = run_tool([compiler, *unit.flags, "-c", unit.source, "-o", unit.object])
        if finished.returncode != 0:
            raise complaint(compiler, unit.source.name, finished.stderr)
        if unit.reused:
            _objects[key] = (unit.object.read_bytes(), finished.stderr)
        return finished.stderr

    for folder in {unit.object.parent for unit in units}:
        folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        return "".join(pool.map(compile_unit, units))
