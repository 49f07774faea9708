"""``tvm-tiny doctor``: what is wrong with this machine or this installation, and how to mend it."""

from __future__ import annotations

import argparse
import dataclasses

from tvm_tiny.commands.checks import CHECKS, Check
from tvm_tiny.commands.progress import Progress
from tvm_tiny.commands.verb import Verb, say, write_json
from tvm_tiny.errors import ToolchainError
from tvm_tiny.report.table import text_table


def _state(check: Check) -> str:
    return "ok" if check.ok else "FAILS" if check.stands_in_the_way else "missing"


def _mends(checks: list[Check]) -> str:
    lines = []
    for check in checks:
        if not check.ok:
            lines.append(f"{check.name}: {check.mend}" + (f" (needed only for {check.purpose})" if check.purpose else ""))
    return "To mend:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""


def _run(options: argparse.Namespace) -> None:
    checks = []
    with Progress() as progress:
        progress("looking at this machine")
        checks = [check() for check in CHECKS]
    in_the_way = [check for check in checks if check.stands_in_the_way]
    write_json(options, {"ok": not in_the_way, "checks": [dataclasses.asdict(check) for check in checks]})
    say(
        options,
        text_table(["", "what", "found"], [(_state(check), check.name, check.detail) for check in checks]),
        _mends(checks),
        "" if in_the_way else "All that the demo needs is there.",
    )
    if in_the_way:
        names = ", ".join(check.name for check in in_the_way)
        raise ToolchainError(f"{len(in_the_way)} of {len(checks)} checks failed that the demo needs: {names}")


VERB = Verb(
    "doctor",
    "tell what is missing on this machine, and how to mend it",
    ("tvm-tiny doctor", "tvm-tiny doctor --json -"),
    lambda _parser: None,
    _run,
)
