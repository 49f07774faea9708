"""What boards on a desk have in common, however they are reached: build, run, and what to make of a run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tvm_tiny.board.arena_check import read_check
from tvm_tiny.board.base import Image, RunResult
from tvm_tiny.board.firmware_build import build_firmware
from tvm_tiny.board.harness import INPUT, OUTPUT, TRACE, completed_samples, read_records, read_traces, write_inputs
from tvm_tiny.board.info import BoardInfo
from tvm_tiny.board.mailbox import Exchange
from tvm_tiny.board.process import Finished
from tvm_tiny.board.symbols import SymbolTable, read_symbols
from tvm_tiny.board.verdict import end_error, fault_error, hang_error
from tvm_tiny.board.workspace import build_in, run_folder
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.errors import BoardError

DWT, SYSTICK = "dwt", "systick"

_DWT_CYCCNT = 0xE0001004
_FASTEST = 1_000_000_000  # hertz: no Cortex-M has a faster clock
_TOLD = (0, 2)  # as for emulated boards: src/firmware/harness/harness.h


@dataclass(frozen=True)
class Played:
    """A run that came to its end.

    Attributes
    ----------
    exchange : Exchange
    finished : Finished
    counter : int
        The address of the register that counted cycles.
    emulated : bool
        The board's time is not the core's: no cycles.
    disturbed : bool
        The core had something else to do in between: neither cycles nor stack.
    """

    exchange: Exchange
    finished: Finished
    counter: int
    emulated: bool
    disturbed: bool = False


def require_facts(info: BoardInfo, known: Mapping[str, type]) -> Mapping[str, object]:
    """The board's table of its kind.

    Raises
    ------
    BoardError
        It has a key that is not ``known``, or of another type.
    """
    facts = info.connection or {}
    for key, value in facts.items():
        if key not in known or type(value) is not known[key]:
            raise BoardError(f"the board {info.name}: [{info.kind}] cannot have {key} = {value!r}", f"known are {', '.join(known)}")
    return facts


class AttachedBoard(ABC):
    """A board that is reached from here; samples and results pass through its memory. Kinds differ in :meth:`_play`."""

    def __init__(self, info: BoardInfo, transport: str) -> None:
        self.info = info
        self.name: str = info.name
        self.target: str = info.target
        ram, flash = info.region("ram"), info.region("flash")
        self.ram_size: int | None = ram.size if ram else None
        self.flash_size: int | None = flash.size if flash else None
        self._transport = transport

    @abstractmethod
    def _play(self, image: Image, symbols: SymbolTable, prepare: Callable[[bool], bytes], timeout: float) -> Played:
        """Load ``image`` and serve its run; ``prepare`` gives the input, for a board that is emulated or not."""

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
        """As :meth:`Board.build`; ``sanitize`` changes nothing here."""

        def build(where: Path) -> Image:
            return build_firmware(
                module, self.info, where, optimize=optimize, trace=trace, check_arena=check_arena, transport=self._transport
            )

        return build_in(folder, build)

    def run(self, image: Image, inputs: Sequence[Mapping[str, np.ndarray]], *, timeout: float = 300.0) -> RunResult:
        """As :meth:`Board.run`; ``timeout`` is without the time for loading.

        Raises
        ------
        BoardError
            The board cannot be reached, stops answering, or was reset in the middle. The next run begins anew.
        """
        symbols = read_symbols(image.path)
        measures = not (image.trace or image.check_arena)
        with run_folder() as folder:

            def prepare(emulated: bool) -> bytes:
                write_inputs(folder, image.module, inputs, ticks=measures and not emulated)
                return (folder / INPUT).read_bytes()

            played = self._play(image, symbols, prepare, timeout)
            (folder / OUTPUT).write_bytes(played.exchange.output)
            (folder / TRACE).write_bytes(played.exchange.trace)
            result = self._result(folder, image, symbols, played.finished, played.exchange, len(inputs), timeout, played.emulated)
        if played.disturbed and measures:
            note = "no cycles, no stack: the core had to listen to its UART in the middle of an inference\n"
            return replace(result, cycles=None, stack=None, log=note + result.log)
        return result if played.emulated or not measures else self._with_cycles(result, played.counter, played.exchange.longest)

    def _result(
        self,
        folder: Path,
        image: Image,
        symbols: SymbolTable,
        finished: Finished,
        exchange: Exchange,
        samples: int,
        timeout: float,
        emulated: bool,
    ) -> RunResult:
        module = image.module
        check = read_check(folder, module, samples) if image.check_arena else None
        if check is not None and check.touched:  # tells more than what may have followed from it
            return RunResult([], arena_check=check, log=finished.console)
        done = completed_samples(folder, module)
        fault = fault_error(module, self.info, symbols, finished.console, done)
        if fault is not None:
            raise fault
        if finished.code is None:
            raise hang_error(module, self.info, timeout, (done, samples), exchange.place, None)
        if finished.code not in _TOLD:
            raise end_error(module, self.info, finished.code, finished.console)
        records = read_records(folder, module, samples)
        outputs = [record.outputs for record in records]
        if check is not None:
            check.require_all()
            return RunResult(outputs, arena_check=check, log=finished.console)
        if image.trace:
            return RunResult(outputs, read_traces(folder, module, samples), log=finished.console)
        return RunResult(
            outputs,
            # An emulator's time is not the core's: there SysTick does not run.
            cycles=None if emulated else round(sum(record.ticks for record in records) / samples),
            stack=max((record.stack for record in records if record.stack is not None), default=None),
            log=finished.console,
            emulated=emulated,
        )

    def _with_cycles(self, result: RunResult, counter: int, longest: float) -> RunResult:
        """``result`` with its cycles named by what counted them, or without where the counter may have begun anew."""
        clock = self.info.clock or _FASTEST
        if counter == _DWT_CYCCNT and longest * clock >= 1 << 32:
            note = f"no cycles: the core ran for {longest:.0f} s at a time, and DWT->CYCCNT holds {(1 << 32) / clock:.0f} s\n"
            return replace(result, cycles=None, log=note + result.log)
        return replace(result, counter=DWT if counter == _DWT_CYCCNT else SYSTICK)
