"""Where the files of models lie in a package: the same places in every format that is a folder."""

from __future__ import annotations

from collections.abc import Sequence

from tvm_tiny.package.example import example_files
from tvm_tiny.package.facts import facts_file
from tvm_tiny.package.part import Part


def model_files(part: Part, folder: str, runtime: str) -> dict[str, str]:
    """The model's own files below ``folder``, the headers that all models share below ``runtime``."""
    files = {f"{runtime if '/' in path else folder}/{path}": text for path, text in part.module.files.items()}
    return files | {f"{folder}/{name}": text for name, text in facts_file(part).items()}


def example_sources(part: Part, folder: str) -> dict[str, str]:
    """``<model>_example.h`` and ``.c`` below ``folder``."""
    return {f"{folder}/{name}": text for name, text in example_files(part).items()}


def includes(parts: Sequence[Part]) -> str:
    """``#include`` of every model's example."""
    return "\n".join(f'#include "{part.name}_example.h"' for part in parts)


def names(parts: Sequence[Part]) -> str:
    """The models' names for a sentence: "kws", "kws and vww"."""
    listed = [part.name for part in parts]
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}"
