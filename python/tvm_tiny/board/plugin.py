"""Finds the emulator's plugin, or builds it where there are its sources and a compiler."""

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
_FLAGS = ("-std=c99", "-O2", "-fPIC", "-shared", "-fvisibility=hidden")


def _sources() -> list[Path]:
    """The plugin's C files in a source checkout; an installed package has the library instead."""
    folder = Path(resources.__file__).resolve().parents[2] / "src" / "emulator"
    return sorted([*folder.glob("*.c"), *folder.glob("*.h")])


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return Path(base) / "tvm_tiny"


def _build(sources: list[Path]) -> Path | None:
    """The library built from ``sources``, kept in the cache under their hash; None where it cannot be built."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    library = _cache_folder() / f"lib{_LIBRARY}-{digest}.so"
    if library.is_file():
        return library
    # Built beside its place and moved there: another process may be doing the same.
    partial = library.with_suffix(f".{os.getpid()}.tmp")
    undefined = ("-undefined", "dynamic_lookup") if sys.platform == "darwin" else ()
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
        finished = run_tool(
            [find_tool(HOST_CC), *_FLAGS, *undefined, *(path for path in sources if path.suffix == ".c"), "-o", partial]
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
    sources = _sources()
    built = resources.library_path(_LIBRARY)
    if built is not None and all(path.stat().st_mtime <= built.stat().st_mtime for path in sources):
        return built
    return _build(sources) if sources else None
