"""A core behind a debug probe, through pyOCD's Python API.

Source: pyOCD 0.36 and later: ``pyocd.core.target.Target``, ``pyocd.core.memory_map``, ``pyocd.flash.loader.MemoryLoader`` and
``pyocd.core.helpers.ConnectHelper``. All names that are used stand in :data:`USED`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tvm_tiny.board.debugger import PC, SP, FlashRegion, Stop
from tvm_tiny.errors import BoardError

USED = {
    "pyocd.core.helpers:ConnectHelper": ("get_all_connected_probes",),
    "pyocd.core.session:Session": ("__init__", "__enter__", "__exit__", "target"),
    "pyocd.core.exceptions:Error": (),
    "pyocd.core.soc_target:SoCTarget": (
        "reset_and_halt",
        "halt",
        "resume",
        "get_state",
        "read_memory_block8",
        "write_memory_block8",
        "read_core_register",
        "write_core_register",
        "set_breakpoint",
        "remove_breakpoint",
        "get_memory_map",
    ),
    "pyocd.core.memory_map:FlashRegion": ("is_flash", "start", "length", "blocksize"),
    "pyocd.flash.loader:MemoryLoader": ("__init__", "add_data", "commit"),
}
"""Class of pyOCD → what of it is used here."""

_REGISTERS = {SP: "sp", PC: "pc"}
_POLL = 0.002  # seconds between two looks at a core that runs


@dataclass(frozen=True)
class Pyocd:
    """What of the package is called.

    ``open_session(uid, part)`` gives a session, ``loader(session)`` a ``MemoryLoader``; ``errors`` are what may be raised.
    """

    open_session: Callable[[str | None, str | None], Any]
    loader: Callable[[Any], Any]
    errors: tuple[type[Exception], ...]


def pyocd(name: str) -> Pyocd:
    """The real package, for the board ``name``.

    Raises
    ------
    BoardError
        It is not installed.
    """
    try:
        from pyocd.core.exceptions import Error
        from pyocd.core.helpers import ConnectHelper
        from pyocd.core.session import Session
        from pyocd.flash.loader import MemoryLoader
    except ImportError as error:
        raise BoardError(f"{name} needs the package pyocd: {error}", "pip install 'tvm-tiny[probe]'") from error

    def open_session(uid: str | None, part: str | None) -> Any:
        probes = ConnectHelper.get_all_connected_probes(blocking=False, unique_id=uid, print_wait_message=False)
        options = {"target_override": part} if part else {}
        return Session(chosen(probes, name, uid), options=options)

    return Pyocd(open_session, lambda session: MemoryLoader(session, progress=lambda _: None), (Error, OSError, ValueError))


def chosen(probes: Sequence[Any], name: str, uid: str | None) -> Any:
    """The one probe of ``probes``.

    Raises
    ------
    BoardError
        There is none, or more than one.
    """
    if len(probes) == 1:
        return probes[0]
    if not probes:
        with_uid = f" with {uid!r} in its unique ID" if uid else ""
        raise BoardError(f"no debug probe{with_uid} is attached for {name}", "`pyocd list` shows those that can be used")
    listed = ", ".join(f"{probe.unique_id} ({probe.description})" for probe in probes)
    raise BoardError(f"{len(probes)} debug probes are attached: {listed}", "tell which: probe:UID:BOARD")


class ProbeTarget:
    """A halted core behind a probe: a :class:`tvm_tiny.board.debugger.Debugger`. ``session`` is open."""

    def __init__(self, session: Any, package: Pyocd, name: str, *, patience: float = 5.0) -> None:
        self._session, self._target, self._package, self._name = session, session.target, package, name
        self._patience = patience
        self._breakpoints: list[int] = []

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except self._package.errors as error:
            raise BoardError(
                f"the probe of {self._name} failed to {what}: {error or type(error).__name__}",
                "is it plugged in, and the board powered?",
            ) from error

    def reset(self) -> None:
        """Reset the core and halt it before its first instruction."""
        with self._told("reset the core"):
            self._target.reset_and_halt()

    def read(self, address: int, size: int) -> bytes:
        with self._told(f"read memory at 0x{address:08x}"):
            found = bytes(self._target.read_memory_block8(address, size))
        if len(found) != size:
            raise BoardError(f"the probe of {self._name} read {len(found):,} bytes at 0x{address:08x}, expected {size:,}")
        return found

    def write(self, address: int, data: bytes) -> None:
        with self._told(f"write memory at 0x{address:08x}"):
            self._target.write_memory_block8(address, list(data))

    def flash_regions(self) -> list[FlashRegion]:
        with self._told("tell the memory map"):
            regions = [region for region in self._target.get_memory_map() if region.is_flash]
            return [FlashRegion(region.start, region.length, region.blocksize) for region in regions]

    def program(self, region: FlashRegion, pieces: Sequence[tuple[int, bytes]]) -> None:
        with self._told(f"program the flash at 0x{region.origin:08x}"):
            loader = self._package.loader(self._session)
            for address, data in pieces:
                loader.add_data(address, list(data))
            loader.commit()
        # Flash algorithms run on the core and leave its registers as they were last.
        self.reset()

    def read_register(self, number: int) -> int:
        with self._told("read a register"):
            return int(self._target.read_core_register(_REGISTERS[number])) & 0xFFFFFFFF

    def write_register(self, number: int, value: int) -> None:
        self._write_register(_REGISTERS[number], value)

    def _write_register(self, name: str, value: int) -> None:
        with self._told("write a register"):
            self._target.write_core_register(name, value)

    def start_at(self, stack: int, entry: int) -> None:
        self._write_register("sp", stack)
        self._write_register("xpsr", 1 << 24)
        self._write_register("pc", entry & ~1)

    def set_breakpoint(self, address: int) -> None:
        with self._told(f"set a breakpoint at 0x{address:08x}"):
            if not self._target.set_breakpoint(address):
                raise BoardError(f"{self._name} has no breakpoint left for 0x{address:08x}")
        self._breakpoints.append(address)

    def clear_breakpoints(self) -> None:
        with self._told("remove a breakpoint"):
            for address in self._breakpoints:
                self._target.remove_breakpoint(address)
        self._breakpoints.clear()

    def run(self, patience: float) -> Stop | None:
        deadline = time.monotonic() + patience
        with self._told("start the core"):
            self._target.resume()
        return self._await_halt(deadline)

    def halt(self) -> Stop:
        with self._told("halt the core"):
            self._target.halt()
        stop = self._await_halt(time.monotonic() + self._patience)
        if stop is None:
            raise BoardError(f"the probe of {self._name} did not halt the core within {self._patience:g} s")
        return stop

    def _await_halt(self, deadline: float) -> Stop | None:
        while True:
            with self._told("tell whether the core is halted"):
                state = self._target.get_state().name
            if state == "HALTED":
                return Stop(5, "a halt")
            if time.monotonic() >= deadline:
                return None
            time.sleep(_POLL)
