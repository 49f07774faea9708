"""A PlatformIO library: ``library.json``, sources, and an example project that is the smallest there is.

After PlatformIO's documentation of ``library.json``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from tvm_tiny.package import layout
from tvm_tiny.package.part import Files, Hardware, Part
from tvm_tiny.package.template import render
from tvm_tiny.version import __version__


def build(parts: Sequence[Part], hardware: Hardware | None) -> Files:
    """The library's files; ``hardware`` has no say in it: PlatformIO knows its boards."""
    del hardware
    title, first = layout.names(parts), parts[0].name
    files: dict[str, str | bytes] = {
        "library.json": json.dumps(_manifest(parts), indent=2) + "\n",
        "README.md": render("platformio/README.md", title=title, name=first),
    }
    for part in parts:
        files |= layout.model_files(part, "src", "src")
        example = f"examples/{part.name}"
        files |= layout.example_sources(part, f"{example}/src")
        files[f"{example}/src/main.cpp"] = render("platformio/main.cpp", name=part.name)
        files[f"{example}/platformio.ini"] = render("platformio/platformio.ini")
    return files


def _manifest(parts: Sequence[Part]) -> dict[str, object]:
    return {
        "$schema": "https://raw.githubusercontent.com/platformio/platformio-core/develop/platformio/assets/schema/library.json",
        "name": f"tvm_tiny_{parts[0].name}",
        "version": __version__,
        "description": f"Neural networks in C, compiled by tvm_tiny: {layout.names(parts)}",
        "keywords": ["machine learning", "neural network", "tinyml"],
        "frameworks": "*",
        "platforms": "*",
        "headers": [f"{part.name}.h" for part in parts],
        # What speed and size were measured with.
        "build": {"flags": list(parts[0].flags)},
        "examples": [
            {"name": part.name, "base": f"examples/{part.name}", "files": ["platformio.ini", "src/main.cpp"]} for part in parts
        ],
    }
