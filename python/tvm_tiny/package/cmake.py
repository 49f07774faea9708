"""A firmware project for CMake: the models, start-up code, a linker script and a main that checks each model on a sample.

For a target without a board ("c") it is a program for the machine that builds it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tvm_tiny.package import layout
from tvm_tiny.package.part import Files, Hardware, Part
from tvm_tiny.package.template import render
from tvm_tiny.resources import cmake_dir


def build(parts: Sequence[Part], hardware: Hardware | None) -> Files:
    """The project's files."""
    files: dict[str, str | bytes] = {}
    for part in parts:
        folder = f"models/{part.name}"
        files |= layout.model_files(part, folder, "runtime") | layout.example_sources(part, folder)
        files[f"{folder}/CMakeLists.txt"] = render(
            "cmake/model.cmake",
            name=part.name,
            sources=" ".join(part.module.sources),
            flags=" ".join(part.flags),
        )
    files["main.c"] = render("cmake/main.c", includes=layout.includes(parts), checks="\n".join(_check(part.name) for part in parts))
    files |= _firmware(hardware)
    title = layout.names(parts)
    files["CMakeLists.txt"] = _lists(parts, hardware)
    files["README.md"] = render(
        "cmake/board.md" if hardware else "cmake/host.md",
        title=title,
        **({"board": hardware.description, "target": hardware.target, "run": _run(hardware)} if hardware else {}),
    )
    return files


def _check(name: str) -> str:
    return f'  wrong += check("{name}", {name}_example());'


def _firmware(hardware: Hardware | None) -> dict[str, str]:
    if hardware is None:
        return {"host/console.h": render("cmake/console.h"), "host/console.c": render("cmake/console.c")}
    toolchain = (cmake_dir() / "arm-none-eabi.cmake").read_text(encoding="utf-8")
    return {
        "cmake/arm-none-eabi.cmake": toolchain,
        "firmware/link.ld": hardware.linker_script,
        **{f"firmware/{name}": text for name, text in hardware.support.items()},
    }


def _lists(parts: Sequence[Part], hardware: Hardware | None) -> str:
    common = {
        "project": parts[0].name,
        "subdirectories": "\n".join(f"add_subdirectory(models/{part.name})" for part in parts),
        "libraries": " ".join(part.name for part in parts),
    }
    if hardware is None:
        return render("cmake/host.cmake", **common)
    sources = " ".join(f"firmware/{name}" for name in sorted(hardware.support) if name.endswith(".c"))
    return render("cmake/board.cmake", **common, core=hardware.target, support=sources, emulator=" ".join(hardware.emulator))


def _run(hardware: Hardware) -> str:
    if not hardware.emulator:
        return "Flash `build/firmware.elf` with the tool of your board."
    command = " ".join(hardware.emulator)
    return f"On the emulated board:\n\n```sh\ncmake --build build --target run\n```\n\nwhich is `{command} build/firmware.elf`."
