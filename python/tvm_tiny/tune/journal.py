"""Every measurement, written down as soon as it is there, so that an interrupted run has lost nothing that was measured.

One JSON object a line. A line that the end of a process or of the power has cut off is not read, and the next one begins on a line
of its own. Results of one board are not those of another, nor are those of another seed's inputs different: a candidate is right on
all of them, and its cycles do not depend on them.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from tvm_tiny.errors import OutputError
from tvm_tiny.schedule.implementation import Decision
from tvm_tiny.tune.measure import Outcome, Status
from tvm_tiny.tune.space import label

FILE = "journal.jsonl"


@dataclass(frozen=True)
class Entry:
    """A candidate and what came of it.

    ``grows`` are the bytes by which a memory plan may become larger than with the default.
    """

    workload: str
    board: str
    decision: Decision
    outcome: Outcome
    grows: int = 0
    constants: int = 0

    @property
    def place(self) -> tuple[str, str, str]:
        """Under what it is found again."""
        return self.workload, self.board, label(self.decision)


class Journal:
    """The measurements in ``folder``, those of earlier runs included.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._entries: dict[tuple[str, str, str], Entry] = {}
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for entry in read_entries(self.path):
                self._entries[entry.place] = entry
            self._earlier = set(self._entries)
            self._file = self.path.open("ab+")
            self._end_line()
        except OSError as error:
            raise OutputError(
                f"the database {folder} cannot be written: {error.strerror or error}", "choose another folder"
            ) from error

    def find(self, workload: str, board: str, decision: Decision) -> Entry | None:
        """The measurement of a candidate, None if there is none."""
        return self._entries.get((workload, board, label(decision)))

    def remembered(self, workload: str, board: str, decision: Decision) -> bool:
        """Whether a candidate was measured by an earlier run."""
        return (workload, board, label(decision)) in self._earlier

    def forget_failure(self, workload: str, board: str, decision: Decision) -> None:
        """Do not remember a candidate that failed, so that it is measured again."""
        place = (workload, board, label(decision))
        if place in self._entries and self._entries[place].outcome.status != "ok":
            del self._entries[place]
            self._earlier.discard(place)

    def of(self, workload: str, board: str) -> list[Entry]:
        """All of a workload on a board, in the order in which they were measured."""
        return [entry for entry in self._entries.values() if (entry.workload, entry.board) == (workload, board)]

    def add(self, entry: Entry) -> None:
        """Append ``entry``; it is on the disk when this returns.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        try:
            with self._lock:
                self._file.write(_line(entry).encode())
                self._file.flush()
                os.fsync(self._file.fileno())
        except OSError as error:
            raise OutputError(f"the journal {self.path} cannot be written: {error.strerror or error}", "make room") from error
        self._entries[entry.place] = entry

    def close(self) -> None:
        self._file.close()

    def _end_line(self) -> None:
        """What follows a line that was cut off begins on the next one."""
        end = self._file.seek(0, os.SEEK_END)
        if end:
            self._file.seek(end - 1)
            if self._file.read(1) != b"\n":
                self._file.write(b"\n")
                self._file.flush()


def write_entries(folder: Path, entries: Iterable[Entry]) -> None:
    """Make ``entries`` the journal in ``folder``, in place of what there is.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    path = folder / FILE
    partial = path.with_name(f".{FILE}.{os.getpid()}")
    try:
        partial.write_text("".join(_line(entry) for entry in entries), encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        raise OutputError(f"the journal {path} cannot be written: {error.strerror or error}", "make room") from error


def read_entries(path: Path) -> Iterator[Entry]:
    """The entries of a journal; lines that are cut off or garbled are passed over."""
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        try:
            yield _from_json(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue


def _line(entry: Entry) -> str:
    return json.dumps(_to_json(entry), separators=(",", ":")) + "\n"


def _to_json(entry: Entry) -> dict[str, Any]:
    return {
        "workload": entry.workload,
        "board": entry.board,
        "implementation": entry.decision.implementation,
        "choices": dict(entry.decision.choices),
        "status": entry.outcome.status,
        "cycles": entry.outcome.cycles,
        "instructions": entry.outcome.instructions,
        "grows": entry.grows,
        "constants": entry.constants,
        "message": entry.outcome.message,
    }


def _from_json(value: Any) -> Entry:
    if value["status"] not in get_args(Status):
        raise ValueError(f"unknown status {value['status']!r}")
    decision = Decision(value["implementation"], {str(name): int(choice) for name, choice in value["choices"].items()})
    outcome = Outcome(value["status"], value["cycles"], value["instructions"], value["message"])
    return Entry(value["workload"], value["board"], decision, outcome, int(value["grows"]), int(value["constants"]))
