"""A stand-in for pyOCD: the part of its API that is used, over QEMU's GDB stub."""

from __future__ import annotations

import time
from collections.abc import Sequence
from enum import Enum
from types import SimpleNamespace, TracebackType
from typing import Any

from tvm_tiny.board.gdb_target import GdbTarget
from tvm_tiny.board.probe_target import Pyocd, chosen
from tvm_tiny.board.rsp import PacketStream

_NUMBERS = {"sp": 13, "pc": 15}


class ProbeError(Exception):
    """As pyOCD's."""


class State(Enum):
    RUNNING = 1
    HALTED = 2


class FakeTarget:
    """``pyocd.core.soc_target.SoCTarget``. ``fails_at`` is the call at which the probe is unplugged."""

    def __init__(self, stub: GdbTarget, flash_end: int, fails_at: int | None) -> None:
        self._stub, self.flash_end, self._fails_at = stub, flash_end, fails_at
        self.calls = 0
        self._runs = False

    def _call(self) -> None:
        if self._fails_at is not None and self.calls >= self._fails_at:
            raise ProbeError("the probe is unplugged")
        self.calls += 1

    def reset_and_halt(self) -> None:
        self._call()
        self._stub.monitor("system_reset")

    def halt(self) -> None:
        self._call()
        self._stub.stream.interrupt()

    def resume(self) -> None:
        self._call()
        self._stub.stream.send(b"c")
        self._runs = True

    def get_state(self) -> State:
        self._call()
        if self._runs and self._stub._await_stop(0.02) is not None:
            self._runs = False
        return State.RUNNING if self._runs else State.HALTED

    def read_memory_block8(self, address: int, size: int) -> Sequence[int]:
        self._call()
        return list(self._stub.read(address, size))

    def write_memory_block8(self, address: int, data: Sequence[int]) -> None:
        self._call()
        assert address >= self.flash_end, "flash is programmed, not written"
        self._stub.write(address, bytes(data))

    def read_core_register(self, name: str) -> int:
        self._call()
        return self._stub.read_register(_NUMBERS[name])

    def write_core_register(self, name: str, value: int) -> None:
        self._call()
        self._stub.write_register(self._stub._xpsr() if name == "xpsr" else _NUMBERS[name], value)

    def set_breakpoint(self, address: int) -> bool:
        self._call()
        self._stub.set_breakpoint(address)
        return True

    def remove_breakpoint(self, address: int) -> None:
        self._call()
        self._stub.clear_breakpoints()

    def get_memory_map(self) -> list[Any]:
        self._call()
        return [SimpleNamespace(is_flash=True, start=0, length=self.flash_end, blocksize=0x1000)] if self.flash_end else []


class FakeLoader:
    """``pyocd.flash.loader.MemoryLoader``."""

    def __init__(self, session: FakeSession) -> None:
        self._session = session
        self._pieces: list[tuple[int, bytes]] = []

    def add_data(self, address: int, data: Sequence[int]) -> FakeLoader:
        self._pieces.append((address, bytes(data)))
        return self

    def commit(self) -> None:
        self._session.programmed += 1
        for address, data in self._pieces:
            self._session.stub.write(address, data)
        self._session.stub.write_register(_NUMBERS["pc"], 0x2000_0000)  # where a flash algorithm ends


class FakeSession:
    """``pyocd.core.session.Session`` for QEMU's stub at ``port``; opened by ``with``."""

    def __init__(self, port: int, flash_end: int = 0, fails_at: int | None = None) -> None:
        self._port, self._flash_end, self._fails_at = port, flash_end, fails_at
        self.programmed = 0

    def __enter__(self) -> FakeSession:
        if self._fails_at == 0:
            raise ProbeError("the probe is in use")
        self._stream = PacketStream("127.0.0.1", self._port)
        self.stub = GdbTarget(self._stream)
        self.target = FakeTarget(self.stub, self._flash_end, self._fails_at)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stream.close()
        time.sleep(0.05)  # the stub sees that and halts the machine


def package(session: FakeSession) -> Pyocd:
    def open_session(uid: str | None, part: str | None) -> FakeSession:
        return chosen([session], "a board", uid)

    return Pyocd(open_session, FakeLoader, (ProbeError, OSError))
