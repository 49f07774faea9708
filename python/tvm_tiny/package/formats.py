"""The package formats by the names that users give. A new format is a file, and a row here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from tvm_tiny.errors import OutputError
from tvm_tiny.package import arduino, cmake, cmsis_pack, esp_idf, mlf, platformio, zephyr
from tvm_tiny.package.part import Files, Hardware, Part


@dataclass(frozen=True)
class Format:
    """A kind of package.

    Attributes
    ----------
    name, description : str
    build : callable
        (parts, hardware) → the package's files. ``hardware`` is None where the target has no board to build a firmware for.
    container : "folder", "tar" or "zip"
        What the package is on disk.
    needs_hardware : bool
        Whether it is a firmware for one board.
    """

    name: str
    description: str
    build: Callable[[Sequence[Part], Hardware | None], Files]
    container: Literal["folder", "tar", "zip"] = "folder"
    needs_hardware: bool = False


FORMATS: tuple[Format, ...] = (
    Format("mlf", "microTVM's Model Library Format, version 7, a tar archive", mlf.build, container="tar"),
    Format("cmake", "a firmware that CMake builds: start-up code, linker script, main", cmake.build, needs_hardware=True),
    Format("zephyr", "a Zephyr module with a sample", zephyr.build),
    Format("arduino", "an Arduino library with an example sketch", arduino.build),
    Format("platformio", "a PlatformIO library with an example project", platformio.build),
    Format("cmsis-pack", "a CMSIS-Pack, a zip archive", cmsis_pack.build, container="zip"),
    Format("esp-idf", "an ESP-IDF component with an example project", esp_idf.build),
)


def get_format(name: str) -> Format:
    """The format called ``name``.

    Raises
    ------
    OutputError
        There is none; the message lists the formats.
    """
    for each in FORMATS:
        if each.name == name:
            return each
    names = [each.name for each in FORMATS]
    near = get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]}?" if near else "choose one of these with --format"
    raise OutputError(f"there is no package format {name!r}: expected one of {', '.join(names)}", hint)
