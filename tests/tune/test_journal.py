from __future__ import annotations

from pathlib import Path

from tvm_tiny.schedule.implementation import Decision
from tvm_tiny.tune.journal import Entry, Journal, read_entries
from tvm_tiny.tune.measure import Outcome

ONE = Entry("w", "board", Decision("gemm", {"rows": 2}), Outcome("ok", 100, 90), grows=4, constants=8)
TWO = Entry("w", "board", Decision("gemm", {"rows": 3}), Outcome("hang", message='it "hangs"\nbadly'))


def journal_of(folder: Path, *entries: Entry) -> Path:
    journal = Journal(folder)
    for entry in entries:
        journal.add(entry)
    journal.close()
    return journal.path


def test_what_was_measured_is_there_again(tmp_path: Path) -> None:
    journal_of(tmp_path, ONE, TWO)
    again = Journal(tmp_path)
    assert again.find("w", "board", Decision("gemm", {"rows": 2})) == ONE
    assert again.of("w", "board") == [ONE, TWO]
    assert again.find("w", "another board", ONE.decision) is None
    assert again.find("another", "board", ONE.decision) is None
    assert again.find("w", "board", Decision("gemm", {"rows": 4})) is None


def test_any_torn_end_costs_the_torn_line_only(tmp_path: Path) -> None:
    path = journal_of(tmp_path, ONE, TWO)
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        kept = [ONE] if end >= first - 1 else []
        assert list(read_entries(path)) == kept + ([TWO] if end >= len(whole) - 1 else [])
        journal_of(tmp_path, TWO)
        assert list(read_entries(path))[: len(kept) + 1] == [*kept, TWO], "what follows is on a line of its own"


def test_garbage_is_passed_over(tmp_path: Path) -> None:
    path = journal_of(tmp_path, ONE)
    path.write_bytes(b"\xff\x00garbage\n[1]\n{}\n" + path.read_bytes() + b'{"workload": 1, "status": "fine"}\n')
    assert list(read_entries(path)) == [ONE]
