"""Why a run on a Cortex-M did not end well, in words."""

from __future__ import annotations

import re

from tvm_tiny.board.fault import parse_fault
from tvm_tiny.board.info import BoardInfo
from tvm_tiny.board.symbols import SymbolTable
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.errors import BoardError, FirmwareError, HangError


def fault_error(module: CModule, info: BoardInfo, symbols: SymbolTable, console: str, sample: int) -> FirmwareError | None:
    """The error for a fault that ``console`` tells of, None if it tells of none; ``sample`` is the one that was running."""
    fault = parse_fault(console)
    if fault is not None:
        hint = ""
        if fault.undefined_instruction and module.target not in ("c", info.target):
            hint = f"the code is compiled for {module.target}, and the board has a {info.target}"
        if fault.stack_overflow:
            hint = f"the board's file reserves {info.stack:,} bytes for the stack: raise 'stack' there"
        where = fault.describe(symbols)
        return FirmwareError(f"{module.name} faulted on {info.name} at sample {sample}: {where}", hint)
    # The core gives up when handling a fault faults again; QEMU then ends with a dump of the registers.
    lockup = re.search(r"qemu: fatal: (Lockup.*)", console)
    if lockup is not None:
        pc = re.search(r"R15=([0-9a-f]{8})", console)
        place = f" at {symbols.describe(int(pc[1], 16))}" if pc else ""
        return FirmwareError(f"{module.name} locked up {info.name} at sample {sample}{place}: {lockup[1].strip()}")
    return None


def hang_error(
    module: CModule, info: BoardInfo, timeout: float, samples: tuple[int, int], place: str | None, layer: int | None
) -> HangError:
    """The error for a run that did not end within ``timeout`` seconds; ``samples`` is how many were done, and of how many."""
    done, total = samples
    where = f", last seen in {place}" if place else ""
    if layer is not None and layer < len(module.layers):
        where += f" (layer {layer}, {module.layers[layer].name})"
    hint = "it hangs, or needs a longer time-out"
    return HangError(
        f"{module.name} did not end within {timeout:g} s on {info.name}: {done} of {total} samples were done{where}", hint, layer
    )


def end_error(module: CModule, info: BoardInfo, code: int | None, console: str) -> BoardError:
    """The error for an emulator that ended by itself with ``code``."""
    told = re.search(r"tvm_tiny: error (.*)", console)
    if told is not None:
        return BoardError(f"the harness of {module.name} stopped on {info.name}: {told[1]}")
    lines = [line for line in console.splitlines() if line.strip()]
    return BoardError(
        f"the run of {module.name} on {info.name} ended with code {code}: {' / '.join(lines[-3:]) or 'it said nothing'}"
    )
