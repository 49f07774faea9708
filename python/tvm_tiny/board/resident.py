"""The resident firmware of a board: what it leaves to images, and how it is built."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tvm_tiny.board.compile import compile_units
from tvm_tiny.board.firmware_build import firmware_units, link, linker_script, required_region
from tvm_tiny.board.info import BoardInfo, MemoryRegion
from tvm_tiny.board.toolchain import ARM_GCC, find_tool
from tvm_tiny.errors import BoardError, CapacityError, OutputError
from tvm_tiny.resources import firmware_dir
from tvm_tiny.target import get_core

RESIDENT_RAM = 2048
"""Bytes at the end of RAM for its variables (1.1 kB, most of it one frame) and its stack."""
_STACK = 768
_BAUD = 115_200
_SOURCES = ("resident/resident.c", "resident/frames.c")
_NAME_SIZES = {"RESIDENT_CORE": 20, "RESIDENT_BOARD": 32}


def window_of(info: BoardInfo) -> MemoryRegion:
    """The RAM of the board that its resident firmware leaves to images, called "ram".

    Raises
    ------
    BoardError
        It has no RAM, or not enough for both.
    """
    ram = required_region(info, "ram")
    if ram.size < 2 * RESIDENT_RAM:
        raise BoardError(f"the board {info.name} has {ram.size:,} bytes of RAM: a resident firmware needs {2 * RESIDENT_RAM:,}")
    return MemoryRegion("ram", ram.origin, ram.size - RESIDENT_RAM)


def _uart(info: BoardInfo) -> tuple[Path, Mapping[str, int]]:
    """The file that drives the UART, and the numbers of the board's table."""
    if info.uart is None:
        raise BoardError(
            f"the board {info.name} has no [uart] table, which a resident firmware is built from",
            'docs/boards.md, "Serial boards", tells what it holds; a board that is a file of your own can have one',
        )
    driver, numbers = info.uart.get("driver"), {key: value for key, value in info.uart.items() if key != "driver"}
    for key, value in numbers.items():
        if type(value) is not int or value < 0 or re.fullmatch(r"[a-z][a-z0-9_]*", key) is None:
            raise BoardError(f"the board {info.name}: [uart] cannot have {key} = {value!r}, expected a number of at least 0")
    missing = [key for key in ("base", "irq") if key not in numbers]
    if missing or not isinstance(driver, str):
        raise BoardError(f"the board {info.name}: [uart] needs {missing[0] if missing else 'driver'!r}")
    folder = firmware_dir() / "resident"
    known = sorted(path.stem.removeprefix("uart_") for path in folder.glob("uart_*.c"))
    path = Path(driver) if driver.endswith(".c") else folder / f"uart_{driver}.c"
    if not path.is_file():
        raise BoardError(
            f"the board {info.name}: no UART driver {driver!r}", f"known are {', '.join(known)}, or the path of a C file"
        )
    return path.resolve(), numbers


def _header(info: BoardInfo, numbers: Mapping[str, int]) -> str:
    """``resident_board.h``."""
    window, clock = window_of(info), info.clock
    if not clock:
        raise BoardError(f"the board {info.name} tells no clock", "add clock, in hertz, to its TOML file")
    uart = {"clock": clock, "baud": _BAUD, **numbers}
    texts = {"RESIDENT_CORE": info.target, "RESIDENT_BOARD": info.name}
    for macro, text in texts.items():
        if len(text) >= _NAME_SIZES[macro] or not text.isascii() or '"' in text or "\\" in text:
            raise BoardError(f"the board's name {text!r} has to be ASCII and shorter than {_NAME_SIZES[macro]} characters")
    values: dict[str, Any] = {macro: f'"{text}"' for macro, text in texts.items()}
    values |= {
        "RESIDENT_CLOCK": f"{clock}u",
        "RESIDENT_WINDOW_ORIGIN": f"0x{window.origin:08x}u",
        "RESIDENT_WINDOW_SIZE": f"0x{window.size:08x}u",
        "RESIDENT_EMULATED": int(info.kind == "qemu"),
        **{f"UART_{key.upper()}": f"{value}u" for key, value in uart.items()},
    }
    return "".join(f"#define {macro} {value}\n" for macro, value in values.items())


def build_resident(info: BoardInfo, output: Path) -> Path:
    """Build the resident firmware of a board to the ELF file ``output``.

    Raises
    ------
    BoardError
        The board's file does not tell enough; says what is missing.
    ToolchainError, CapacityError, OutputError
        The cross compiler is missing or refuses the UART's driver; flash is too small; the file cannot be written.
    """
    driver, numbers = _uart(info)
    header, core, gcc = _header(info, numbers), get_core(info.target), find_tool(ARM_GCC)
    window, ram = window_of(info), required_region(info, "ram")
    own = MemoryRegion("ram", window.origin + window.size, ram.size - window.size)
    script = linker_script(replace(info, memory=(required_region(info, "flash"), own), stack=_STACK))
    try:
        with tempfile.TemporaryDirectory(prefix="tvm_tiny-resident-") as name:
            folder = Path(name)
            (folder / "resident_board.h").write_text(header, encoding="utf-8")
            sources = [*(firmware_dir() / each for each in _SOURCES), driver]
            includes = (f"-I{firmware_dir() / 'resident'}",)
            units = firmware_units(sources, folder / "objects", folder, core, includes)
            compile_units(gcc, units)
            linked = link(gcc, core, [unit.object for unit in units], script, folder, "resident")
            if linked.overflow:
                region, excess = next(iter(linked.overflow.items()))
                raise CapacityError(f"the resident firmware does not fit on {info.name}: {region} is too small by {excess:,} bytes")
            output.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / "resident.elf", output)
    except OSError as error:
        raise OutputError(f"the resident firmware cannot be written to {output}: {error}") from error
    return output
