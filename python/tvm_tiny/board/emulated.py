"""A board that QEMU emulates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tvm_tiny.board.arena_check import read_check
from tvm_tiny.board.base import Image, LayerCount, RunResult
from tvm_tiny.board.counting import CONFIG, Counts, read_counts, was_loaded, write_config
from tvm_tiny.board.firmware_build import build_firmware
from tvm_tiny.board.harness import Record, completed_samples, read_records, read_traces, write_inputs
from tvm_tiny.board.info import BoardInfo
from tvm_tiny.board.npu_board import WAIT, complaint, emulator_arguments, machine, read_runs
from tvm_tiny.board.plugin import emulator_plugin, npu_plugin
from tvm_tiny.board.process import Finished, run_process
from tvm_tiny.board.symbols import SymbolTable, read_symbols
from tvm_tiny.board.toolchain import QEMU, find_tool
from tvm_tiny.board.verdict import end_error, fault_error, hang_error
from tvm_tiny.board.workspace import build_in, run_folder
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.errors import BoardError, FirmwareError

PLUGIN, ICOUNT = "qemu-plugin", "qemu-icount"

# With -icount shift=0 an instruction takes one nanosecond of the guest's time.
_INSTRUCTIONS_PER_SECOND = 1_000_000_000
# The exit codes after which the output file tells the rest: src/firmware/harness/harness.h.
_TOLD = (0, 2)


@dataclass(frozen=True)
class _Session:
    """One run: what runs, and where its files lie."""

    image: Image
    samples: int
    symbols: SymbolTable
    folder: Path
    timeout: float


def _layer_counts(module: CModule, counts: Counts) -> tuple[tuple[LayerCount, ...], str]:
    """Mean instructions and cycles of each layer; none, and why, where the layers seen are not those of the module."""
    seen = {len(layers) for layers in counts.layers}
    if seen != {len(module.layers)}:
        return (
            (),
            f"no counts by layer: {sorted(seen)} layer functions were called in an inference, expected {len(module.layers)}\n",
        )
    instructions = [_mean(column) for column in zip(*counts.layers, strict=True)]
    cycles = [_mean(column) for column in zip(*counts.layer_cycles, strict=True)] or [None] * len(instructions)
    return tuple(LayerCount(*each) for each in zip(instructions, cycles, strict=True)), ""


def _mean(counts: Sequence[int]) -> int | None:
    return round(sum(counts) / len(counts)) if counts else None


class EmulatedBoard:
    """A QEMU machine, driven through semihosting: one process for all samples of a run.

    Parameters
    ----------
    info : BoardInfo
        Of kind "qemu", with the memories "flash" and "ram".
    counter : str or None
        "qemu-plugin" for exact counts by layer and function; "qemu-icount" for counts by SysTick, within two ticks (a tick is 40
        instructions at 25 MHz) for each inference and without layers; None for the plugin where the emulator takes it, else icount.
    """

    def __init__(self, info: BoardInfo, counter: str | None = None) -> None:
        connection = info.connection or {}
        if not isinstance(connection.get("machine"), str):
            raise BoardError(f"the board {info.name} names no machine", "add [qemu] with machine to its TOML file")
        if counter not in (None, PLUGIN, ICOUNT):
            raise BoardError(f"unknown counter {counter!r}: expected {PLUGIN!r} or {ICOUNT!r}")
        self.info = info
        self.name: str = info.name
        self.target: str = info.target
        ram, flash = info.region("ram"), info.region("flash")
        self.ram_size: int | None = ram.size if ram else None
        self.flash_size: int | None = flash.size if flash else None
        self._counter = counter

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
        """As :meth:`Board.build`; sanitizers need an operating system, so ``sanitize`` changes nothing here."""
        return build_in(
            folder, lambda where: build_firmware(module, self.info, where, optimize=optimize, trace=trace, check_arena=check_arena)
        )

    def run(self, image: Image, inputs: Sequence[Mapping[str, np.ndarray]], *, timeout: float = 300.0) -> RunResult:
        """As :meth:`Board.run`."""
        find_tool(QEMU)
        with run_folder() as folder:
            session = _Session(image, len(inputs), read_symbols(image.path), folder, timeout)
            if image.trace:
                write_inputs(folder, image.module, inputs, ticks=False)
                return self._traced(session, self._emulate(session))
            if image.check_arena:
                write_inputs(folder, image.module, inputs, ticks=False)
                return self._checked(session, self._emulate(session))
            plugin = emulator_plugin() if self._counter != ICOUNT else None
            if plugin is not None:
                write_inputs(folder, image.module, inputs, ticks=False)
                write_config(folder, image.module, session.symbols, self.target.partition("+")[0])
                finished = self._emulate(session, "-plugin", f"{str(plugin).replace(',', ',,')},config={CONFIG}")
                if was_loaded(folder):
                    return self._counted(session, finished)
                problem = finished.console.strip()
            else:
                problem = "it is not built and cannot be built"
            if self._counter == PLUGIN:
                raise BoardError(f"the emulator's plugin cannot be used: {problem}", "without it, counts come from -icount")
            write_inputs(folder, image.module, inputs, ticks=True)
            result = self._timed(session, self._emulate(session, "-icount", "shift=0"))
            note = "" if self._counter == ICOUNT else f"counted with -icount, as the emulator's plugin cannot be used: {problem}\n"
            return _with_note(result, note)

    def _emulate(self, session: _Session, *arguments: str) -> Finished:
        connection = self.info.connection or {}
        device = emulator_arguments(self.info, npu_plugin(), session.folder, session.symbols) if self._has_npu(session) else []
        command: list[str | Path] = [
            find_tool(QEMU),
            *("-machine", machine(self.info, connection["machine"]) if device else connection["machine"]),
            *device,
            *connection.get("arguments", ()),
            *("-display", "none", "-monitor", "none", "-serial", "none"),
            *("-semihosting-config", "enable=on,target=native"),
            *arguments,
            *("-kernel", session.image.path.resolve()),
        ]
        return run_process(command, session.folder, session.timeout)

    def _has_npu(self, session: _Session) -> bool:
        """Whether the board has an NPU that the image works with."""
        return bool(self.info.npu) and bool(session.symbols.variants_of(WAIT))

    def _records(self, session: _Session, finished: Finished, counts: Counts | None = None) -> list[Record]:
        """The results of a run that ended well; an error that says why it did not."""
        module, symbols = session.image.module, session.symbols
        done = completed_samples(session.folder, module)
        refused = complaint(session.folder)
        if refused:
            raise FirmwareError(f"the NPU of {self.name} refused a command stream of {module.name} at sample {done}: {refused}")
        fault = fault_error(module, self.info, symbols, finished.console, done)
        if fault is not None:
            raise fault
        if finished.code is None:
            place = symbols.describe(counts.last) if counts is not None and counts.last is not None else None
            layer = counts.last_layer if counts is not None else None
            raise hang_error(module, self.info, session.timeout, (done, session.samples), place, layer)
        if finished.code not in _TOLD:
            raise end_error(module, self.info, finished.code, finished.console)
        return read_records(session.folder, module, session.samples)

    def _traced(self, session: _Session, finished: Finished) -> RunResult:
        records = self._records(session, finished)
        traces = read_traces(session.folder, session.image.module, session.samples)
        return RunResult([record.outputs for record in records], traces, log=finished.console)

    def _checked(self, session: _Session, finished: Finished) -> RunResult:
        check = read_check(session.folder, session.image.module, session.samples)
        if check.touched:  # tells more than what may have followed from it
            return RunResult([], arena_check=check, log=finished.console)
        records = self._records(session, finished)
        check.require_all()
        return RunResult([record.outputs for record in records], arena_check=check, log=finished.console)

    def _counted(self, session: _Session, finished: Finished) -> RunResult:
        counts = read_counts(session.folder, session.symbols)
        records = self._records(session, finished, counts)
        if len(counts.totals) != session.samples:
            raise BoardError(f"the emulator's plugin counted {len(counts.totals)} inferences of {session.samples}")
        layers, note = _layer_counts(session.image.module, counts)
        return RunResult(
            [record.outputs for record in records],
            instructions=_mean(counts.totals),
            cycles=_mean(counts.cycles),
            stack=_deepest(records),
            layers=layers,
            counter=PLUGIN,
            cycle_model=counts.model,
            per_inference=counts.totals,
            npu_cycles=read_runs(session.folder).cycles(session.samples),
            functions={name: count / session.samples for name, count in counts.functions.items()},
            log=note + finished.console,
        )

    def _timed(self, session: _Session, finished: Finished) -> RunResult:
        records = self._records(session, finished)
        clock = self.info.clock
        totals = tuple(record.ticks * _INSTRUCTIONS_PER_SECOND // clock for record in records) if clock else ()
        return RunResult(
            [record.outputs for record in records],
            instructions=_mean(totals),
            stack=_deepest(records),
            counter=ICOUNT if totals else None,
            per_inference=totals,
            log=finished.console,
        )


def _deepest(records: Sequence[Record]) -> int | None:
    return max((record.stack for record in records if record.stack is not None), default=None)


def _with_note(result: RunResult, note: str) -> RunResult:
    return replace(result, log=note + result.log)
