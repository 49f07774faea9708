"""``tvm-tiny bench``: models times boards."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvm_tiny.commands.options import add_compilation, add_memory, add_random, add_tracker, chosen, opened_board, read_model
from tvm_tiny.commands.progress import Progress
from tvm_tiny.commands.verb import Verb, say, write_json
from tvm_tiny.errors import TinyError
from tvm_tiny.target import get_target

if TYPE_CHECKING:
    from tvm_tiny.board.base import Board

_BOARD = "mps2-an386"


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("models", metavar="MODEL", type=Path, nargs="+", help=".tflite or .onnx files")
    parser.add_argument(
        "--board",
        metavar="BOARD",
        action="append",
        help=f"where to measure; give it several times for several boards (default: {_BOARD}, a Cortex-M4)",
    )
    add_tracker(parser)
    add_compilation(parser)
    add_memory(parser)
    add_random(parser, "number of random samples, whose mean is shown (default: 1)")


def _run(options: argparse.Namespace) -> None:
    boards = [opened_board(name, options) for name in dict.fromkeys(options.board or [_BOARD])]
    if options.target is not None:
        get_target(options.target)
    reports: list[dict[str, Any]] = []
    failures: list[tuple[str, TinyError]] = []
    with Progress() as progress:
        for model in options.models:
            for result in _measure(model, boards, options, progress):
                if isinstance(result, dict):
                    reports.append(result)
                else:
                    failures.append(result)
    write_json(options, {"results": reports})

    from tvm_tiny.report import text

    say(options, text.bench_text(reports) if reports else "nothing was measured")
    if failures:
        raise _all_in_one(failures, len(reports))


def _measure(
    path: Path, boards: list[Board], options: argparse.Namespace, progress: Progress
) -> Iterator[dict[str, Any] | tuple[str, TinyError]]:
    """For each board the report, or what failed and why; one failure does not keep the others back."""
    from tvm_tiny import api
    from tvm_tiny.testing.samples import random_inputs

    try:
        source = read_model(path, progress)
    except TinyError as error:
        yield str(path), error
        return
    compiled: dict[str, api.CompiledModel] = {}
    for board in boards:
        target = options.target or board.target
        try:
            if target not in compiled:
                compiled[target] = api.compile(
                    source, target=target, progress=lambda step: progress(f"{path}: {step}"), **chosen(options)
                )
            progress(f"{path}: building and running on {board.name}")
            model = compiled[target]
            samples = random_inputs(model.inputs, 1 if options.samples is None else options.samples, options.seed or 0)
            yield model.run(samples, board=board).report
        except TinyError as error:
            yield f"{path} on {board.name}", error


def _all_in_one(failures: list[tuple[str, TinyError]], measured: int) -> TinyError:
    """One error for all of them, of the first one's class."""
    lines = "\n".join(f"  {what}: {error.message}" for what, error in failures)
    first = failures[0][1]
    error = TinyError(f"{len(failures)} of {len(failures) + measured} could not be measured:\n{lines}", first.hint)
    error.exit_code = first.exit_code
    return error


VERB = Verb(
    "bench",
    "measure models on boards",
    (
        "tvm-tiny bench kws.tflite vww.tflite --board mps2-an386",
        "tvm-tiny bench kws.tflite --board mps2-an386 --board mps2-an500 --board mps2-an505 --board mps3-an547 --json bench.json",
        "tvm-tiny bench kws.tflite --board mps2-an386 --target cortex-m3 --optimize size",
    ),
    _add_options,
    _run,
)
