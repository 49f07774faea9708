"""A session with one server, short and with an end to each wait.

A TVM RPC server serves one session at a time, and a call of it waits without end if the server's machine falls silent. A session
therefore lasts for one measurement, and it is held in a thread of its own: the caller watches the time that each call takes, and
leaves the thread behind where the server does not answer any more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from tvm_tiny.errors import BoardError, BoardLostError, TinyError
from tvm_tiny.farm.tracker import Place

DESCRIBE, START, POLL = "tvm_tiny.farm.describe", "tvm_tiny.farm.start", "tvm_tiny.farm.poll"
"""What a server of ours offers besides TVM's own functions."""

PATIENCE = 15.0
"""Seconds of silence after which a server counts as lost: calls are answered within about a second, whatever the board does."""

_SLOWEST = 100_000  # bytes per second, for what is sent on top of that
_WATCH = 0.5

T = TypeVar("T")


class Line:
    """The calls of one session. Used by the session's thread alone, but for the deadline."""

    def __init__(self, place: Place, patience: float) -> None:
        self.place = place
        self.abandoned = False
        self.deadline = time.monotonic() + patience
        self._patience = patience
        self._session: Any = None

    def call(self, name: str, *arguments: object, size: int = 0) -> Any:
        """Call the server's function ``name``; ``size`` is how many bytes pass.

        Raises
        ------
        BoardLostError
            The connection broke.
        BoardError
            The server has no such function.
        """
        self.deadline = time.monotonic() + self._patience + size / _SLOWEST
        try:
            if self._session is None:
                from tvm import rpc

                self._session = rpc.connect(self.place.host, self.place.port, self.place.match)
            function = self._session.get_function(name)
        except Exception as error:  # TVM raises what it likes, from frames that keep the session
            error.__traceback__ = None
            if "not found" in str(error) or isinstance(error, AttributeError):
                raise BoardError(
                    f"the server at {self.place} serves no boards of tvm_tiny: it has no {name}",
                    "serve them with `tvm-tiny board serve`",
                ) from error
            raise self.lost("could not be reached or went away", error) from error
        try:
            if self.abandoned:
                raise self.lost("was left alone")
            return function(*arguments)
        except TinyError:
            raise
        except Exception as error:  # ours catch all of their own
            raise self.lost("went away", error) from error.with_traceback(None)
        finally:
            del function  # it keeps the session, and an error on its way keeps this frame

    def lost(self, what: str, error: Exception | None = None) -> BoardLostError:
        why = f" ({str(error).strip().splitlines()[-1][:160]})" if error is not None and str(error).strip() else ""
        return BoardLostError(f"the server at {self.place} {what}{why}", "its machine, its network or its process ended")

    def close(self) -> None:
        """Let the server go, so that it can serve somebody else."""
        self._session = None


class _Talk(threading.Thread, Generic[T]):
    def __init__(self, line: Line, talk: Callable[[Line], T]) -> None:
        super().__init__(name=f"board at {line.place}", daemon=True)
        self.line, self.ended = line, threading.Event()
        self.outcome: T | None = None
        self.error: BaseException | None = None
        self._talk = talk

    def run(self) -> None:
        try:
            self.outcome = self._talk(self.line)
        except BaseException as error:  # told by the caller's thread
            self.error = error
        finally:
            self.line.close()
            self.ended.set()


def hold_session(place: Place, talk: Callable[[Line], T], *, patience: float = PATIENCE) -> T:
    """What ``talk`` returns, which holds a session with the server at ``place`` from its first call on.

    Raises
    ------
    BoardLostError
        The connection broke, or the server was silent for ``patience`` seconds.
    """
    line = Line(place, patience)
    thread = _Talk(line, talk)
    thread.start()
    try:
        while not thread.ended.wait(_WATCH):
            if time.monotonic() > line.deadline:
                raise line.lost(f"has been silent for {patience:g} s")
    finally:
        line.abandoned = True  # where we were interrupted, the session ends with its next call
    if isinstance(thread.error, TinyError):
        raise thread.error
    if thread.error is not None:
        raise line.lost("could not be talked to", None) from thread.error
    return thread.outcome  # type: ignore[return-value]
