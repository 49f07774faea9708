"""A module for Zephyr: ``module.yml``, Kconfig, CMake, and a sample application for each model.

After Zephyr's documentation, "Modules (External projects)": a tree that lists this folder in its west manifest, or passes it in
``ZEPHYR_EXTRA_MODULES``, finds the models as ``CONFIG_TVM_TINY_<MODEL>``.
"""

from __future__ import annotations

from collections.abc import Sequence

from tvm_tiny.package import layout
from tvm_tiny.package.part import Files, Hardware, Part
from tvm_tiny.package.template import render


def build(parts: Sequence[Part], hardware: Hardware | None) -> Files:
    """The module's files; ``hardware`` has no say in it: Zephyr knows its boards."""
    del hardware
    files: dict[str, str | bytes] = {
        "zephyr/module.yml": render("zephyr/module.yml", name=f"tvm_tiny_{parts[0].name}"),
        "CMakeLists.txt": "".join(_model(part, "zephyr/model.cmake") for part in parts),
        "Kconfig": "".join(_kconfig(part) for part in parts),
        "README.md": render("zephyr/README.md", title=layout.names(parts), name=parts[0].name),
    }
    for part in parts:
        files |= layout.model_files(part, f"models/{part.name}", "runtime")
        sample = f"samples/{part.name}"
        files |= layout.example_sources(part, f"{sample}/src")
        files[f"{sample}/CMakeLists.txt"] = render("zephyr/sample.cmake", name=part.name)
        files[f"{sample}/prj.conf"] = f"CONFIG_TVM_TINY_{part.name.upper()}=y\nCONFIG_MAIN_STACK_SIZE=4096\n"
        files[f"{sample}/src/main.c"] = render("zephyr/main.c", name=part.name)
        files[f"{sample}/sample.yaml"] = render("zephyr/sample.yaml", name=part.name)
    return files


def _model(part: Part, template: str) -> str:
    sources = "\n".join(f"    models/{part.name}/{source}" for source in part.module.sources)
    return render(template, name=part.name, upper=part.name.upper(), sources=sources, flags=" ".join(part.flags))


def _kconfig(part: Part) -> str:
    return render(
        "zephyr/Kconfig",
        name=part.name,
        upper=part.name.upper(),
        arena=part.module.arena_size,
        weights=part.module.weights_size,
        libm="\tselect REQUIRES_FULL_LIBC\n" if part.module.needs_libm else "",
    )
