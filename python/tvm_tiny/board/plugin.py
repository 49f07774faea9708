"""Finds the emulator's plugins, or builds them where there are their sources and a compiler."""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from pathlib import Path

from tvm_tiny import resources
from tvm_tiny.board.toolchain import HOST_CC, find_tool, run_tool
from tvm_tiny.errors import ToolchainError

VARIABLE = "TVM_TINY_EMULATOR_PLUGIN"
_LIBRARY = "tvm_tiny_emulator"
_NPU_LIBRARY = "tvm_tiny_npu_emulator"
_FLAGS = ("-std=c99", "-O2", "-fPIC", "-shared", "-fvisibility=hidden")


def _root() -> Path:
    """``src`` of a source checkout."""
    return Path(resources.__file__).resolve().parents[2] / "src"


def _sources(*folders: str) -> list[Path]:
    """The plugin's C files in a source checkout; an installed package has the library instead."""
    root = _root()
    return sorted(path for folder in folders for ending in ("*.c", "*.h") for path in (root / folder).glob(ending))


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return Path(base) / "tvm_tiny"


def _build(name: str, sources: list[Path]) -> Path | None:
    """The library built from ``sources``, kept in the cache under their hash; None where it cannot be built."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    library = _cache_folder() / f"lib{name}-{digest}.so"
    if library.is_file():
        return library
    # Built beside its place and moved there: another process may be doing the same.
    partial = library.with_suffix(f".{os.getpid()}.tmp")
    undefined = ("-undefined", "dynamic_lookup") if sys.platform == "darwin" else ()
    includes = [f"-I{_root() / folder}" for folder in ("npu", "npu/driver", "runtime")]
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
        finished = run_tool(
            [find_tool(HOST_CC), *_FLAGS, *undefined, *includes, *(path for path in sources if path.suffix == ".c"), "-o", partial]
        )
        if finished.returncode != 0:
            return None
        partial.replace(library)
    except (OSError, ToolchainError):
        return None
    finally:
        with suppress(OSError):
            partial.unlink()
    return library


def emulator_plugin() -> Path | None:
    """The emulator's plugin, None where there is none and none can be built: boards then count with ``-icount``.

    In this order: the file that the environment variable TVM_TINY_EMULATOR_PLUGIN names; the library that CMake built, unless
    sources are newer than it; one built from the sources of a checkout, once, into the user's cache folder.

    Raises
    ------
    ToolchainError
        The environment variable names a file that is not there.
    """
    override = os.environ.get(VARIABLE)
    if override:
        if not Path(override).is_file():
            raise ToolchainError(
                f"{VARIABLE} is {override!r}, which is no file", f"unset {VARIABLE}, or set it to the plugin's path"
            )
        return Path(override).resolve()
    return _found(_LIBRARY, _sources("emulator"))


def npu_plugin() -> Path:
    """The plugin that is the NPU of an emulated board, found like :func:`emulator_plugin`.

    Raises
    ------
    ToolchainError
        There is none, and none can be built.
    """
    found = _found(_NPU_LIBRARY, _sources("npu", "npu/qemu"))
    if found is None:
        raise ToolchainError(
            "the emulator's NPU is not built",
            "reinstall tvm-tiny, or in a source checkout run: cmake -S . -B build && cmake --build build",
        )
    return found


def _found(name: str, sources: list[Path]) -> Path | None:
    """The library that CMake built, unless sources are newer; one built from the sources of a checkout."""
    built = resources.library_path(name)
    if built is not None and all(path.stat().st_mtime <= built.stat().st_mtime for path in sources):
        return built
    return _build(name, sources) if sources else None
