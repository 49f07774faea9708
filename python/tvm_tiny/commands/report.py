"""``tvm-tiny report``: all that is known of a model, as one HTML file."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tvm_tiny.commands.options import add_board, add_compilation, add_memory, add_model, add_random
from tvm_tiny.commands.progress import Progress
from tvm_tiny.commands.run import compiled_model
from tvm_tiny.commands.verb import Verb, check_picture, say, write_file, write_json
from tvm_tiny.errors import TargetError


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_model(parser, "a .tflite or .onnx file, or a folder that `tvm-tiny compile` wrote")
    parser.add_argument("--output", metavar="FILE", type=Path, required=True, help="the HTML file; it needs no other file")
    add_board(parser, None, "measure there, so that the report has the layers' costs; `tvm-tiny boards` lists them")
    add_compilation(parser)
    add_memory(parser)
    add_random(parser, "number of random samples, whose mean cost is shown (default: 1)")


def _run(options: argparse.Namespace) -> None:
    from tvm_tiny.board import get_board
    from tvm_tiny.report.html import html_report
    from tvm_tiny.testing.samples import random_inputs

    check_picture(options.output, "--output")
    board = None if options.board is None else get_board(options.board)
    if board is None and options.target is None and not options.model.is_dir():
        raise TargetError("no target is given: expected --target or --board", "`tvm-tiny targets` and `tvm-tiny boards` list them")
    with Progress() as progress:
        compiled = compiled_model(options, options.target if board is None else board.target, progress)
        report = compiled.report
        if board is not None:
            progress(f"building and running on {board.name}")
            samples = random_inputs(compiled.inputs, 1 if options.samples is None else options.samples, options.seed or 0)
            report = compiled.run(samples, board=board).report
        progress("drawing")
        page = html_report(report, _tuning(options.database, report))
        write_file(options.output, page.encode(), "--output")
    write_json(options, report)
    say(options, f"The report is in {options.output}")


def _tuning(database: Path | None, report: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The run that has filled ``database`` for this model and core."""
    from tvm_tiny.tune.summary import load_summary

    return None if database is None else load_summary(Path(database), report["model"], report["target"])


VERB = Verb(
    "report",
    "write a model's sizes, memory map and layers as HTML",
    (
        "tvm-tiny report kws.tflite --target cortex-m4 --output kws.html",
        "tvm-tiny report kws.tflite --board mps2-an386 --output kws.html",
        "tvm-tiny report kws.tflite --board mps2-an386 --database db --output kws.html",
    ),
    _add_options,
    _run,
)
