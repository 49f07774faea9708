"""``tvm-tiny compile``: a model file in, C out."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tvm_tiny.commands.comparison import compare
from tvm_tiny.commands.options import add_board, add_compilation, add_memory, add_model, chosen, read_model, target_of
from tvm_tiny.commands.progress import Progress
from tvm_tiny.commands.verb import Verb, check_picture, say, write_json
from tvm_tiny.errors import OutputError

if TYPE_CHECKING:
    from tvm_tiny.compiled import CompiledModel


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_compilation(parser)
    add_memory(parser)
    add_board(parser, None, "take the target from this board, and fail if its memory is too small; `tvm-tiny boards` lists them")
    parser.add_argument("--output", metavar="DIR", type=Path, help="write the C and report.json there")
    parser.add_argument(
        "--streaming", action="store_true", help="the input's second axis is time: the C takes one frame at each call"
    )
    parser.add_argument(
        "--compare", action="store_true", help="also show what each setting of --optimize costs, measured on an emulated board"
    )
    parser.add_argument("--ram", metavar="BYTES", help="fail if the arena needs more: 49152, or 48k")
    parser.add_argument(
        "--map", metavar="FILE", help="draw the arena over time: a PNG file, or - for a map of letters on standard output"
    )
    parser.add_argument("--name", metavar="NAME", help="prefix of files and symbols (default: the file's name)")


def _run(options: argparse.Namespace) -> None:
    target = target_of(options)
    if options.output is not None:
        _check_folder(options.output)
    if options.map not in (None, "-"):
        check_picture(Path(options.map), "--map")
    from tvm_tiny import api
    from tvm_tiny.report.memory_map import memory_map_text, plot_memory_map

    with Progress() as progress:
        model = read_model(options.model, progress, options.name)
        compiled = api.compile(model, target=target, streaming=options.streaming, progress=progress, **chosen(options))
        if options.board is not None:
            _check_board(compiled, options.board)
        if options.output is not None:
            progress("writing the files")
            compiled.save(options.output)
        if options.map not in (None, "-"):
            progress("drawing")
            plot_memory_map(compiled.report, options.map)
        compared = compare(model, target, options, progress) if options.compare else []
    write_json(options, {**compiled.report, "comparison": compared} if options.compare else compiled.report)

    from tvm_tiny.report import text
    from tvm_tiny.report.npu import npu_text, on_core_text

    say(
        options,
        f"{compiled.module.name} for {compiled.module.target}\n{text.memory_text(compiled.report)}",
        text.tensors_text(compiled.inputs, compiled.outputs),
        text.layers_text(compiled.report),
        text.stages_text(compiled.report),
        npu_text(compiled.report),
        on_core_text(compiled.report),
        text.peak_text(compiled.report),
        text.float_layers_text(compiled.report),
        text.tuning_text(compiled.report),
        memory_map_text(compiled.report) if options.map == "-" else "",
        "" if options.map in (None, "-") else f"The map of the arena is in {options.map}",
        f"What each --optimize costs:\n{text.comparison_text(compared)}" if compared else "",
        _where(options.output, sorted(compiled.module.files)),
    )


def _check_board(compiled: CompiledModel, name: str) -> None:
    """The weights and the arena fit the board; what code and stack take beside them, only a build can tell."""
    from tvm_tiny.board import get_board
    from tvm_tiny.board.capacity import check_memories

    board = get_board(name)
    check_memories(compiled.module, board.name, flash=board.flash_size, ram=board.ram_size)


def _where(folder: Path | None, files: list[str]) -> str:
    if folder is None:
        return "Nothing was written: give --output DIR for the C."
    own = [name for name in files if "/" not in name]
    return f"The C is in {folder}: {', '.join(own)}"


def _check_folder(folder: Path) -> None:
    """Find out before the work that ``folder`` cannot be written; what cannot be seen beforehand, saving finds out.

    Raises
    ------
    OutputError
        It is a file, lies under one, or is not writable.
    """
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir():
        raise OutputError(f"--output {folder}: {nearest} is not a folder", "choose a folder that can be written")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise OutputError(f"--output {folder}: {nearest} cannot be written", "choose a folder that can be written")


VERB = Verb(
    "compile",
    "compile a model to C",
    (
        "tvm-tiny compile kws.tflite --target cortex-m4 --output kws",
        "tvm-tiny compile model.onnx --target cortex-m0plus --optimize size --output out --name detector",
        "tvm-tiny compile kws.tflite --target c --json -",
        "tvm-tiny compile kws.tflite --target cortex-m4 --ram 16k --map arena.png",
    ),
    _add_options,
    _run,
)
