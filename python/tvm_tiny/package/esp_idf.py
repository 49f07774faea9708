"""A component for ESP-IDF: ``idf_component.yml``, CMake, and an example project for each model.

After ESP-IDF's build system guide and the component manager's manifest reference. Espressif's cores are not Arm's: compile for the
target ``c``. (Code for a Cortex-M runs too, on the portable form of its kernels.)
"""

from __future__ import annotations

from collections.abc import Sequence

from tvm_tiny.package import layout
from tvm_tiny.package.part import Files, Hardware, Part
from tvm_tiny.package.template import render
from tvm_tiny.version import __version__


def build(parts: Sequence[Part], hardware: Hardware | None) -> Files:
    """The component's files; ``hardware`` has no say in it: ESP-IDF knows its chips."""
    del hardware
    title, component = layout.names(parts), f"tvm_tiny_{parts[0].name}"
    sources = "\n".join(f'       "models/{part.name}/{source}"' for part in parts for source in part.module.sources)
    folders = " ".join(f'"models/{part.name}"' for part in parts)
    files: dict[str, str | bytes] = {
        "CMakeLists.txt": render("esp_idf/component.cmake", sources=sources, folders=folders, flags=" ".join(parts[0].flags)),
        "idf_component.yml": render("esp_idf/idf_component.yml", title=title, version=__version__),
        "README.md": render("esp_idf/README.md", title=title, name=parts[0].name),
    }
    for part in parts:
        files |= layout.model_files(part, f"models/{part.name}", "runtime")
        example, name = f"examples/{part.name}", part.name
        files |= layout.example_sources(part, f"{example}/main")
        files[f"{example}/CMakeLists.txt"] = render("esp_idf/project.cmake", name=name)
        files[f"{example}/main/CMakeLists.txt"] = render("esp_idf/main.cmake", name=name)
        files[f"{example}/main/idf_component.yml"] = render("esp_idf/main.yml", component=component)
        files[f"{example}/main/main.c"] = render("esp_idf/main.c", name=name)
    return files
