"""A database of tuning: a folder with MetaSchedule's JSON database, read and written without TVM where no record is made.

For each workload that was tuned there are up to two records: the default's, and that of the best candidate if it is better. Times
are cycles, written as seconds of a clock of 1 MHz. TVM's own `JSONDatabase` opens the same folder.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tvm_tiny.errors import DatabaseError
from tvm_tiny.npu.knobs import VERSION as REGION_VERSION
from tvm_tiny.schedule.implementation import Decision
from tvm_tiny.tune.journal import FILE as JOURNAL
from tvm_tiny.tune.journal import read_entries, write_entries
from tvm_tiny.tune.space import decided_schedule, decision_in
from tvm_tiny.tune.workload import SCHEDULE_VERSION, Tunable, key_of

WORKLOADS, RECORDS = "database_workload.json", "database_tuning_record.json"
_CLOCK = 1e6  # hertz
_PACKED = ".gz"


@dataclass(frozen=True)
class Record:
    """A decision and what it costs in cycles; ``text`` is TVM's JSON of the record."""

    decision: Decision
    cycles: float
    text: str = field(repr=False)


@dataclass(frozen=True)
class Tuned:
    """What is known of one workload.

    Attributes
    ----------
    description : str
        The workload's own.
    default : Record
        What the compiler does without tuning.
    best : Record or None
        What is better, if anything was.
    text : str
        TVM's JSON of the workload.
    """

    description: str
    default: Record
    best: Record | None
    text: str = field(repr=False)

    @cached_property
    def key(self) -> str:
        return key_of(self.description)

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """The description, parsed."""
        return json.loads(self.description)

    @property
    def ratio(self) -> float:
        """Cycles of the best over those of the default; 1 where nothing is better."""
        return self.best.cycles / self.default.cycles if self.best else 1.0


def tuned(workload: Tunable, default: float, best: tuple[Decision, float] | None) -> Tuned:
    """What tuning has found for ``workload``, in TVM's format: cycles of the default, and a better decision with its cycles."""
    from tvm.s_tir.meta_schedule.database import JSONDatabase, TuningRecord

    from tvm_tiny.target import tvm_target

    module = workload.module()
    found = [(workload.default, default), *([best] if best else [])]
    with tempfile.TemporaryDirectory(prefix="tvm_tiny-database-") as folder:
        database = JSONDatabase(work_dir=folder)
        token = database.commit_workload(module)
        for decision, cycles in found:
            trace = decided_schedule(workload, module, decision).trace
            database.commit_tuning_record(TuningRecord(trace, token, [cycles / _CLOCK], tvm_target(workload.core)))
        workloads = (Path(folder) / WORKLOADS).read_text(encoding="utf-8").splitlines()
        lines = (Path(folder) / RECORDS).read_text(encoding="utf-8").splitlines()
    records = [Record(decision, cycles, _text(json.loads(line)[1])) for (decision, cycles), line in zip(found, lines, strict=True)]
    return Tuned(workload.description, records[0], records[1] if best else None, _compact(workloads[0]))


def load_database(folder: Path) -> dict[str, Tuned]:
    """Key → what is known of the workload; nothing where the folder has no database.

    Raises
    ------
    DatabaseError
        A file cannot be read, or is none of a database of this package.
    """
    try:
        workloads = _lines(folder / WORKLOADS)
        rows = [json.loads(line) for line in _lines(folder / RECORDS)]
        descriptions = [_description(line) for line in workloads]
        records: list[list[Record]] = [[] for _ in workloads]
        for index, record in rows:
            records[index].append(Record(decision_in(record[0]), float(record[1][0]) * _CLOCK, _text(record)))
    except OSError as error:
        raise DatabaseError(f"the database {folder} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, EOFError) as error:
        raise DatabaseError(
            f"{folder} is no database of tvm-tiny, or it is damaged: {error}",
            f"delete {WORKLOADS} and {RECORDS} in it: the journal has what was measured, and tuning again writes them anew",
        ) from error
    known = {}
    for description, line, found in zip(descriptions, workloads, records, strict=True):
        if found:
            known[key_of(description)] = Tuned(
                description, found[0], min(found[1:], key=lambda each: each.cycles, default=None), line
            )
    return known


def require_database(folder: Path) -> dict[str, Tuned]:
    """:func:`load_database` of a folder that must hold one.

    Raises
    ------
    DatabaseError
        There is none, or it is damaged.
    """
    if not any((folder / f"{WORKLOADS}{ending}").is_file() for ending in ("", _PACKED)):
        raise DatabaseError(f"{folder} holds no database: there is no {WORKLOADS}", "tvm-tiny tune makes one")
    return load_database(folder)


def save_database(folder: Path, known: Iterable[Tuned]) -> None:
    """Write ``known``, and nothing else, as the database in ``folder``; each file is replaced as a whole.

    Raises
    ------
    DatabaseError
        It cannot be written.
    """
    known = list(known)
    rows = [
        f"[{index},{record.text}]\n"
        for index, each in enumerate(known)
        for record in (each.default, each.best)
        if record is not None
    ]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Records refer to workloads by number. Without records, a new table of workloads is whole; with those of another one, not.
        _replace(folder / RECORDS, "")
        _replace(folder / WORKLOADS, "".join(f"{each.text}\n" for each in known))
        _replace(folder / RECORDS, "".join(rows))
    except OSError as error:
        raise DatabaseError(
            f"the database {folder} cannot be written: {error.strerror or error}", "choose another folder"
        ) from error


def merged(databases: Sequence[Mapping[str, Tuned]]) -> dict[str, Tuned]:
    """All workloads of ``databases``; of one that several have, what gains most on its own default."""
    result: dict[str, Tuned] = {}
    for database in databases:
        for key, each in database.items():
            if key not in result or each.ratio < result[key].ratio:
                result[key] = each
    return result


def merge_into(folder: Path, others: Sequence[Path]) -> dict[str, Tuned]:
    """Bring the records and the journals of ``others`` into the database in ``folder``, which may be new.

    Raises
    ------
    DatabaseError
        One of ``others`` holds no database, or one is damaged.
    """
    known = merged([load_database(folder), *(require_database(other) for other in others)])
    entries = {entry.place: entry for each in (folder, *others) for entry in read_entries(each / JOURNAL)}
    save_database(folder, known.values())
    write_entries(folder, entries.values())
    return known


def prune(folder: Path) -> tuple[dict[str, Tuned], int]:
    """Drop what can never be used again, since the schedules have another version by now; what is left, and how many went."""
    known = require_database(folder)
    kept = {key: each for key, each in known.items() if each.facts.get("version") == _version(each)}
    save_database(folder, kept.values())
    write_entries(folder, [entry for entry in read_entries(folder / JOURNAL) if entry.workload in kept])
    return kept, len(known) - len(kept)


def _version(known: Tuned) -> int:
    """The version of today: of the schedules, or of the NPU's compiler where it is a region's."""
    return REGION_VERSION if "region" in known.facts else SCHEDULE_VERSION


def _lines(path: Path) -> list[str]:
    """The lines of a file, or of its compressed form; none where there is neither."""
    packed = path.with_name(f"{path.name}{_PACKED}")
    if path.exists():
        text = path.read_text(encoding="utf-8")
    elif packed.exists():
        text = gzip.decompress(packed.read_bytes()).decode()
    else:
        return []
    return [line for line in text.splitlines() if line.strip()]


def _description(line: str) -> str:
    """The description in TVM's JSON of a workload: a string of its graph of objects."""
    for node in _graph(line)["nodes"]:
        data = node.get("data")
        if isinstance(data, str) and data.startswith('{"') and '"implementations"' in data:
            return data
    raise ValueError("a workload of another program")


def _graph(line: str) -> Any:
    """The graph of objects in a workload: base64 of its length in 8 bytes and its JSON."""
    return json.loads(base64.b64decode(json.loads(line)[1])[8:])


def _compact(line: str) -> str:
    """A workload's line without the white space in its JSON, which is most of it."""
    text = _text(_graph(line)).encode()
    encoded = base64.b64encode(len(text).to_bytes(8, "little") + text).decode("ascii")
    return _text([json.loads(line)[0], encoded])


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
