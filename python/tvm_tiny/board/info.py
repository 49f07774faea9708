"""What a board is made of: frozen data, read from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tvm_tiny.errors import BoardError


@dataclass(frozen=True)
class MemoryRegion:
    """Memory at ``origin``, ``size`` bytes. The regions "flash" and "ram" are those that the linker script fills."""

    name: str
    origin: int
    size: int


@dataclass(frozen=True)
class BoardInfo:
    """A board as its TOML file describes it.

    Attributes
    ----------
    name, description : str
    kind : str
        What drives it: "host", "qemu", "gdb", "serial" or "probe". A kind's own facts stand in the table of its name, here
        ``connection``.
    target : str
        The target for which the board is the default: "cortex-m4", "c" for the host.
    clock : int or None
        Hertz of the core's clock.
    stack : int
        Bytes that the firmware reserves for the stack.
    memory : tuple of MemoryRegion
    connection : mapping
        The table of the board's kind; for "qemu": ``machine`` (str) and ``arguments`` (list of str); for "gdb": ``host`` (str),
        ``port`` (int), ``reset`` (str, the server's command; "" for none), ``server`` and ``flash`` (str, for people: the command
        that starts the server, and the one that writes an image),
        ``part`` (str, pyOCD's name of the part); for "serial": ``device`` (str) and ``baud`` (int); for "probe":
        ``uid`` and ``part`` (str).
    uart : mapping
        What the resident firmware needs to know to use the board's UART: ``driver``, a file of ``src/firmware/resident`` without
        "uart_" and ".c", or a path ending in ".c"; ``base``, ``irq`` and any further integers; ``baud`` and ``clock`` in hertz.
    npu : str
        The NPU beside the core, "" for none; ``target`` names it too.
    model : str
        What the board is called in the catalogue or its file, where ``name`` says how it is reached: "nucleo-l4r5zi".
    shared : MemoryRegion or None
        Memory that the emulator can share with the model of an NPU, where it can.
    """

    name: str
    description: str
    kind: str
    target: str
    clock: int | None = None
    stack: int = 8192
    memory: tuple[MemoryRegion, ...] = ()
    connection: Mapping[str, Any] | None = None
    npu: str = ""
    model: str = ""
    shared: MemoryRegion | None = None
    uart: Mapping[str, Any] | None = None

    def region(self, name: str) -> MemoryRegion | None:
        """The memory called ``name``, None where the board has none."""
        return next((region for region in self.memory if region.name == name), None)


_FIELDS: dict[str, type] = {
    "name": str,
    "description": str,
    "kind": str,
    "target": str,
    "clock": int,
    "stack": int,
    "memory": dict,
    "shared": dict,
    "uart": dict,
}
_TABLES = ("memory", "shared")
_REQUIRED = ("name", "description", "kind", "target")


def _region(origin: str, title: str, name: str, facts: object) -> MemoryRegion:
    if not isinstance(facts, dict) or set(facts) != {"origin", "size"} or not all(type(v) is int for v in facts.values()):
        raise BoardError(f"{origin}: [{title}] must give origin and size, both integers")
    if facts["origin"] < 0 or facts["size"] <= 0 or facts["origin"] + facts["size"] > 1 << 32:
        raise BoardError(f"{origin}: [{title}] must lie in the 32-bit address space and have a size above 0")
    return MemoryRegion(name, facts["origin"], facts["size"])


def parse_board(text: str, origin: str = "board") -> BoardInfo:
    """Read a board from the text of a TOML file; ``origin`` names the file in errors.

    Raises
    ------
    BoardError
        Not TOML, a key is missing, unknown or of a wrong type.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BoardError(f"{origin} is not a TOML file: {error}") from error
    missing = [key for key in _REQUIRED if key not in table]
    if missing:
        raise BoardError(f"{origin}: the key {missing[0]!r} is missing; a board needs {', '.join(_REQUIRED)}")
    kind = table["kind"]
    unknown = [key for key in table if key not in _FIELDS and key != kind]
    if unknown:
        raise BoardError(f"{origin}: unknown key {unknown[0]!r}; known are {', '.join(_FIELDS)} and the table of the board's kind")
    for key, value in table.items():
        expected = _FIELDS.get(key, dict)
        if not isinstance(value, expected) or isinstance(value, bool):
            raise BoardError(f"{origin}: {key!r} must be of type {expected.__name__}, found {value!r}")
    facts = {key: value for key, value in table.items() if key in _FIELDS and key not in _TABLES}
    memory = tuple(_region(origin, f"memory.{name}", name, each) for name, each in table.get("memory", {}).items())
    shared = _region(origin, "shared", "shared", table["shared"]) if "shared" in table else None
    return BoardInfo(**facts, memory=memory, shared=shared, connection=table.get(kind))
