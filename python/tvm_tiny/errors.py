"""Errors that a user can act on.

Every failure that a user's input or machine can cause is raised as a :class:`TinyError`. Its message is complete in itself: what
was expected, what was found, and what to do. The command prints it as one line and exits with the class's code; a traceback is
shown only with ``--debug``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class TinyError(Exception):
    """Base of every error of this package.

    Parameters
    ----------
    message : str
        What was expected and what was found, naming the tensor, operator, file or part.
    hint : str
        What the user can do about it; printed on a line of its own. May be empty.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class ModelError(TinyError):
    """The model file is missing, damaged, of a foreign format, or has shapes that are not fixed."""

    exit_code = 3


class UnsupportedOperatorError(ModelError):
    """The model has operators that cannot be compiled; the message lists each of them with its reason."""

    exit_code = 4


class TargetError(TinyError):
    """The target or one of its options is unknown."""

    exit_code = 5


class BoardError(TinyError):
    """A board is unknown, could not be reached, or stopped answering."""

    exit_code = 6


class BoardLostError(BoardError):
    """A board of a farm went away in the middle of a run: the same image can be run on another one."""

    exit_code = 14


class FirmwareError(BoardError):
    """The firmware faulted, timed out or ended with an error code on the board."""

    exit_code = 7


class HangError(FirmwareError):
    """The firmware did not end within its time; ``layer`` is the one that was running then, where that is known."""

    def __init__(self, message: str, hint: str = "", layer: int | None = None) -> None:
        super().__init__(message, hint)
        self.layer = layer


class ArenaError(FirmwareError):
    """Generated code wrote outside its buffers; ``report`` is the model's report with all findings, ``arena_check``."""

    exit_code = 13

    def __init__(self, message: str, hint: str = "", report: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, hint)
        self.report = report or {}


class ToolchainError(TinyError):
    """A compiler, emulator or other program is missing, too old, or refused the generated code."""

    exit_code = 8


class CapacityError(TinyError):
    """The model needs more RAM or flash than the board has; the message says by how many bytes."""

    exit_code = 9


class InputError(TinyError):
    """Input data has a wrong name, shape, dtype or number of samples."""

    exit_code = 10


class OutputError(TinyError):
    """The output folder or file cannot be written."""

    exit_code = 11


class MismatchError(TinyError):
    """The compiled model computed something else than its reference."""

    exit_code = 12


class StreamError(TinyError):
    """A command stream of the NPU is damaged, of another version or variant, or has a command that the machine refuses.

    ``code`` is the device's fault code (src/npu/fault.h), 0 where it was not asked; ``command`` the place of the command in the
    stream, None for the stream as a whole.
    """

    exit_code = 14

    def __init__(self, message: str, hint: str = "", code: int = 0, command: int | None = None) -> None:
        super().__init__(message, hint)
        self.code = code
        self.command = command


class DatabaseError(TinyError):
    """A tuning database is missing or damaged, or cannot be written."""

    exit_code = 15
