"""Says what does not fit, by how much, and what takes the room."""

from __future__ import annotations

from collections.abc import Mapping

from tvm_tiny.board.info import BoardInfo
from tvm_tiny.board.sizes import Sizes
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.errors import CapacityError


def _sentence(module: CModule, info: BoardInfo, region: str, excess: int, parts: Mapping[str, int]) -> str:
    memory = info.region(region)
    size = memory.size if memory else 0
    rest = size + excess - sum(parts.values())
    listed = ", ".join(f"{name} {part:,}" for name, part in [*parts.items(), ("start-up and harness", rest)])
    return (
        f"{module.name} does not fit on {info.name}: {region} is too small by {excess:,} bytes "
        f"(it has {size:,} and {size + excess:,} are needed: {listed})"
    )


def capacity_error(module: CModule, info: BoardInfo, overflow: Mapping[str, int], sizes: Sizes) -> CapacityError:
    """The error for regions that are too small; ``overflow`` is region → bytes too many, as the linker found."""
    parts = {
        "flash": {"weights": sizes.weights, "code": sizes.code},
        "ram": {"arena": module.arena_size, "stack": info.stack},
    }
    sentences = [_sentence(module, info, region, excess, parts[region]) for region, excess in overflow.items()]
    hint = "a board with more memory, or --optimize ram" if "ram" in overflow else "a board with more memory, or --optimize size"
    return CapacityError("; ".join(sentences), hint)
