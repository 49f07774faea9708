from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from tvm_tiny.errors import DatabaseError
from tvm_tiny.schedule.implementation import Decision, Implementation
from tvm_tiny.target import get_core, tvm_target
from tvm_tiny.tune import database as room
from tvm_tiny.tune import decide as decide_room
from tvm_tiny.tune import workload as workload_room
from tvm_tiny.tune.database import load_database, merge_into, merged, prune, require_database, save_database, tuned
from tvm_tiny.tune.decide import Decisions
from tvm_tiny.tune.workload import Workload, workload_of

from .conftest import M4, convolution

pytestmark = pytest.mark.usefixtures("faulty")
BETTER = Decision("faulty", {"turns": 4, "fault": 0})


def workload(compiler: str = "gcc-12", **shape: int) -> Workload:
    return workload_of(convolution(**shape), M4, compiler=compiler)


def written(folder: Path, *ratios: float, channels: int = 4) -> Path:
    found = [tuned(workload(channels=channels + index), 1000.0, (BETTER, 1000.0 * ratio)) for index, ratio in enumerate(ratios)]
    save_database(folder, found)
    return folder


def test_what_was_written_is_read(tmp_path: Path) -> None:
    one, two = tuned(workload(), 1000.0, (BETTER, 800.0)), tuned(workload(channels=5), 500.0, None)
    save_database(tmp_path, [one, two])
    found = load_database(tmp_path)
    assert found == {one.key: one, two.key: two}
    assert found[workload().key].best is not None
    assert found[workload().key].best.decision == BETTER
    assert found[two.key].best is None
    assert found[two.key].facts["output"][2] == [1, 6, 6, 5]


def test_tvm_opens_it_and_finds_the_record(tmp_path: Path) -> None:
    from tvm.s_tir.meta_schedule.database import JSONDatabase

    save_database(tmp_path, [tuned(workload(), 1000.0, (BETTER, 800.0))])
    record = JSONDatabase(work_dir=str(tmp_path)).query_tuning_record(workload().module(), tvm_target(M4), "main")
    assert [float(seconds) for seconds in record.run_secs] == [pytest.approx(800e-6)]


def test_compilation_gets_the_decision_for_its_core_only(tmp_path: Path) -> None:
    known = load_database(written(tmp_path, 0.8))
    assert Decisions([known])(convolution(seed=4, zero_point=9), M4) == BETTER
    assert Decisions([known])(convolution(channels=9), M4) is None
    assert Decisions([known])(convolution(), get_core("cortex-m7")) is None
    assert Decisions([known], optimize="size")(convolution(), M4) is None


def test_records_of_another_compiler_are_told_and_not_used(tmp_path: Path) -> None:
    known = load_database(written(tmp_path, 0.8))
    decisions = Decisions([known], compiler="gcc-14")
    assert decisions(convolution(), M4) is None
    assert decisions.remarks == ["the database has records for gcc-12 only, and none for gcc-14"]
    unknown = Decisions([known], compiler="gcc-14")
    assert unknown(convolution(channels=9), M4) is None
    assert not unknown.remarks


def test_a_record_that_is_no_better_than_the_default_decides_nothing() -> None:
    same = tuned(workload(), 1000.0, (workload().default, 1000.0))
    assert Decisions([{same.key: same}])(convolution(), M4) is None


def test_the_first_database_is_preferred(tmp_path: Path) -> None:
    other = Decision("scalar", {})
    own = tuned(workload(), 1000.0, (other, 990.0))
    assert Decisions([{own.key: own}, load_database(written(tmp_path, 0.5))])(convolution(), M4) == other


def test_merging_keeps_what_gains_most(tmp_path: Path) -> None:
    a, b = written(tmp_path / "a", 0.8, 0.7), written(tmp_path / "b", 0.6, 0.9, 0.5)
    known = merge_into(a, [b])
    assert [round(each.ratio, 3) for each in known.values()] == [0.6, 0.7, 0.5]
    assert load_database(a) == known
    assert merged([load_database(b), load_database(a)]).keys() == known.keys()
    assert len(load_database(b)) == 3, "the other one stays as it is"


def test_merging_into_a_new_folder(tmp_path: Path) -> None:
    merge_into(tmp_path / "new", [written(tmp_path / "a", 0.8)])
    assert len(load_database(tmp_path / "new")) == 1


def test_pruning_drops_other_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, 0.8, 0.7)
    kept, dropped = prune(tmp_path)
    assert (len(kept), dropped) == (2, 0)
    monkeypatch.setattr(room, "SCHEDULE_VERSION", room.SCHEDULE_VERSION + 1)
    kept, dropped = prune(tmp_path)
    assert (len(kept), dropped) == (0, 2)
    assert load_database(tmp_path) == {}


def test_a_folder_without_a_database(tmp_path: Path) -> None:
    assert load_database(tmp_path) == {}
    with pytest.raises(DatabaseError, match="holds no database"):
        require_database(tmp_path)


@pytest.mark.parametrize("text", ["garbage", '["1", "x"]', '["1", "eyJub2RlcyI6IFtdfQ=="]', "[]"])
def test_a_damaged_database_is_told(tmp_path: Path, text: str) -> None:
    written(tmp_path, 0.8)
    (tmp_path / room.WORKLOADS).write_text(text + "\n")
    with pytest.raises(DatabaseError, match="no database of tvm-tiny, or it is damaged"):
        load_database(tmp_path)


def test_records_of_another_version_are_told_and_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = load_database(written(tmp_path, 0.8))
    for module in (workload_room, decide_room):
        monkeypatch.setattr(module, "SCHEDULE_VERSION", 99)
    decisions = Decisions([known])
    assert decisions(convolution(), M4) is None
    assert decisions.remarks == ["the database has records of version 1 of the schedules, which is 99 now: tune again"]


def test_the_power_may_fail_at_any_moment_of_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read afterwards is the old database, the new one, or less: never a record of another workload."""
    old = [tuned(workload(channels=4 + index), 1000.0, (BETTER, 700.0 + index)) for index in range(3)]
    new = [tuned(workload(channels=9), 500.0, None), *old[1:], old[0]]  # other numbers for the same workloads
    truth = {each.key: each for each in (*old, *new)}
    replaced = os.replace
    for moment in range(4):
        save_database(tmp_path, old)
        left = moment

        def replace_or_fail(source: Path, target: Path) -> None:
            nonlocal left
            if left == 0:
                raise OSError("no power")
            left -= 1
            replaced(source, target)

        monkeypatch.setattr(os, "replace", replace_or_fail)
        with suppress(DatabaseError):
            save_database(tmp_path, new)
        monkeypatch.setattr(os, "replace", replaced)
        found = load_database(tmp_path)
        assert all(truth[key] == each for key, each in found.items())
        assert len(found) == (3 if moment == 0 else 4 if moment == 3 else 0)


def test_what_a_damaged_database_had_comes_back_from_the_journal(tmp_path: Path) -> None:
    written(tmp_path, 0.8)
    with (tmp_path / room.RECORDS).open("r+", encoding="utf-8") as file:
        file.truncate(40)
    with pytest.raises(DatabaseError, match="damaged") as caught:
        load_database(tmp_path)
    assert "the journal has what was measured" in str(caught.value.hint)


def test_a_decision_whose_values_are_gone_is_the_default_again(faulty: Implementation) -> None:
    from tvm_tiny.schedule.layer import scheduled_node

    gone = Decision("faulty", {"turns": 77, "fault": 0})
    _, used = scheduled_node(convolution(), M4, lambda _node, _core: gone)
    assert not used
    assert faulty.name == "faulty"
