"""Pools as users write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tvm_tiny.errors import InputError, TargetError
from tvm_tiny.memory.pool_options import parse_pins, parse_pool, read_pools
from tvm_tiny.memory.pools import Pool


@pytest.mark.parametrize(
    ("text", "pool"),
    [
        ("dtcm:65536", Pool("dtcm", 65536)),
        ("sram:256k:cost=2", Pool("sram", 256 * 1024, 2)),
        ("psram:cost=9", Pool("psram", None, 9)),
        ("ram", Pool("ram")),
    ],
)
def test_pools(text: str, pool: Pool) -> None:
    assert parse_pool(text) == pool


@pytest.mark.parametrize("text", ["dtcm:many", "dtcm:1k:price=2", "dtcm:1k:cost=-1", "DTCM:1k", ":1k"])
def test_what_is_no_pool(text: str) -> None:
    with pytest.raises(TargetError):
        parse_pool(text)


def test_pins() -> None:
    assert parse_pins(["conv2d_0=dtcm", "model/a=b;c=sram"]) == {"conv2d_0": "dtcm", "model/a=b;c": "sram"}
    with pytest.raises(TargetError, match="expected NAME=POOL"):
        parse_pins(["conv2d_0"])


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "pools.toml"
    path.write_text('[pool.dtcm]\nsize = "64k"\n[pool.sram]\nsize = 1000\ncost = 3\n[pin]\nconv2d_0 = "dtcm"\n')
    assert read_pools(path) == ((Pool("dtcm", 65536), Pool("sram", 1000, 3)), {"conv2d_0": "dtcm"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[pool.dtcm\n", "not a TOML file"),
        ("[memory]\n", "unknown key 'memory'"),
        ("[pool.dtcm]\nspeed = 1\n", "may have size and cost"),
        ("[pool.dtcm]\nsize = 1.5\n", "must be whole numbers"),
        ("[pin]\nconv = 1\n", "must have lines NAME = 'POOL'"),
    ],
)
def test_a_file_that_says_something_else(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "pools.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_pools(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_pools(tmp_path / "pools.toml")
