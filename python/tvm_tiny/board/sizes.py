"""What the model's share of a linked image is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tvm_tiny.board.link_map import LinkedSection
from tvm_tiny.codegen.sources import CModule

_FLASH = (".text", ".rodata", ".data", ".npu")


@dataclass(frozen=True)
class Sizes:
    """Bytes of flash that the model takes: its constants, and its code with the library functions that it pulls in.

    ``entry`` of the code's bytes are ``<model>_run`` itself: what it costs to call the layers.
    """

    weights: int
    code: int
    entry: int


def measure_sizes(sections: Sequence[LinkedSection], module: CModule, model_objects: Path) -> Sizes:
    """Add up the sections of a link that come from the objects in ``model_objects`` or from libraries.

    The harness calls no library function (it is built freestanding), so whatever of a library is in the image, the model needs.
    """
    weights = code = entry = 0
    for section in sections:
        source = Path(section.source)
        in_model = source.parent == model_objects
        if section.output not in _FLASH or not (in_model or section.archive):
            continue
        if in_model and source.name == f"{module.name}_weights.o":
            weights += section.size
        else:
            code += section.size
            entry += section.size if in_model and section.name == f".text.{module.name}_run" else 0
    return Sizes(weights, code, entry)
