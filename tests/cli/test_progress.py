"""Progress on standard error."""

from __future__ import annotations

import io
import time

import pytest

from tvm_tiny.commands import progress
from tvm_tiny.commands.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the usual patience."""
    for name in ("_PATIENCE", "_FIRST_FRAME", "_FRAME"):
        monkeypatch.setattr(progress, name, getattr(progress, name) / 10)


def test_slow_steps_are_named_once_where_there_is_no_terminal():
    stream = io.StringIO()
    with Progress(stream) as step:
        step("quick")
        step("slow")
        time.sleep(0.5)
        step("quick again")
    assert stream.getvalue() == "tvm-tiny: slow ...\n"


def test_terminal_shows_the_running_step_and_is_wiped_at_the_end():
    stream = Terminal()
    with Progress(stream) as step:
        step("a long step")
        time.sleep(0.3)
        step("short")
        time.sleep(0.1)
    frames = stream.getvalue().split("\r")
    assert any("a long step (0 s)" in frame for frame in frames)
    assert any("short (0 s)" in frame and len(frame) >= len("| a long step (0 s)") for frame in frames)
    assert frames[-1] == ""
    assert frames[-2].isspace()


def test_what_is_quick_says_nothing():
    for stream in (io.StringIO(), Terminal()):
        with Progress(stream) as step:
            step("quick")
        assert stream.getvalue() == ""


def test_terminal_is_wiped_when_a_step_fails():
    stream = Terminal()

    def fail() -> None:
        with Progress(stream) as step:
            step("a step that fails")
            time.sleep(0.2)
            raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        fail()
    assert stream.getvalue().endswith(" \r")
