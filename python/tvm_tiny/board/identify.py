"""Which board is behind a GDB remote server, as far as the server and the core tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress

from tvm_tiny.board.gdb_target import GdbTarget
from tvm_tiny.board.info import BoardInfo, MemoryRegion
from tvm_tiny.board.rsp import PacketStream
from tvm_tiny.errors import BoardError

_CPUID = 0xE000ED00
_ARM = 0x41
# CPUID bits 15:4, from the register's reset value in each core's Technical Reference Manual: Cortex-M0 (DDI 0432C), M0+
# (DDI 0484C), M3 (DDI 0337I), M4 (DDI 0439D), M7 (DDI 0489F), M33 (100230), M55 (101051), M85 (101924).
PARTS = {
    0xC20: "cortex-m0",
    0xC60: "cortex-m0plus",
    0xC23: "cortex-m3",
    0xC24: "cortex-m4",
    0xC27: "cortex-m7",
    0xD21: "cortex-m33",
    0xD22: "cortex-m55",
    0xD23: "cortex-m85",
}
# The architecture's SRAM region. OpenOCD calls all that is not flash RAM, up to the end of the address space: that tells nothing.
_SRAM, _SRAM_END = 0x2000_0000, 0x4000_0000
_LARGEST = 0x0100_0000
_STACK = 8192


def identify(host: str, port: int, known: Sequence[BoardInfo], *, patience: float = 5.0) -> BoardInfo:
    """The board behind the server, which halts it: of ``known`` boards for QEMU; else core and memories as the server tells them.

    Raises
    ------
    BoardError
        The server cannot be reached, or what it tells is not enough.
    """
    with PacketStream(host, port, patience=patience) as stream:
        target = GdbTarget(stream)
        return _emulated(target, known) if target.is_emulator else _told(target)


def _not_enough(target: GdbTarget, text: str) -> BoardError:
    server = target.stream.server
    return BoardError(
        f"the GDB server at {server} does not tell its board: {text}",
        f"name it: gdb:{server}:BOARD, where `tvm-tiny boards` lists those that are known, or BOARD is a TOML file",
    )


def _emulated(target: GdbTarget, known: Sequence[BoardInfo]) -> BoardInfo:
    found = re.search(r"^/machine \((.+)-machine\)", target.monitor("info qom-tree"), flags=re.MULTILINE)
    machine = found[1] if found else "unknown"
    boards = [info for info in known if info.kind == "qemu" and info.connection and info.connection.get("machine") == machine]
    # One machine may be started with memories of several sizes: the largest that are there.
    for info in sorted(boards, key=lambda info: -sum(region.size for region in info.memory)):
        if all(_is_there(target, region) for region in info.memory):
            return info
    raise _not_enough(target, f"QEMU's machine {machine!r} is none of {', '.join(_machines(known))}")


def _machines(known: Sequence[BoardInfo]) -> list[str]:
    return list(dict.fromkeys(info.connection["machine"] for info in known if info.kind == "qemu" and info.connection))


def _is_there(target: GdbTarget, region: MemoryRegion) -> bool:
    with suppress(BoardError):
        return len(target.read(region.origin + region.size - 4, 4)) == 4
    return False


def _told(target: GdbTarget) -> BoardInfo:
    cpuid = int.from_bytes(target.read(_CPUID, 4), "little")
    core = PARTS.get(cpuid >> 4 & 0xFFF)
    if cpuid >> 24 != _ARM or core is None:
        raise _not_enough(target, f"its CPUID 0x{cpuid:08x} is none of {', '.join(PARTS.values())}")
    flashes = _joined([(region.origin, region.size) for region in target.flash_regions()])
    rams = [(origin, size) for origin, size in _joined(target.ram_regions()) if origin >= _SRAM and origin + size <= _SRAM_END]
    rams = [(origin, size) for origin, size in rams if size <= _LARGEST]
    if not flashes or not rams:
        missing = " and ".join(name for name, found in (("flash", flashes), ("RAM", rams)) if not found)
        raise _not_enough(target, f"its memory map has no {missing} of a plausible size")
    flash, ram = max(flashes, key=_size), max(rams, key=_size)
    return BoardInfo(
        name=core,
        description=f"a {core} behind the GDB server at {target.stream.server}",
        kind="gdb",
        target=core,
        stack=min(_STACK, ram[1] // 8),
        memory=(MemoryRegion("flash", *flash), MemoryRegion("ram", *ram)),
    )


def _size(region: tuple[int, int]) -> int:
    return region[1]


def _joined(regions: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """``regions`` by origin, those that touch in one."""
    joined: list[tuple[int, int]] = []
    for origin, size in sorted(regions):
        if joined and joined[-1][0] + joined[-1][1] == origin:
            joined[-1] = (joined[-1][0], joined[-1][1] + size)
        else:
            joined.append((origin, size))
    return joined
