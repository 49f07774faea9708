"""Says what does not fit, by how much, and what takes the room."""

from __future__ import annotations

from collections.abc import Mapping

from tvm_tiny.board.info import BoardInfo
from tvm_tiny.board.sizes import Sizes
from tvm_tiny.codegen.peak import peak_of
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
    if info.region("flash") is None:  # all of the image lies in RAM
        parts["ram"] = {**parts["flash"], **parts["ram"]}
    sentences = [_sentence(module, info, region, excess, parts[region]) for region, excess in overflow.items()]
    if "ram" in overflow and module.buffers:
        sentences.append(peak_of(module).sentence())
    hint = "a board with more memory, or --optimize ram" if "ram" in overflow else "a board with more memory, or --optimize size"
    return CapacityError("; ".join(sentences), hint)


def check_memories(module: CModule, board: str, *, flash: int | None, ram: int | None) -> None:
    """Make sure that the weights fit ``flash`` bytes and the arena ``ram``; None is a memory of unknown size.

    Raises
    ------
    CapacityError
        They do not; says how many bytes are missing, and which layers need the most RAM for what.
    """
    found = []
    if flash is not None and module.weights_size > flash:
        found.append(f"its weights have {module.weights_size:,} bytes, {module.weights_size - flash:,} more than the flash")
    if ram is not None and module.arena_size > ram:
        found.append(f"its arena has {module.arena_size:,} bytes, {module.arena_size - ram:,} more than the RAM")
        found.append(peak_of(module).sentence())
    if found:
        raise CapacityError(
            f"{module.name} does not fit on {board}: {'; '.join(found)}", "a board with more memory, or --optimize ram"
        )
