"""``tvm-tiny profile``: what each layer of a model costs on a board."""

from __future__ import annotations

import argparse
from pathlib import Path

from tvm_tiny.commands.options import add_board, add_compilation, add_memory, add_model, add_random, add_tracker, opened_board
from tvm_tiny.commands.progress import Progress
from tvm_tiny.commands.run import compiled_model
from tvm_tiny.commands.verb import Verb, check_picture, say, write_json
from tvm_tiny.errors import BoardError


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_model(parser, "a .tflite or .onnx file, or a folder that `tvm-tiny compile` wrote")
    add_board(parser, "mps2-an386", "where to measure; `tvm-tiny boards` lists them (default: mps2-an386, a Cortex-M4)")
    add_tracker(parser)
    parser.add_argument("--plot", metavar="FILE", type=Path, help="write a bar chart as PNG")
    add_compilation(parser)
    add_memory(parser)
    add_random(parser, "number of random samples, whose mean is shown (default: 1)")


def _run(options: argparse.Namespace) -> None:
    from tvm_tiny.testing.samples import random_inputs

    board = opened_board(options.board, options)
    if options.plot is not None:
        check_picture(options.plot, "--plot")
    with Progress() as progress:
        compiled = compiled_model(options, board.target, progress)
        samples = random_inputs(compiled.inputs, 1 if options.samples is None else options.samples, options.seed or 0)
        progress(f"building and running on {board.name}")
        run = compiled.run(samples, board=board)
        if len(run.result.layers) != len(compiled.module.layers):
            reason = run.result.log.strip().splitlines()
            raise BoardError(
                f"{board.name} counted nothing by layer" + (f": {reason[0]}" if reason else ""),
                "`tvm-tiny boards` lists the emulated boards, which do; `tvm-tiny doctor` tells what they lack",
            )
        if options.plot is not None:
            from tvm_tiny.report.profile import plot_profile

            progress("drawing")
            plot_profile(run.report, options.plot)
    write_json(options, run.report)

    from tvm_tiny.report import text
    from tvm_tiny.report.npu import npu_text
    from tvm_tiny.report.profile import profile_text

    say(
        options,
        f"{compiled.module.name} for {compiled.module.target} on {board.name}\n{text.memory_text(run.report)}",
        profile_text(run.report),
        text.stages_text(run.report),
        npu_text(run.report),
        "" if options.plot is None else f"The chart is in {options.plot}",
    )


VERB = Verb(
    "profile",
    "show what each layer of a model costs on a board",
    (
        "tvm-tiny profile kws.tflite --board mps2-an386",
        "tvm-tiny profile kws.tflite --board mps3-an547 --plot kws.png --json kws.json",
    ),
    _add_options,
    _run,
)
