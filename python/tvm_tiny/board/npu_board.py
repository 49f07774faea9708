"""Emulated boards with an NPU beside the core: "mps2-an505+etpu-16".

The emulator's memory is a file that it shares with the model of the device, a second plugin (src/npu/qemu). Registers are the last
page of that memory, and all RAM of the firmware lies in it too, so that the device sees what the core sees.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from tvm_tiny.board.info import BoardInfo
from tvm_tiny.board.symbols import SymbolTable
from tvm_tiny.errors import BoardError
from tvm_tiny.target import get_npu

MEMORY, CONFIG, RUNS, INTERRUPT = "memory.bin", "npu.cfg", "npu.txt", "interrupt"
_REGISTERS = 4096  # bytes at the end of the shared memory
WAIT = "etpu_hal_wait"
"""The function in which the core waits for the device: the model works when it is entered."""


def with_npu(base: BoardInfo, name: str, npu: str) -> BoardInfo:
    """``base`` with the NPU called ``npu`` beside its core, under the name ``name``.

    Raises
    ------
    TargetError
        There is no such NPU.
    BoardError
        The board has no memory that a model of the device could share.
    """
    get_npu(npu)
    if base.kind == "host":
        return replace(base, name=name, target=f"{base.target}+{npu}", npu=npu)
    if base.kind != "qemu" or base.shared is None:
        raise BoardError(
            f"the board {base.name} cannot have an NPU beside its core: its emulator shares no memory",
            "mps2-an505 and mps3-an547 can; a board of your own says where with [shared]",
        )
    ram = replace(base.shared, name="ram", size=base.shared.size - _REGISTERS)
    memory = tuple(ram if region.name == "ram" else region for region in base.memory)
    description = f"{base.description}, with an {npu} beside it"
    return replace(base, name=name, description=description, target=f"{base.target}+{npu}", memory=memory, npu=npu)


def registers_address(info: BoardInfo) -> int:
    """Where the registers of the board's NPU are."""
    assert info.shared is not None
    return info.shared.origin + info.shared.size - _REGISTERS


@dataclass(frozen=True)
class NpuRuns:
    """What the device did in a run: cycles of each command stream, and whether it was one that loads parameters."""

    streams: tuple[tuple[bool, int], ...]

    def cycles(self, inferences: int) -> int | None:
        """Cycles per inference, without loading parameters; None where nothing ran."""
        total = sum(cycles for loads, cycles in self.streams if not loads)
        return round(total / inferences) if self.streams and inferences else None


def emulator_arguments(info: BoardInfo, plugin: Path, folder: Path, symbols: SymbolTable, *, interrupt: bool = False) -> list[str]:
    """Arguments that give QEMU the shared memory and the device; files lie in ``folder``, where QEMU runs.

    With ``interrupt`` the device writes to the pipe "interrupt.in" when its line rises.
    """
    shared = info.shared
    assert shared is not None
    with (folder / MEMORY).open("wb") as file:
        file.truncate(shared.size)
    lines = [
        f"output {RUNS}",
        f"npu {info.npu}",
        f"memory {MEMORY}",
        f"origin 0x{shared.origin:08x}",
        f"size 0x{shared.size:08x}",
        f"registers 0x{registers_address(info):08x}",
        f"wait 0x{symbols.address_of(WAIT):08x}",
        *([f"interrupt {INTERRUPT}.in"] if interrupt else []),
    ]
    (folder / CONFIG).write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
    return [
        *("-object", f"memory-backend-file,id=shared,size={shared.size},mem-path={MEMORY},share=on"),
        *("-plugin", f"{str(plugin).replace(',', ',,')},config={CONFIG}"),
    ]


def machine(info: BoardInfo, name: str) -> str:
    """The value of QEMU's ``-machine``."""
    return f"{name},memory-backend=shared" if info.npu else name


def read_runs(folder: Path) -> NpuRuns:
    """What the device's plugin has written."""
    path = folder / RUNS
    text = path.read_text(encoding="ascii") if path.exists() else ""
    return NpuRuns(tuple((kind == "load", int(cycles)) for kind, cycles in re.findall(r"^(load|run) (\d+)$", text, re.MULTILINE)))


def complaint(folder: Path) -> str:
    """Why the device refused a stream, "" if it did not."""
    path = folder / RUNS
    found = re.search(r"^fault (.*)$", path.read_text(encoding="ascii") if path.exists() else "", re.MULTILINE)
    return found[1] if found else ""
