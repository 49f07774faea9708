"""A board behind a GDB remote server: OpenOCD, J-Link, pyOCD, or QEMU's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tvm_tiny.board.arena_check import read_check
from tvm_tiny.board.base import Image, RunResult
from tvm_tiny.board.elf import Segment, read_segments
from tvm_tiny.board.firmware_build import build_firmware
from tvm_tiny.board.gdb_target import FlashRegion, GdbTarget
from tvm_tiny.board.harness import INPUT, OUTPUT, TRACE, completed_samples, read_records, read_traces, write_inputs
from tvm_tiny.board.info import BoardInfo
from tvm_tiny.board.mailbox import Exchange, Mailbox
from tvm_tiny.board.process import Finished
from tvm_tiny.board.rsp import PacketStream
from tvm_tiny.board.symbols import SymbolTable, read_symbols
from tvm_tiny.board.verdict import end_error, fault_error, hang_error
from tvm_tiny.board.workspace import build_in, run_folder
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.errors import BoardError

DWT, SYSTICK = "dwt", "systick"

_DWT_CYCCNT = 0xE0001004
_SCB_VTOR = 0xE000ED08
_FASTEST = 1_000_000_000  # hertz: no Cortex-M has a faster clock
_TOLD = (0, 2)  # as for emulated boards: src/firmware/harness/harness.h
_FACTS: dict[str, type] = {"host": str, "port": int, "reset": str, "server": str, "flash": str}


class GdbBoard:
    """A board that a GDB remote server loads, starts and halts; samples and results pass through its memory.

    Parameters
    ----------
    info : BoardInfo
        Of kind "gdb", with the memories "flash" and "ram". "flash" may be RAM; where the server's memory map says that it is flash,
        the server programs it.
    patience : float
        Seconds that the server may take for an answer.
    """

    def __init__(self, info: BoardInfo, *, patience: float = 5.0) -> None:
        facts = info.connection or {}
        for key, value in facts.items():
            if key not in _FACTS or type(value) is not _FACTS[key]:
                raise BoardError(f"the board {info.name}: [gdb] cannot have {key} = {value!r}", f"known are {', '.join(_FACTS)}")
        if not 0 < facts.get("port", 0) < 65536:
            raise BoardError(
                f"the board {info.name} names no port of a GDB server", "add [gdb] with host and port to its TOML file"
            )
        self.info = info
        self.name: str = info.name
        self.target: str = info.target
        ram, flash = info.region("ram"), info.region("flash")
        self.ram_size: int | None = ram.size if ram else None
        self.flash_size: int | None = flash.size if flash else None
        self._host, self._port, self._reset = str(facts.get("host", "localhost")), int(facts["port"]), facts.get("reset")
        self._patience = patience

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
                module, self.info, where, optimize=optimize, trace=trace, check_arena=check_arena, transport="mailbox"
            )

        return build_in(folder, build)

    def run(self, image: Image, inputs: Sequence[Mapping[str, np.ndarray]], *, timeout: float = 300.0) -> RunResult:
        """As :meth:`Board.run`; ``timeout`` is without the time for loading.

        Raises
        ------
        BoardError
            The server cannot be reached, fails or stops answering, or the board was reset in the middle.
        """
        symbols = read_symbols(image.path)
        with run_folder() as folder:
            with PacketStream(self._host, self._port, patience=self._patience) as stream:
                target = GdbTarget(stream)
                emulated = target.is_emulator
                measures = not (image.trace or image.check_arena)
                write_inputs(folder, image.module, inputs, ticks=measures and not emulated)
                self._load(target, image, symbols, emulated)
                exchange = Exchange((folder / INPUT).read_bytes())
                finished = Mailbox(target, self.info, symbols).serve(exchange, timeout)
                counter = int.from_bytes(target.read(symbols.address_of("measure_counter"), 4), "little")
            (folder / OUTPUT).write_bytes(exchange.output)
            (folder / TRACE).write_bytes(exchange.trace)
            result = self._result(folder, image, symbols, finished, exchange, len(inputs), timeout, emulated)
            return result if emulated or not measures else self._with_cycles(result, counter, exchange.longest)

    def _load(self, target: GdbTarget, image: Image, symbols: SymbolTable, emulated: bool) -> None:
        """Reset the board, bring the image into its memory, compare it there, and go to its entry."""
        reset = self._reset if self._reset is not None else ("system_reset" if emulated else "reset halt")
        if reset:
            target.monitor(reset)
        segments, flashes = read_segments(image.path), target.flash_regions()
        for region in flashes:
            pieces = [(each.address, each.data) for each in segments if _holds(region, each)]
            pieces = [piece for piece in pieces if target.read(piece[0], len(piece[1])) != piece[1]]
            if pieces:
                # A block that is erased takes all that it held with it.
                target.program(region, [(each.address, each.data) for each in segments if _holds(region, each)])
        for each in segments:
            if not any(_holds(region, each) for region in flashes):
                target.write(each.address, each.data)
        for each in segments:
            found = target.read(each.address, len(each.data))
            if found != each.data:
                at = next(i for i, pair in enumerate(zip(found, each.data, strict=True)) if pair[0] != pair[1])
                raise BoardError(
                    f"{self.name} holds another image than was loaded: at 0x{each.address + at:08x} it has 0x{found[at]:02x}, "
                    f"expected 0x{each.data[at]:02x}",
                    "does [memory.flash] name RAM, or flash that the server can program?",
                )
        # A bootloader may have moved the table, and Armv6-M firmware leaves it where it is.
        vectors = symbols.address_of("tiny_vectors")
        if vectors:
            target.write(_SCB_VTOR, vectors.to_bytes(4, "little"))
        target.start_at(symbols.address_of("tiny_stack_top"), symbols.address_of("reset_handler"))

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
        )

    def _with_cycles(self, result: RunResult, counter: int, longest: float) -> RunResult:
        """``result`` with its cycles named by what counted them, or without where the counter may have begun anew."""
        clock = self.info.clock or _FASTEST
        if counter == _DWT_CYCCNT and longest * clock >= 1 << 32:
            note = f"no cycles: the core ran for {longest:.0f} s at a time, and DWT->CYCCNT holds {(1 << 32) / clock:.0f} s\n"
            return replace(result, cycles=None, log=note + result.log)
        return replace(result, counter=DWT if counter == _DWT_CYCCNT else SYSTICK)


def _holds(region: FlashRegion, segment: Segment) -> bool:
    return region.origin <= segment.address and segment.address + len(segment.data) <= region.origin + region.size
