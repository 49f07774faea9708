"""A session with the resident firmware over a serial port: commands that are sent again until their reply comes.

``src/firmware/resident/protocol.h`` tells the protocol. A port that fails is opened again: a cable that was pulled for a moment
costs time and nothing else.
"""

from __future__ import annotations

import secrets
import struct
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tvm_tiny.board.serial_frame import Decoder, Frame, Kind, Status
from tvm_tiny.errors import BoardError

VERSION = 1
IDLE = 0
_HELLO = struct.Struct("<2H6I20s32s")
_EMULATED = 1
_REPLY_TIME = 0.3  # seconds for the resident's part of a reply, and for USB
_REOPEN_TIME = 0.05
_BITS = 10  # of a byte on the wire, start and stop included
_LARGEST = 2 * 1040  # bytes of a frame at worst
_REFUSALS: dict[int, str] = {
    Status.WRONG_STATE: "it is in another state",
    Status.WRONG_ARGUMENT: "an address or size is not in its window",
}


class SessionLostError(BoardError):
    """The board was reset in the middle: nothing of the run is left."""


@dataclass(frozen=True)
class Hello:
    """What the resident firmware says of its board. ``window_size`` bytes from ``window_origin`` are for images; ``call`` is the
    address that an image calls.
    """

    board: str
    core: str
    clock: int
    window_origin: int
    window_size: int
    call: int
    emulated: bool
    state: int


def _open_port(device: str, baud: int) -> Any:
    try:
        import serial
    except ImportError as error:
        raise BoardError("serial boards need the package pyserial", "pip install 'tvm-tiny[boards]'") from error
    try:
        return serial.Serial(device, baud, timeout=0.02, write_timeout=2.0, exclusive=True)
    except ValueError as error:
        raise BoardError(f"the serial port {device} cannot be opened with {baud} baud: {error}") from error


class SerialLink:
    """The port, and what is sent and received on it; use it in ``with``.

    Parameters
    ----------
    device : str
        "/dev/ttyACM0", "COM3".
    baud : int
    patience : float
        Seconds for which a command is sent again, and a port that fails opened again.
    """

    def __init__(self, device: str, baud: int, *, patience: float = 5.0) -> None:
        self.device, self.patience = device, patience
        self.stops = self.interrupts = 0  # of the last STOPPED
        self._baud = baud
        self._session = self._sequence = 0
        self._reply_time = _REPLY_TIME + _LARGEST * _BITS / baud
        self._decoder = Decoder()
        self._arrived: deque[Frame] = deque()
        self._port: Any = None
        self._trouble = ""
        self._failing: float | None = None  # since when the port has failed
        self.is_open = False  # whether there is a session

    def __enter__(self) -> SerialLink:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            with suppress(OSError):
                port.close()

    def error(self, text: str) -> BoardError:
        hint = "is it this port, this baud rate, and is the resident firmware on the board?"
        return BoardError(f"the board at {self.device} {text}{self._trouble}", hint)

    def _lost(self) -> SessionLostError:
        return SessionLostError(f"the board at {self.device} was reset in the middle of the run", "look at its power and its cable")

    def _send(self, frame: Frame) -> None:
        """Send ``frame`` if the port can be had now; it is sent again anyway where no reply comes."""
        try:
            if self._port is None:
                self._port = _open_port(self.device, self._baud)
            self._port.write(frame.encoded())
            self._works()
        except OSError as error:
            self._failed(error)

    def _works(self) -> None:
        self._failing, self._trouble = None, ""

    def _failed(self, error: OSError) -> None:
        self._trouble = f"; its port: {error}"
        self.close()
        self._failing = self._failing or time.monotonic()
        if time.monotonic() - self._failing > self.patience:
            raise self.error(f"cannot be reached for {self.patience:g} s") from error
        time.sleep(_REOPEN_TIME)

    def _receive(self, deadline: float) -> Frame | None:
        """The next frame of any kind; None where none arrives until ``deadline``."""
        while not self._arrived:
            if time.monotonic() >= deadline:
                return None
            try:
                if self._port is None:
                    self._port = _open_port(self.device, self._baud)
                data = self._port.read(max(1, self._port.in_waiting))
                self._works()
            except OSError as error:
                self._failed(error)
                continue
            self._arrived.extend(self._decoder.take(data))
        return self._arrived.popleft()

    def _matches(self, frame: Frame, command: Frame) -> bool:
        """Whether it is the reply to ``command``. A stop of this session is noted, all else is of the past."""
        if frame.kind == Kind.STARTED and self.is_open:
            raise self._lost()
        if frame.session != command.session:
            return False
        if frame.kind == Kind.STOPPED and len(frame.payload) == 8:
            number, interrupts = struct.unpack("<2I", frame.payload)
            if number == self.stops + 1:
                self.stops, self.interrupts = number, interrupts
        return frame.is_reply and (frame.kind, frame.sequence) == (command.kind, command.sequence)

    def ask(self, kind: Kind, payload: bytes = b"", *, until_stop: bool = False) -> bytes:
        """The payload of the reply to a command; ``until_stop``: the next stop is as good as the reply.

        Raises
        ------
        SessionLostError
            The board was reset since the session began.
        BoardError
            No reply comes, or the resident refuses.
        """
        self._sequence += 1
        command = Frame(kind, self._sequence, self._session, payload)
        before, deadline = self.stops, time.monotonic() + self.patience
        while time.monotonic() < deadline:
            self._send(command)
            again = time.monotonic() + self._reply_time
            while (frame := self._receive(min(again, deadline))) is not None:
                if self._matches(frame, command):
                    return self._judged(frame)
                if until_stop and self.stops > before:
                    return b""
        raise self.error(f"did not answer {kind.name} within {self.patience:g} s")

    def _judged(self, reply: Frame) -> bytes:
        if reply.status == Status.NO_SESSION:
            raise self._lost()
        if reply.status != Status.DONE:
            reason = _REFUSALS.get(reply.status, f"status {reply.status}")
            raise self.error(f"refused {Kind(reply.kind).name}: {reason}")
        return reply.payload

    def await_stop(self, patience: float) -> bool:
        """Wait for the stop after the last that was known when :meth:`ask` was called; False where it does not come."""
        seen, deadline = self.stops, time.monotonic() + patience
        while self.stops == seen:
            frame = self._receive(deadline)
            if frame is None:
                return False
            self._matches(frame, Frame(Kind.STOPPED, 0, self._session))
        return True

    def begin(self) -> Hello:
        """Reset the board, whatever it does, and open a session of its own.

        Raises
        ------
        BoardError
            The port cannot be opened, nothing answers, or what answers is of another version.
        """
        deadline, hello, tries = time.monotonic() + self.patience, None, 3
        self.is_open = False
        while hello is None and time.monotonic() < deadline:
            self._renew()
            self._send(Frame(Kind.RESET, 1, self._session))
            # Up to here replies may come from before the reset: the session's number is drawn anew.
            time.sleep(0.03)
            hello = self._greeted(deadline, tries)
            tries *= 2  # a slow one must not be reset before it has answered
        if hello is None:
            raise self.error(f"does not answer within {self.patience:g} s")
        self.is_open = True
        return hello

    def _renew(self) -> None:
        self._session, self._sequence, self.stops, self.interrupts = secrets.randbelow((1 << 32) - 1) + 1, 0, 0, 0

    def _greeted(self, deadline: float, tries: int) -> Hello | None:
        """The greeting of a board that is idle; None where there is none, or an image still lives."""
        self._renew()
        self._sequence = 1
        command = Frame(Kind.HELLO, 1, self._session)
        for _ in range(tries):
            self._send(command)
            again = time.monotonic() + self._reply_time
            while (frame := self._receive(min(again, deadline))) is not None:
                if self._matches(frame, command):
                    hello = self._hello(self._judged(frame))
                    return hello if hello.state == IDLE else None
        return None

    def _hello(self, payload: bytes) -> Hello:
        version = int.from_bytes(payload[:2], "little")
        if version != VERSION or len(payload) != _HELLO.size:
            raise self.error(f"has a resident firmware of protocol {version}, expected {VERSION}: write that of this tvm-tiny")
        _, _, clock, origin, size, call, flags, state, core, board = _HELLO.unpack(payload)
        text = [each.rstrip(b"\0").decode("ascii", "replace") for each in (board, core)]
        return Hello(text[0], text[1], clock, origin, size, call, bool(flags & _EMULATED), state)
