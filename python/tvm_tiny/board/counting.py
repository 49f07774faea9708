"""Exact instruction counts and modelled cycles: what the emulator's plugin is told, and what it answers.

The files are described in ``src/emulator/config.h`` and written by ``src/emulator/counter.c`` and ``plugin.c``.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tvm_tiny.board.symbols import SymbolTable
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.errors import ToolchainError

CONFIG, COUNTS, BLOCKS = "count.cfg", "counts.txt", "blocks.txt"


@dataclass(frozen=True)
class Block:
    """A straight run of instructions, ``executed`` times in all; ``encodings`` are hexadecimal, of 4 or 8 digits."""

    address: int
    executed: int
    encodings: tuple[str, ...]


@dataclass(frozen=True)
class Counts:
    """What the plugin saw.

    Attributes
    ----------
    totals : tuple of int
        Instructions of each inference.
    layers : tuple of tuple of int
        Of each inference, instructions of each layer with all that it called; in the order of execution.
    cycles, layer_cycles
        The same of modelled cycles; empty where there is no model of the core.
    model : str or None
        Name of the cycle model.
    functions : dict of str to int
        Over all inferences, instructions of each function by itself.
    last : int or None
        Address of the block that ran last.
    last_layer : int or None
        Index of the layer that was running then, None where none was.
    """

    totals: tuple[int, ...]
    layers: tuple[tuple[int, ...], ...]
    cycles: tuple[int, ...]
    layer_cycles: tuple[tuple[int, ...], ...]
    model: str | None
    functions: dict[str, int]
    last: int | None
    last_layer: int | None


def write_config(folder: Path, module: CModule, symbols: SymbolTable, core: str) -> None:
    """Tell the plugin where the measured call, ``<model>_run`` and the layers' functions are, and whose cycles to model.

    ``core`` is a target's name; where there is no model of it, instructions alone are counted.

    Raises
    ------
    ToolchainError
        The image lacks ``<model>_run`` or the harness's labels.
    """
    run = symbols.variants_of(f"{module.name}_run", parts=True)
    if not run:
        raise ToolchainError(f"the image has no function {module.name}_run")
    lines = [
        f"output {COUNTS}",
        f"blocks {BLOCKS}",
        f"core {core}",
        f"begin 0x{symbols.address_of('measure_begin'):08x}",
        f"end 0x{symbols.address_of('measure_end'):08x}",
        *(f"run 0x{part.address:08x} 0x{part.address + part.size:08x}" for part in run),
        *sorted({f"entry 0x{part.address:08x}" for layer in module.layers for part in symbols.variants_of(layer.function)}),
    ]
    (folder / CONFIG).write_text("".join(f"{line}\n" for line in lines), encoding="ascii")


def was_loaded(folder: Path) -> bool:
    """Whether the emulator accepted the plugin: it makes its output file when it is installed."""
    return (folder / COUNTS).exists()


def read_blocks(folder: Path) -> list[Block]:
    """The blocks that ran in the measured calls of a run."""
    path = folder / BLOCKS
    blocks = []
    for line in path.read_text(encoding="ascii").splitlines() if path.exists() else ():
        address, executed, *encodings = line.split()
        blocks.append(Block(int(address, 16), int(executed), tuple(encodings)))
    return blocks


def _functions(folder: Path, symbols: SymbolTable) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for block in read_blocks(folder):
        function = symbols.function_at(block.address)
        counts[function.name if function else f"0x{block.address:08x}"] += len(block.encodings) * block.executed
    return dict(counts)


def read_counts(folder: Path, symbols: SymbolTable) -> Counts:
    """The plugin's answer, as far as it got."""
    instructions: list[tuple[int, ...]] = []
    cycles: list[tuple[int, ...]] = []
    model = last = last_layer = None
    path = folder / COUNTS
    for line in path.read_text(encoding="ascii").splitlines() if path.exists() else ():
        word, _, rest = line.partition(" ")
        ended = re.fullmatch(r"last (0x[0-9a-f]+) layer (-?\d+)", line)
        if word == "model":
            model = rest
        elif word in ("inference", "cycles"):
            (instructions if word == "inference" else cycles).append(tuple(int(each) for each in rest.split()))
        elif ended:
            last = int(ended[1], 16)
            last_layer = int(ended[2]) if int(ended[2]) >= 0 else None
    return Counts(
        totals=tuple(counts[0] for counts in instructions),
        layers=tuple(counts[1:] for counts in instructions),
        cycles=tuple(counts[0] for counts in cycles),
        layer_cycles=tuple(counts[1:] for counts in cycles),
        model=model,
        functions=_functions(folder, symbols),
        last=last,
        last_layer=last_layer,
    )
