"""``tvm-tiny package``: models in, an archive or a firmware project out."""

from __future__ import annotations

import argparse
from pathlib import Path

from tvm_tiny.commands.options import add_board, add_compilation, chosen, read_model, target_of
from tvm_tiny.commands.progress import Progress
from tvm_tiny.commands.verb import Verb, say, write_json
from tvm_tiny.errors import OutputError


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("models", metavar="MODEL", type=Path, nargs="+", help=".tflite or .onnx files")
    add_compilation(parser)
    add_board(parser, None, "take the target, and the memory of a firmware, from this board; `tvm-tiny boards` lists them")
    parser.add_argument("--format", metavar="FORMAT", required=True, help=f"one of: {'; '.join(_formats())}")
    parser.add_argument("--output", metavar="PATH", type=Path, required=True, help="the folder or archive to write")
    parser.add_argument(
        "--measure", action="store_true", help="add <model>_facts.h: code size, bound of the stack, cycles on the emulated board"
    )
    parser.add_argument("--name", metavar="NAME", help="prefix of files and symbols, for a single model (default: the file's name)")


def _formats() -> list[str]:
    from tvm_tiny.package import FORMATS

    return [f"{form.name} ({form.description})" for form in FORMATS]


def _run(options: argparse.Namespace) -> None:
    from tvm_tiny.package import get_format

    form = get_format(options.format)
    if options.name is not None and len(options.models) > 1:
        raise OutputError("--name names one model: there are several", "leave it out: each is called after its file")
    target = target_of(options)
    from tvm_tiny import api

    with Progress() as progress:
        models = [read_model(path, progress, options.name) for path in options.models]
        api.package(
            models,
            form=form.name,
            output=options.output,
            target=target,
            board=options.board,
            measure=options.measure,
            progress=progress,
            **chosen(options),
        )
    facts = {"format": form.name, "output": str(options.output), "target": target, "models": [model.name for model in models]}
    write_json(options, facts)
    say(options, f"{', '.join(facts['models'])} for {target}: {form.description}\nIt is in {options.output}.")


VERB = Verb(
    "package",
    "write models as an archive or a firmware project",
    (
        "tvm-tiny package kws.tflite --target cortex-m4 --format cmake --output firmware",
        "tvm-tiny package kws.tflite vww.tflite --target cortex-m55 --format mlf --output models.tar",
    ),
    _add_options,
    _run,
)
