"""Runs a program to its end, or for as long as it is given."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tvm_tiny.errors import ToolchainError

# How long a program that was asked to end may take for that before it is killed, in seconds.
_GRACE = 5.0

_running: set[subprocess.Popen[str]] = set()
_lock = threading.Lock()


@dataclass(frozen=True)
class Finished:
    """``code`` is None where the time ran out; negative is the signal that ended the program."""

    code: int | None
    console: str


def run_process(
    command: Sequence[str | Path], folder: Path, timeout: float, environment: Mapping[str, str] | None = None
) -> Finished:
    """Run ``command`` in ``folder`` for at most ``timeout`` seconds; no process outlives the call.

    Raises
    ------
    ToolchainError
        It could not be started.
    """
    arguments = [str(part) for part in command]
    try:
        process = subprocess.Popen(
            arguments,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise ToolchainError(f"{arguments[0]} could not be started: {error}") from error
    with _lock:
        _running.add(process)
    try:
        return _finish(process, timeout)
    finally:
        with _lock:
            _running.discard(process)


def kill_running() -> None:
    """Kill each program that a thread of this process runs: for a process that is about to end without waiting for its threads."""
    with _lock:
        for process in _running:
            process.kill()


def _finish(process: subprocess.Popen[str], timeout: float) -> Finished:
    with process:
        try:
            console, _ = process.communicate(timeout=timeout)
            return Finished(process.returncode, console)
        except subprocess.TimeoutExpired:
            process.terminate()
            try:
                console, _ = process.communicate(timeout=_GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                console, _ = process.communicate()
            return Finished(None, console)
        except BaseException:
            process.kill()
            raise
