"""Where the files lie that are not Python: C headers, firmware, and the libraries that CMake builds.

An installed package carries them inside itself; a source checkout has them beside ``python/``, its libraries under ``build/lib``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tvm_tiny.errors import ToolchainError

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1]


def _folder(name: str) -> Path:
    """``share/<name>`` of an installed package, ``src/<name>`` of a checkout."""
    installed, source = _PACKAGE / "share" / name, _CHECKOUT / "src" / name
    for folder in (installed, source):
        if folder.is_dir():
            return folder
    raise ToolchainError(
        f"the folder {name!r} of tvm_tiny is missing: looked for {installed} and {source}",
        "the installation is damaged: reinstall tvm-tiny",
    )


def runtime_dir() -> Path:
    """The C headers that generated code includes.

    Raises
    ------
    ToolchainError
        The folder is not there.
    """
    return _folder("runtime")


def firmware_dir() -> Path:
    """Start-up code, linker scripts and the measurement harness of the boards.

    Raises
    ------
    ToolchainError
        The folder is not there.
    """
    return _folder("firmware")


def npu_driver_dir() -> Path:
    """The NPU's driver, in C, as generated code includes it.

    Raises
    ------
    ToolchainError
        The folder is not there.
    """
    return _folder("npu/driver")


def npu_model_dir() -> Path:
    """The headers of the NPU's device model, the library "tvm_tiny_npu".

    Raises
    ------
    ToolchainError
        The folder is not there.
    """
    return _folder("npu")


def cmake_dir() -> Path:
    """Toolchain files, and what CMake projects that compile models include.

    Raises
    ------
    ToolchainError
        The folder is not there.
    """
    installed, source = _PACKAGE / "share" / "cmake", _CHECKOUT / "cmake"
    for folder in (installed, source):
        if folder.is_dir():
            return folder
    raise ToolchainError(
        f"the folder 'cmake' of tvm_tiny is missing: looked for {installed} and {source}",
        "the installation is damaged: reinstall tvm-tiny",
    )


def library_path(name: str) -> Path | None:
    """The shared library ``lib<name>.so`` (of this platform's ending) that CMake built, None where it was not built."""
    ending = ".dylib" if sys.platform == "darwin" else ".so"
    candidates = (_PACKAGE / "lib" / f"lib{name}{ending}", _CHECKOUT / "build" / "lib" / f"lib{name}{ending}")
    return next((path for path in candidates if path.is_file()), None)


def library(name: str) -> Path:
    """As :func:`library_path`, for a library that must be there.

    Raises
    ------
    ToolchainError
        It was not built; says how to build it.
    """
    path = library_path(name)
    if path is None:
        raise ToolchainError(
            f"the library {name!r} of tvm_tiny is not built",
            "reinstall tvm-tiny, or in a source checkout run: cmake -S . -B build && cmake --build build",
        )
    return path
