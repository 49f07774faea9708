"""What the last run on each model and core has found, kept beside the database for reports: ``tuning.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tvm_tiny.errors import OutputError

FILE = "tuning.json"


def save_summary(folder: Path, report: Mapping[str, Any]) -> None:
    """Keep ``report``, of :meth:`tvm_tiny.tune.result.TuningResult.report`, in place of an earlier one of its model and core.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    known = {**_read(folder), _key(report["model"], report["target"]): report}
    try:
        (folder / FILE).write_text(json.dumps(known, separators=(",", ":")) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{folder / FILE} cannot be written: {error.strerror or error}", "make room") from error


def load_summary(folder: Path, model: str, target: str) -> Mapping[str, Any] | None:
    """The report of the last run on ``model`` for ``target``; None if there is none."""
    return _read(folder).get(_key(model, target))


def _key(model: str, target: str) -> str:
    return f"{model} {target}"


def _read(folder: Path) -> dict[str, Any]:
    try:
        known = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # nothing depends on it: a damaged one is replaced by the next run
        return {}
    return known if isinstance(known, dict) else {}
