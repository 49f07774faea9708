"""The records that come with the package: they are whole, gain something, and keep the models within their limits."""

from __future__ import annotations

from pathlib import Path

import pytest

import tvm_tiny
from tvm_tiny.board import get_board
from tvm_tiny.tune.database import load_database
from tvm_tiny.tune.decide import shipped_folder
from tvm_tiny.tune.ship import BOARDS, pack
from tvm_tiny.tune.workload import SCHEDULE_VERSION

ARENAS = {"kws": 9_216, "vww": 38_000, "ic": 35_500, "ad": 768}
CODE = 25_000


@pytest.mark.parametrize("core", BOARDS)
def test_shipped_records_are_of_this_version_and_gain_something(core: str) -> None:
    for each in load_database(shipped_folder(core)).values():
        assert each.facts["version"] == SCHEDULE_VERSION, "renew them: python -m tvm_tiny.tune.ship"
        assert each.facts["core"]["name"] == core
        assert each.best is not None
        assert each.ratio < 1


def test_packing_is_the_same_each_time(tmp_path: Path) -> None:
    known = load_database(shipped_folder("cortex-m4"))
    for folder in (tmp_path / "a", tmp_path / "b"):
        pack(folder, known)
    files = [sorted((path.name, path.read_bytes()) for path in (tmp_path / name).iterdir()) for name in "ab"]
    assert files[0] == files[1]
    assert load_database(tmp_path / "a") == known


@pytest.mark.models
@pytest.mark.parametrize("name", ARENAS)
def test_models_with_shipped_records_stay_within_their_limits(name: str, models_dir: Path) -> None:
    compiled = tvm_tiny.compile(models_dir / f"{name}.tflite", target="cortex-m4")
    assert compiled.report["ram"]["arena"] <= ARENAS[name]
    code = get_board("mps2-an386").build(compiled.module).code_size
    assert code is not None
    assert code <= CODE


@pytest.mark.models
@pytest.mark.parametrize("core", BOARDS)
@pytest.mark.parametrize("name", ARENAS)
def test_shipped_records_take_at_most_a_tenth_more_flash_for_weights(name: str, core: str, models_dir: Path) -> None:
    tuned, default = (
        tvm_tiny.compile(models_dir / f"{name}.tflite", target=core, database=database).report["flash"]["weights"]
        for database in (None, "none")
    )
    assert tuned <= 1.1 * default
