"""``tvm-tiny tune``: look for faster schedules of a model's layers."""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvm_tiny.commands.options import add_model, add_tracker, opened_board, read_model
from tvm_tiny.commands.progress import Progress
from tvm_tiny.commands.verb import Verb, say, write_file, write_json

if TYPE_CHECKING:
    from tvm_tiny.board.base import Board

SEARCH, MODEL = "search.png", "cost_model.png"
"""The pictures that a run leaves in the database's folder."""


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument(
        "--board",
        metavar="BOARD",
        default="mps2-an386",
        help="where to measure; `tvm-tiny boards` lists them (default: %(default)s)",
    )
    parser.add_argument("--target", metavar="TARGET", help="the core; `tvm-tiny targets` lists them (default: that of the board)")
    parser.add_argument("--database", metavar="DIR", type=Path, required=True, help="where records and journal are kept")
    parser.add_argument("--trials", metavar="N", type=int, default=64, help="candidates for each different layer (default: 64)")
    parser.add_argument("--layers", metavar="PATTERN", default="*", help="which layers or operators, with * and ? (default: all)")
    parser.add_argument(
        "--search", metavar="xgboost|random", default="xgboost", help="led by a cost model, or at random (default: xgboost)"
    )
    parser.add_argument("--optimize", metavar="speed|size|ram", default="speed", help="as for compile (default: speed)")
    parser.add_argument(
        "--scratch", metavar="BYTES", help="working memory that a layer may take beyond the default's (default: 8192; on an NPU 0)"
    )
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="of the search and of the inputs (default: 0)")
    parser.add_argument("--timeout", metavar="SECONDS", type=float, default=30.0, help="after which candidates hang (default: 30)")
    add_tracker(parser)


def _run(options: argparse.Namespace) -> None:
    from tvm_tiny import api
    from tvm_tiny.memory.options import parse_bytes
    from tvm_tiny.tune.summary import save_summary

    with Progress() as progress:
        boards = _boards(options)
        model = read_model(options.model, progress)
        result = api.tune(
            model,
            board=boards,
            database=options.database,
            trials=options.trials,
            target=options.target,
            optimize=options.optimize,
            layers=options.layers,
            search=options.search,
            seed=options.seed,
            scratch=None if options.scratch is None else parse_bytes(options.scratch),
            timeout=options.timeout,
            progress=progress,
        )
        report = result.report()
        save_summary(options.database, report)
        pictures = _draw(report, options.database)
    write_json(options, {**report, "pictures": [str(path) for path in pictures]})

    from tvm_tiny.report.tuning import failures_text, tuning_text

    told = f"The records are in {options.database}" + "".join(f", {path.name}" for path in pictures)
    heading = f"{result.model} for {result.target} on {result.board}, {result.compiler}"
    say(options, heading, tuning_text(result), failures_text(result), told)


def _boards(options: argparse.Namespace) -> Sequence[Board]:
    """The board, or all of its name that a farm shares."""
    if options.tracker is None:
        return [opened_board(options.board, options)]
    from tvm_tiny.farm import Address, boards_of

    return boards_of(Address.parse(options.tracker), options.board)


def _draw(report: Mapping[str, Any], folder: Path) -> list[Path]:
    """The pictures; none where there is nothing to draw them with."""
    if importlib.util.find_spec("matplotlib") is None:
        return []
    from tvm_tiny.report.tuning_plots import cost_model_png, search_png

    drawn = {folder / SEARCH: search_png(report), folder / MODEL: cost_model_png(report)}
    for path, data in drawn.items():
        write_file(path, data, "--database")
    return list(drawn)


VERB = Verb(
    "tune",
    "look for faster schedules by measuring them",
    (
        "tvm-tiny tune kws.tflite --board mps2-an386 --trials 64 --database db",
        "tvm-tiny tune kws.tflite --board mps2-an386 --database db --layers 'conv2d*' --search random",
        "tvm-tiny tune kws.tflite --board mps2-an386 --database db --tracker localhost:9190",
        "tvm-tiny tune kws.tflite --board mps2-an505+etpu-16 --trials 256 --database db",
    ),
    _add_options,
    _run,
)
