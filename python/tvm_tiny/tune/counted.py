"""Cycles for boards that have none: an emulator behind a GDB server or a serial port.

Such a board shows that a candidate computes the right thing there, over that transport; its time is that of the machine on which
the emulator runs. What the core would take is counted by the emulated board of the same name, which is the same machine with the
cycle model in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tvm_tiny.board import BoardInfo, get_board, list_boards
from tvm_tiny.board.attached import AttachedBoard
from tvm_tiny.board.base import Board, Image, RunResult
from tvm_tiny.codegen.sources import CModule

_ATTACHED = ("gdb", "serial", "probe")


def with_counts(board: Board) -> Board:
    """``board``; if it is attached and called like an emulated one: with that one's counts, should it be an emulator itself."""
    if not isinstance(board, AttachedBoard):
        return board
    names = [info.name for info in list_boards() if info.kind == "qemu" and info.target == board.target]
    model = board.info.model or board.name
    return CountedBoard(board, get_board(model)) if model in names else board


def measured_on(board: Board) -> str:
    """Where what ``board`` measures holds, whatever its address: "mps2-an386", "gdb/nucleo-l4r5zi".

    What passes through a serial port or a debugger is built for other memories than what an emulated board runs.
    """
    info = getattr(board, "info", None)
    return f"{info.kind}/{info.model or info.name}" if isinstance(info, BoardInfo) and info.kind in _ATTACHED else board.name


class CountedBoard:
    """A board whose runs take the counts that they lack from a ``counter``.

    Attributes
    ----------
    counted_elsewhere : bool
        Whether that has happened.
    """

    def __init__(self, board: AttachedBoard, counter: Board) -> None:
        self.name, self.target, self.info = board.name, board.target, board.info
        self.ram_size, self.flash_size = board.ram_size, board.flash_size
        self.counted_elsewhere = False
        self._board, self._counter = board, counter
        self._optimize: dict[Path, str] = {}

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
        """As the board itself."""
        image = self._board.build(module, optimize=optimize, trace=trace, sanitize=sanitize, check_arena=check_arena, folder=folder)
        self._optimize[image.path] = optimize
        return image

    def run(self, image: Image, inputs: Sequence[Mapping[str, np.ndarray]], *, timeout: float = 300.0) -> RunResult:
        """What the board computes; counts are the board's own unless it is an emulator."""
        optimize = self._optimize[image.path]
        result = self._board.run(image, inputs, timeout=timeout)
        if not result.emulated:
            return result
        self.counted_elsewhere = True
        twin = self._counter.run(self._counter.build(image.module, optimize=optimize), inputs, timeout=timeout)
        return replace(twin, outputs=result.outputs, stack=result.stack)
