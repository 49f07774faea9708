"""``tvm-tiny doctor``: what is wrong with this machine, or what of a model runs slower than it could, and why."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

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


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        metavar="MODEL",
        type=Path,
        nargs="?",
        help="a .tflite or .onnx file: tell where its operators run, and why",
    )
    parser.add_argument("--target", metavar="T", default="c", help="what to look at the model for (default: c)")


def _run(options: argparse.Namespace) -> None:
    if options.model is None:
        _look_at_machine(options)
    else:
        _look_at_model(options)


def _look_at_model(options: argparse.Namespace) -> None:
    """Where the operators of a model run, and the reasons of those that run in float32 or on the core beside an NPU."""
    from tvm_tiny import api
    from tvm_tiny.report.npu import npu_text, on_core_text
    from tvm_tiny.report.text import float_layers_text

    with Progress() as progress:
        report = api.compile(options.model, target=options.target, progress=progress).report
    on_npu = len(report["npu"]["layers"]) if report["npu"] else 0
    write_json(
        options,
        {
            "model": report["model"],
            "target": report["target"],
            "on_core": report["on_core"],
            "float_layers": report["float_layers"],
            "npu_layers": [layer["name"] for layer in report["npu"]["layers"]] if on_npu else [],
        },
    )
    reasons = [text for text in (on_core_text(report), float_layers_text(report)) if text]
    say(options, npu_text(report), *(reasons or ["Every operator runs in integer arithmetic, where the target is best at it."]))


def _look_at_machine(options: argparse.Namespace) -> None:
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
    "tell what is missing on this machine, or what of a model runs slower than it could, and why",
    ("tvm-tiny doctor", "tvm-tiny doctor --json -", "tvm-tiny doctor kws.tflite --target cortex-m33+etpu-16"),
    _add_options,
    _run,
)
