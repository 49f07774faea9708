"""Faster schedules, found by measuring: MetaSchedule's search, on boards, into a database that `compile` reads."""

from __future__ import annotations

DEFAULT_COMPILER = "gcc-12"
"""Whose records `compile` uses unless told otherwise. It is not looked up, so that the C is the same on every machine."""
