"""Pools and pins as users write them: on the command line, or in a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tvm_tiny.errors import InputError, TargetError
from tvm_tiny.memory.options import parse_bytes
from tvm_tiny.memory.pools import Pool


def parse_pool(text: str) -> Pool:
    """A pool of "name", "name:64k" or "name:64k:cost=2".

    Raises
    ------
    TargetError
        It is written otherwise.
    """
    name, *facts = text.split(":")
    size, cost = None, 0
    for fact in facts:
        key, given, value = fact.partition("=")
        if not given:
            size = parse_bytes(fact)
        elif key == "cost" and value.isascii() and value.isdigit():
            cost = int(value)
        else:
            raise TargetError(f"--pool {text}: {fact!r} is neither bytes nor a cost", "write NAME:BYTES or NAME:BYTES:cost=N")
    return Pool(name, size, cost)


def parse_pins(texts: Sequence[str]) -> dict[str, str]:
    """{"name": "pool"} of "name=pool".

    Raises
    ------
    TargetError
        One is written otherwise.
    """
    pins = {}
    for text in texts:
        name, given, pool = text.rpartition("=")
        if not given or not name:
            raise TargetError(f"--pin {text}: expected NAME=POOL")
        pins[name] = pool
    return pins


def read_pools(path: Path) -> tuple[tuple[Pool, ...], dict[str, str]]:
    """The pools and pins of a TOML file: tables [pool.NAME] with size and cost, and a table [pin] of names and pools.

    Raises
    ------
    InputError
        The file is missing, not TOML, or says something else.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a TOML file: {error}") from None
    if unknown := sorted(set(table) - {"pool", "pin"}):
        raise InputError(f"{path}: unknown key {unknown[0]!r}; expected tables [pool.NAME] and [pin]")
    return tuple(_pool(path, name, facts) for name, facts in table.get("pool", {}).items()), _pins(path, table.get("pin", {}))


def _pool(path: Path, name: str, facts: Any) -> Pool:
    if not isinstance(facts, dict) or set(facts) - {"size", "cost"}:
        raise InputError(f"{path}: [pool.{name}] may have size and cost, and nothing else")
    size, cost = facts.get("size"), facts.get("cost", 0)
    if isinstance(size, str):
        size = parse_bytes(size)
    if type(cost) is not int or not (size is None or type(size) is int):
        raise InputError(f"{path}: size and cost of [pool.{name}] must be whole numbers; a size may be written as '64k'")
    return Pool(name, size, cost)


def _pins(path: Path, table: Any) -> dict[str, str]:
    if not isinstance(table, dict) or not all(isinstance(pool, str) for pool in table.values()):
        raise InputError(f"{path}: [pin] must have lines NAME = 'POOL'")
    return dict(table)
