"""What a board is to the rest of the package: something that builds a C module into an image, loads it, runs it and measures it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from tvm_tiny.board.arena_check import ArenaCheck
from tvm_tiny.codegen.sources import CModule


@dataclass(frozen=True)
class Image:
    """A built firmware.

    Attributes
    ----------
    path : Path
        The ELF file (or host executable). It lies in a folder of its own, which belongs to the image.
    module : CModule
    code_size : int or None
        Bytes of code that the model adds to a firmware: the text and read-only data of its objects without its weights, plus the
        runtime functions that they pull in. None where it cannot be told.
    weights_size : int
        Bytes of constants as linked.
    trace : bool
        Whether it reports every layer's output. Such an image is not measured: reporting takes instructions and stack.
    check_arena : bool
        Whether it watches the arena around each layer. Such an image is not measured either.
    log : str
        What the compiler and the linker had to say.
    stack_bound : int or None
        Bytes of stack that no inference exceeds, by analysis of the machine code; None where there is no such bound.
    entry_size : int or None
        How many of the code's bytes are ``<model>_run`` itself, which calls the layers.
    """

    path: Path
    module: CModule
    code_size: int | None
    weights_size: int
    trace: bool = False
    check_arena: bool = False
    log: str = field(default="", repr=False)
    stack_bound: int | None = None
    entry_size: int | None = None


@dataclass(frozen=True)
class LayerCount:
    """Measured cost of one layer, per inference."""

    instructions: int | None
    cycles: int | None


@dataclass(frozen=True)
class RunResult:
    """What came back from a board.

    Attributes
    ----------
    outputs : sequence of dict
        For each sample, output name → array of the output's shape and dtype.
    traces : sequence of dict
        For each sample, index of a layer → the flat array which that layer wrote; empty unless asked for.
    instructions, cycles : int or None
        Mean per inference, from the call of ``<model>_run`` to its return; None where the board cannot count.
    stack : int or None
        Bytes of stack that ``<model>_run`` used at its deepest, by painting.
    layers : tuple of LayerCount
        One for each layer of the module, or empty.
    npu_cycles : int or None
        Mean cycles per inference of the NPU's clock, without filling its parameter cache; None where there is none.
    counter, cycle_model : str or None
        What counted ("qemu-plugin", "qemu-icount", "dwt") and the name of the cycle model.
    per_inference : tuple of int
        Instructions of each inference, where the board counts them.
    functions : mapping of str to float
        C function → its own instructions per inference, callees not included, where the board can tell.
    arena_check : ArenaCheck or None
        What the image found that watches the arena. Where it found something there are no outputs.
    emulated : bool
        The board is attached, and an emulator all the same, whose time is not the core's: hence no cycles.
    """

    outputs: Sequence[dict[str, np.ndarray]]
    traces: Sequence[dict[int, np.ndarray]] = ()
    instructions: int | None = None
    cycles: int | None = None
    stack: int | None = None
    layers: tuple[LayerCount, ...] = ()
    counter: str | None = None
    cycle_model: str | None = None
    per_inference: tuple[int, ...] = ()
    functions: Mapping[str, float] = field(default_factory=dict, repr=False)
    log: str = field(default="", repr=False)
    arena_check: ArenaCheck | None = None
    npu_cycles: int | None = None
    emulated: bool = False


@runtime_checkable
class Board(Protocol):
    """The interface that the host, emulated and attached boards share."""

    name: str
    target: str  # the target's name for which this board is the default: "cortex-m4", "c" for the host
    ram_size: int | None
    flash_size: int | None

    def build(
        self,
        module: CModule,
        *,
        optimize: str = "speed",
        trace: bool = False,
        sanitize: bool = False,
        check_arena: bool = False,
        folder: Path | None = None,
    ) -> Image:
        """Compile and link ``module`` with start-up code and the measurement harness.

        ``trace`` makes the run report every layer's output. ``sanitize`` builds with ASan and UBSan where the board can (the host).
        ``check_arena`` makes the run watch the arena around each layer, and report nothing else; it excludes the other two.
        The image lies in ``folder``, which must not be used for anything else and stays; without it, in a temporary folder that
        goes when the image does.

        Raises
        ------
        ToolchainError
            The compiler is missing (names the package) or refuses the code (its message is in the error).
        CapacityError
            RAM or flash is too small, by how many bytes.
        """
        ...

    def run(self, image: Image, inputs: Sequence[Mapping[str, np.ndarray]], *, timeout: float = 300.0) -> RunResult:
        """Run one inference per sample of ``inputs``.

        Raises
        ------
        FirmwareError
            A fault (with what, and where), a time-out, or an error code from the model.
        """
        ...
