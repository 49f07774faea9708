"""What users ask of the memory plan."""

from __future__ import annotations

import pytest

from tvm_tiny.errors import TargetError
from tvm_tiny.memory.native import algorithms
from tvm_tiny.memory.options import PLANNERS, Memory, parse_bytes


def test_the_planners_are_those_of_the_library() -> None:
    assert algorithms() == PLANNERS


@pytest.mark.parametrize(
    ("text", "count"), [("49152", 49152), ("48k", 49152), ("48 KiB", 49152), ("1M", 1 << 20), ("16_384", 16384), ("0", 0)]
)
def test_bytes(text: str, count: int) -> None:
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "k", "-5", "1.5k", "lots", "12q"])
def test_what_is_no_number_of_bytes(text: str) -> None:
    with pytest.raises(TargetError, match="no number of bytes"):
        parse_bytes(text)


def test_unknown_options_are_refused() -> None:
    with pytest.raises(TargetError, match="planner is 'fast': expected one of exact, hill-climb"):
        Memory(planner="fast")
    with pytest.raises(TargetError, match="expected a number of bytes"):
        Memory(limit=-1)
