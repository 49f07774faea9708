"""An Arduino library: ``library.properties``, sources below ``src``, and an example sketch for each model.

After Arduino's library specification, revision 2.2: everything below ``src`` is compiled, and ``src`` is on the include path.
"""

from __future__ import annotations

from collections.abc import Sequence

from tvm_tiny.package import layout
from tvm_tiny.package.part import Files, Hardware, Part
from tvm_tiny.package.template import render
from tvm_tiny.version import __version__


def build(parts: Sequence[Part], hardware: Hardware | None) -> Files:
    """The library's files; ``hardware`` has no say in it: Arduino knows its boards."""
    del hardware
    first = parts[0].name
    files: dict[str, str | bytes] = {
        "library.properties": render(
            "arduino/library.properties",
            name=f"tvm_tiny_{first}",
            version=__version__,
            title=layout.names(parts),
            headers=",".join(f"{part.name}.h" for part in parts),
        ),
        "keywords.txt": "".join(_keywords(part) for part in parts),
        "README.md": render("arduino/README.md", title=layout.names(parts), name=first),
    }
    for part in parts:
        files |= layout.model_files(part, "src", "src") | layout.example_sources(part, f"examples/{part.name}")
        files[f"examples/{part.name}/{part.name}.ino"] = render("arduino/sketch.ino", name=part.name)
    return files


def _keywords(part: Part) -> str:
    """Words that the editor colours: a tab between word and kind."""
    name = part.name
    sizes = [f"POOL_{pool.name.upper()}_BYTES" for pool in part.module.pools] or ["ARENA_SIZE"]
    literals = "".join(f"{name.upper()}_{size}\tLITERAL1\n" for size in sizes)
    return f"{name}_run\tKEYWORD2\n{name}_inputs\tKEYWORD1\n{name}_outputs\tKEYWORD1\n{literals}"
