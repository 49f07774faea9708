"""What the bytes of a linked image are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tvm_tiny.board.link_map import LinkedSection
from tvm_tiny.codegen.sources import CModule

_FLASH = (".vectors", ".text", ".rodata", ".data")
_RAM = (".stack", ".data", ".bss")


@dataclass(frozen=True)
class Sizes:
    """Bytes of an image by what they are for.

    Attributes
    ----------
    weights : int
        The model's constants.
    code : int
        Text and read-only data of the model's objects without its weights, and the library functions that they pull in.
    support_flash, support_ram : int
        Start-up code, the harness and its buffers, without arena and stack.
    stack : int
        What is reserved for it, its guard included.
    arena : int
    """

    weights: int
    code: int
    support_flash: int
    arena: int
    stack: int
    support_ram: int


def measure_sizes(sections: Sequence[LinkedSection], module: CModule, model_objects: Path) -> Sizes:
    """Sort the sections of a link: those of the objects in ``model_objects`` and of libraries are the model's.

    The harness calls no library function (it is built freestanding), so whatever of a library is in the image, the model needs.
    """
    weights = code = support_flash = ram = stack = 0
    for section in sections:
        source = Path(section.source)
        in_model = source.parent == model_objects
        if section.output in _FLASH:
            if in_model and source.name == f"{module.name}_weights.o":
                weights += section.size
            elif in_model or section.archive:
                code += section.size
            else:
                support_flash += section.size
        if section.output in _RAM:
            ram += section.size
        if section.output == ".stack":
            stack += section.size
    return Sizes(weights, code, support_flash, module.arena_size, stack, ram - stack - module.arena_size)
