"""Progress on standard error, for what takes longer than people wait in silence."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TextIO

_FRAMES = "|/-\\"
_PATIENCE = 2.0
_FIRST_FRAME = 0.3
_FRAME = 0.1


class Progress:
    """Call it with the name of each step as it begins; leave its ``with`` block when all is done.

    On a terminal one line shows the running step and its seconds, and is wiped at the end. Elsewhere a step is named once, on a
    line of its own, when it has been running for two seconds.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._terminal = self._stream.isatty()
        self._step = ""
        self._since = time.monotonic()
        self._told = False
        self._width = 0
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __call__(self, step: str) -> None:
        with self._lock:
            self._step, self._since, self._told = step, time.monotonic(), False

    def note(self, line: str) -> None:
        """Print a line that stays, on a terminal above the running step."""
        with self._lock:
            wiped = "\r" + " " * self._width + "\r" if self._width else ""
            self._write(f"{wiped}tvm-tiny: {line}\n")

    def __enter__(self) -> Progress:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()
        if self._width:
            self._write("\r" + " " * self._width + "\r")

    def _watch(self) -> None:
        frame = 0
        while not self._done.wait(_FRAME):
            with self._lock:
                step, seconds, told = self._step, time.monotonic() - self._since, self._told
                if not step:
                    continue
                if self._terminal:
                    if seconds >= _FIRST_FRAME or self._width:
                        self._draw(f"{_FRAMES[frame % len(_FRAMES)]} {step} ({seconds:.0f} s)")
                        frame += 1
                elif seconds >= _PATIENCE and not told:
                    self._told = True
                    self._write(f"tvm-tiny: {step} ...\n")

    def _draw(self, line: str) -> None:
        self._write("\r" + line.ljust(self._width))
        self._width = len(line)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
