"""What is asked of TVM's RPC tracker: which servers there are, and one of them for a session.

TVM's own client of the tracker waits without end for a server, also where there is none. Here the same questions are asked, through
the functions of :mod:`tvm.rpc.base`, with an end to each wait.
"""

from __future__ import annotations

import re
import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from tvm_tiny.errors import BoardError

PREFIX = "tvm_tiny/"
"""What the keys of our servers begin with at a tracker that others may use, too."""

_PATIENCE = 5.0  # seconds that the tracker may take for an answer
_LOOK = 1.0  # seconds after which a waiting client looks whether there still are servers
_GONE = 10.0  # seconds for which a server may be away while it is being started again


@dataclass(frozen=True)
class Address:
    """HOST:PORT."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """The address in ``text``; an IPv6 host may stand in brackets.

        Raises
        ------
        BoardError
            It is none.
        """
        found = re.fullmatch(r"\[([^\]]+)\]:(\d+)|([^:\s]+):(\d+)", text)
        port = int(found[2] or found[4]) if found else 0
        if found is None or not 0 < port < 65536:
            raise BoardError(f"{text!r} is no address: expected HOST:PORT, as in localhost:9190")
        return cls(found[1] or found[3], port)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Place:
    """A server that the tracker gave to us: where it is, and the word that it lets us in for."""

    host: str
    port: int
    match: str

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Shared:
    """Boards of one name at a tracker: how many servers, how many of them are free, and how many clients wait."""

    name: str
    servers: int
    free: int
    waiting: int


def key_of(name: str) -> str:
    """The tracker's key of the boards that clients call ``name``.

    Raises
    ------
    BoardError
        TVM's servers cannot have such a key.
    """
    if not re.fullmatch(r"[\w.+/-]+", name):
        raise BoardError(
            f"boards cannot be shared under the name {name!r}", "letters, digits and . + - / are good: serve them with --key NAME"
        )
    return PREFIX + name


class Tracker:
    """A connection to the tracker.

    Raises
    ------
    BoardError
        Nothing answers there, or not a tracker.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        try:
            self._socket = socket.create_connection((address.host, address.port), _PATIENCE)
        except OSError as error:
            raise BoardError(
                f"no tracker answers at {address}: {error.strerror or error}",
                "start it: python -m tvm.exec.rpc_tracker --host 0.0.0.0 --port 9190",
            ) from error
        from tvm.rpc import base

        try:
            self._socket.sendall(struct.pack("<i", base.RPC_TRACKER_MAGIC))
            answer = base.recvall(self._socket, 4)
        except OSError:
            answer = b""
        if answer != struct.pack("<i", base.RPC_TRACKER_MAGIC):
            self._socket.close()
            raise BoardError(
                f"what answers at {address} is no RPC tracker of TVM", "is it the port of a server or of something else?"
            )

    def __enter__(self) -> Tracker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()

    def _send(self, question: list[Any]) -> None:
        from tvm.rpc import base

        try:
            base.sendjson(self._socket, question)
        except OSError as error:
            raise self._broken(error) from error

    def _receive(self) -> Any:
        from tvm.rpc import base

        try:
            code, value = base.recvjson(self._socket)
        except (OSError, ValueError, TypeError, struct.error) as error:
            raise self._broken(error) from error
        if code != base.TrackerCode.SUCCESS:
            raise self._broken(f"it answered {code}")
        return value

    def _broken(self, error: object) -> BoardError:
        return BoardError(f"the tracker at {self.address} went away or does not answer: {error}")

    def shared(self) -> list[Shared]:
        """The boards of ours that the tracker knows, by name."""
        from tvm.rpc import base

        self._send([base.TrackerCode.SUMMARY])
        found = self._receive()
        servers: dict[str, int] = {}
        for each in found["server_info"]:
            key = str(each["key"]).removeprefix("server:")
            if key.startswith(PREFIX):
                servers[key] = servers.get(key, 0) + 1
        queues = found["queue_info"]
        return [
            Shared(key.removeprefix(PREFIX), count, queues.get(key, {}).get("free", 0), queues.get(key, {}).get("pending", 0))
            for key, count in sorted(servers.items())
        ]

    def require(self, name: str) -> Shared:
        """The boards called ``name``.

        Raises
        ------
        BoardError
            There are none; lists those that are there.
        """
        key_of(name)
        shared = self.shared()
        found = next((each for each in shared if each.name == name), None)
        if found is None:
            names = ", ".join(each.name for each in shared) or "no boards at all"
            raise BoardError(
                f"no server shares a board {name!r} at the tracker {self.address}: it has {names}",
                f"serve one: tvm-tiny board serve --board {name} --tracker {self.address}",
            )
        return found

    def request(self, name: str, abandoned: Callable[[], bool] = lambda: False) -> Place:
        """A free server of the boards called ``name``; waits for its turn for as long as there are servers.

        Raises
        ------
        BoardError
            There are none, or none any more.
        """
        from tvm.rpc import base

        self.require(name)
        self._send([base.TrackerCode.REQUEST, key_of(name), "", 1])
        seen = time.monotonic()
        while not select.select([self._socket], [], [], _LOOK)[0]:
            with Tracker(self.address) as other:  # this connection is busy with our request
                try:
                    other.require(name)
                    seen = time.monotonic()
                except BoardError:
                    if time.monotonic() - seen > _GONE:
                        raise
            if abandoned():
                raise BoardError(f"the wait for a board {name!r} was given up")
        host, port, match = self._receive()
        return Place(str(host), int(port), str(match))


def shared_boards(address: Address) -> list[Shared]:
    """The boards that are shared at the tracker.

    Raises
    ------
    BoardError
        The tracker does not answer.
    """
    with Tracker(address) as tracker:
        return tracker.shared()
