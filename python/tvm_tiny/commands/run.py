"""``tvm-tiny run``: a model on a board, with what comes out and what it costs."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvm_tiny.commands.options import (
    COMPILATION,
    add_board,
    add_check_arena,
    add_compilation,
    add_memory,
    add_model,
    add_random,
    add_tracker,
    chosen,
    findings_written,
    opened_board,
    read_model,
)
from tvm_tiny.commands.progress import Progress
from tvm_tiny.commands.verb import Verb, say, write_json
from tvm_tiny.errors import InputError, TargetError

if TYPE_CHECKING:
    import numpy as np

    from tvm_tiny.compiled import CompiledModel
    from tvm_tiny.model import TensorSpec


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_model(parser, "a .tflite or .onnx file, or a folder that `tvm-tiny compile` wrote")
    add_board(parser, "host", "where to run; `tvm-tiny boards` lists them (default: host, this machine)")
    add_tracker(parser)
    parser.add_argument(
        "--input",
        metavar="FILE",
        type=Path,
        help=".npz with arrays named as the inputs, .npy, or .csv with a sample in each row; "
        "a leading axis of samples makes a batch (default: random input)",
    )
    add_compilation(parser)
    add_memory(parser)
    add_random(parser, "number of random samples (default: 1)")
    add_check_arena(parser)


def _run(options: argparse.Namespace) -> None:
    if options.input is not None and (options.samples is not None or options.seed is not None):
        raise InputError("--samples and --seed are for random inputs", "leave them out where there is an --input")
    board = opened_board(options.board, options)
    with findings_written(options), Progress() as progress:
        compiled = compiled_model(options, board.target, progress)
        samples, origin = _samples(options, compiled.inputs)
        progress(f"building and running on {board.name}")
        run = compiled.run(samples, board=board, check_arena=options.check_arena)
    write_json(options, {**run.report, "outputs": {spec.name: _stacked(spec, run.outputs) for spec in compiled.outputs}})

    from tvm_tiny.report import text

    say(
        options,
        f"{compiled.module.name} for {compiled.module.target} on {board.name}, {origin}\n{text.memory_text(run.report)}",
        text.float_layers_text(run.report),
        text.arena_check_text(run.report),
        text.outputs_text(compiled.outputs, run.outputs),
    )


def compiled_model(options: argparse.Namespace, target: str, progress: Progress) -> CompiledModel:
    """The compiled model of a folder, or one made now, for --target or else for ``target``."""
    folder: Path = options.model
    if folder.is_dir() and not (folder / "saved_model.pb").exists():  # of a SavedModel the frontend knows more to say
        given = [f"--{name}" for name in ("target", *COMPILATION) if getattr(options, name, None) is not None]
        if given:
            raise TargetError(f"{folder} is compiled already: {', '.join(given)} cannot change it", "give the model file instead")
        from tvm_tiny.compiled import CompiledModel

        return CompiledModel.load(folder)
    from tvm_tiny import api

    target = target if options.target is None else options.target
    return api.compile(read_model(folder, progress), target=target, progress=progress, **chosen(options))


def _samples(options: argparse.Namespace, specs: Sequence[TensorSpec]) -> tuple[list[dict[str, np.ndarray]], str]:
    """The inputs, and what they are."""
    if options.input is not None:
        from tvm_tiny.commands.samples import read_samples

        samples = read_samples(options.input, specs)
        return samples, f"{_count(len(samples))} of {options.input}"
    from tvm_tiny.testing.samples import random_inputs

    count, seed = 1 if options.samples is None else options.samples, options.seed or 0
    return random_inputs(specs, count, seed), f"{_count(count)} of random input (seed {seed})"


def _count(samples: int) -> str:
    return f"{samples:,} sample{'s' if samples != 1 else ''}"


def _stacked(spec: TensorSpec, outputs: Sequence[Mapping[str, np.ndarray]]) -> Any:
    """An output of all samples as nested lists. The first axis is that of the samples; a batch of 1 gives it its place."""
    import numpy as np

    arrays = [output[spec.name] for output in outputs]
    return (np.concatenate(arrays) if spec.shape[:1] == (1,) else np.stack(arrays)).tolist()


VERB = Verb(
    "run",
    "run a model on a board",
    (
        "tvm-tiny run kws.tflite --board mps2-an386",
        "tvm-tiny run kws --board mps2-an386 --input recordings.npz --json results.json",
        "tvm-tiny run model.onnx --input features.csv",
    ),
    _add_options,
    _run,
)
