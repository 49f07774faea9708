"""A CMSIS-Pack: an archive with a ``.pdsc`` description, for Keil MDK, IAR and csolution projects.

After the Open-CMSIS-Pack specification 1.7. Each model is a component ``Machine Learning:Model:<name>``, and its example another.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from tvm_tiny.package import layout
from tvm_tiny.package.part import Files, Hardware, Part
from tvm_tiny.package.template import render
from tvm_tiny.version import __version__

VENDOR = "tvm_tiny"


def build(parts: Sequence[Part], hardware: Hardware | None) -> Files:
    """The pack's files; ``hardware`` has no say in it: device packs know the boards."""
    del hardware
    name, title = parts[0].name, layout.names(parts)
    files: dict[str, str | bytes] = {
        f"{VENDOR}.{name}.pdsc": render(
            "cmsis_pack/pack.pdsc",
            vendor=VENDOR,
            name=escape(name),
            title=escape(title),
            version=__version__,
            conditions="\n".join(_condition(part) for part in parts),
            components="\n".join(_component(part) for part in parts),
        ),
        "LICENSE": render("cmsis_pack/LICENSE"),
        "README.md": render("cmsis_pack/README.md", title=title, name=name),
    }
    for part in parts:
        folder = f"models/{part.name}"
        files |= layout.model_files(part, folder, "runtime") | layout.example_sources(part, folder)
    return files


def _condition(part: Part) -> str:
    name = escape(part.name)
    return render("cmsis_pack/condition.xml", name=name).rstrip("\n")


def _component(part: Part) -> str:
    name, folder = part.name, f"models/{part.name}"
    own = [_file("include", f"{folder}/"), _file("include", "runtime/"), _file("header", f"{folder}/{name}.h")]
    own += [_file("source", f"{folder}/{source}") for source in part.module.sources]
    example = [_file("header", f"{folder}/{name}_example.h"), _file("source", f"{folder}/{name}_example.c")]
    return render(
        "cmsis_pack/component.xml",
        name=escape(name),
        version=__version__,
        files="\n".join(own),
        example="\n".join(example),
    ).rstrip("\n")


def _file(category: str, path: str) -> str:
    return f'        <file category="{category}" name={quoteattr(path)}/>'
