"""The driver as a library, with a device of the test's behind its HAL."""

from __future__ import annotations

import ctypes
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

ROOT = Path(__file__).resolve().parents[2] / "src" / "npu" / "driver"
HAL = Path(__file__).with_name("driver_hal.c")
STATUS = ("ok", "busy", "no device", "wrong device", "bad job", "faulted", "timeout")


@cache
def registers() -> dict[str, int]:
    text = (ROOT / "tvm_tiny" / "npu" / "registers.h").read_text()
    return {name: int(value, 16) for name, value in re.findall(r"ETPU_(\w+) = (0x[0-9a-f]+)[,;]", text)}


class _Buffer(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_uint32), ("written", ctypes.c_bool)]


class _Job(ctypes.Structure):
    _fields_ = [
        ("array", ctypes.c_uint32),
        ("run", ctypes.c_void_p),
        ("run_size", ctypes.c_uint32),
        ("load", ctypes.c_void_p),
        ("load_size", ctypes.c_uint32),
        ("token", ctypes.c_uint32),
        ("buffers", ctypes.POINTER(_Buffer)),
        ("count", ctypes.c_uint32),
    ]


_READ = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_uint32)
_WRITE = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_uint32)
_WAIT = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_uint32)
_MEMORY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32)


class _Hal(ctypes.Structure):
    _fields_ = [("read", _READ), ("write", _WRITE), ("wait", _WAIT), ("clean", _MEMORY), ("invalidate", _MEMORY)]


@cache
def _library() -> ctypes.CDLL:
    path = Path(mkdtemp()) / "driver.so"
    flags = ("-std=c99", "-fPIC", "-shared", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", f"-I{ROOT}")
    source = ROOT / "tvm_tiny" / "npu" / "etpu.c"
    subprocess.run(["cc", *flags, str(source), str(HAL), "-o", str(path)], check=True)
    return ctypes.CDLL(str(path))


@dataclass
class Device:
    """Registers, and a log of what the driver did. A stream runs for ``turns`` waits, then ``state`` is what it leaves."""

    turns: int = 1
    size: int = 16
    identity: int = 0x45545055
    leaves: str = "done"
    patience: int = 100
    taken: bool = False
    token_after_load: int = 0
    log: list[str] = field(default_factory=list)
    values: dict[str, int] = field(default_factory=dict)
    on_wait: Callable[[int], None] = lambda _turn: None

    def __post_init__(self) -> None:
        self.names = {offset: name for name, offset in registers().items() if not name.startswith("ID_")}
        self.values |= {"ID": self.identity, "SIZE": self.size}

    def read(self, offset: int) -> int:
        name = self._name(offset)
        if name == "LOCK":
            free, self.taken = not self.taken, True
            return int(free)
        return self.values.get(name, 0)

    def write(self, offset: int, value: int) -> None:
        name = self._name(offset)
        self.values[name] = value
        if name == "COMMAND":
            self.log.append({1: "start", 2: "reset"}[value])
            self.values["STATUS"] = 1 if value == 1 else 0
            self.left = self.turns
        if name == "LOCK":
            self.taken = False
            self.log.append("unlock")

    def wait(self, turn: int) -> bool:
        self.on_wait(turn)
        self.left -= 1
        if self.left <= 0:
            self.values["STATUS"] = {"done": 2, "fault": 3}[self.leaves]
            self.values["TOKEN"] = self.token_after_load or self.values.get("TOKEN", 0)
        return turn < self.patience

    def _name(self, offset: int) -> str:
        region = registers()["REGION"]
        return self.names.get(offset, f"REGION{(offset - region) // 8}{'.size' if offset % 8 else ''}")


class Driver:
    """The functions of etpu.h over ``device``."""

    def __init__(self, device: Device) -> None:
        self.library = _library()
        self._kept = _Hal(
            _READ(device.read),
            _WRITE(device.write),
            _WAIT(device.wait),
            _MEMORY(lambda _memory, size: device.log.append(f"clean {size}")),
            _MEMORY(lambda _memory, size: device.log.append(f"invalidate {size}")),
        )
        ctypes.memmove(ctypes.addressof(_Hal.in_dll(self.library, "hal")), ctypes.addressof(self._kept), ctypes.sizeof(_Hal))

    def call(self, function: str, job: Any) -> str:
        return STATUS[getattr(self.library, function)(ctypes.byref(job))]


def job(*, token: int = 0, array: int = 16, outputs: int = 1, buffers: int = 2) -> _Job:
    """A job of a 100-byte run stream, a 200-byte load stream, and buffers of 10, 11, ... bytes, the last ones written."""
    rows = (_Buffer * buffers)(*((None, 10 + index, index >= buffers - outputs) for index in range(buffers)))
    return _Job(array, None, 100, None, 200 if token else 0, token, rows, buffers)
