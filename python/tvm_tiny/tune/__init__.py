"""Faster schedules, found by measuring: MetaSchedule's search, on boards, into a database that `compile` reads."""

from __future__ import annotations

DEFAULT_COMPILER = "gcc-12"
"""Whose records `compile` uses unless told otherwise. It is not looked up, so that the C is the same on every machine."""

DEFAULT_SCRATCH = 8192
"""Bytes of working memory that a layer may take beyond its default's, as in the records that come with the package: most plans keep
their size, since the peak is at another layer, or grow by the columns of one more pixel."""
