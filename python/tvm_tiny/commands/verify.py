"""``tvm-tiny verify``: a compiled model against the reference interpreter of its format, or against recorded outputs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvm_tiny.commands.options import (
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
from tvm_tiny.errors import InputError, MismatchError

if TYPE_CHECKING:
    import numpy as np

    from tvm_tiny.model import Model, TensorSpec
    from tvm_tiny.verification import Verification

_SAMPLES = 20


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_board(parser, "host", "where to run; `tvm-tiny boards` lists them (default: host, this machine)")
    add_tracker(parser)
    add_random(parser, f"number of random samples (default: {_SAMPLES}), or of samples of --golden (default: all)")
    parser.add_argument(
        "--layers", action="store_true", help="compare every inner tensor that both sides have, not only the outputs"
    )
    parser.add_argument(
        "--golden", metavar="FILE", type=Path, help=".npz with arrays `inputs` and `outputs`: compare with these outputs instead"
    )
    add_check_arena(parser)
    add_compilation(parser, rounding="litert against the interpreter, tflite-micro against --golden")
    add_memory(parser)


def _run(options: argparse.Namespace) -> None:
    if options.golden is not None and options.seed is not None:
        raise InputError("--seed is for random inputs", "leave it out where there is --golden")
    from tvm_tiny import api

    board = opened_board(options.board, options)  # an unknown one is told before the model is read
    with findings_written(options), Progress() as progress:
        model = read_model(options.model, progress)
        verification = api.verify(
            model,
            board=board,
            samples=_SAMPLES if options.samples is None else options.samples,
            seed=options.seed or 0,
            layers=options.layers,
            check_arena=options.check_arena,
            target=options.target,
            progress=progress,
            **chosen(options),
            **({} if options.golden is None else _golden(options.golden, model, options.samples)),
        )
    report = verification.report()
    write_json(options, report)

    from tvm_tiny.report import text
    from tvm_tiny.report.npu import on_core_text

    say(
        options,
        text.comparisons_text(report["tensors"]),
        text.float_layers_text(report),
        on_core_text(report),
        _verdict(verification, options),
        text.arena_check_text(report),
        text.memory_text(report),
    )
    if not verification.passed:
        raise _mismatch(verification, report["tensors"], options)


def _verdict(verification: Verification, options: argparse.Namespace) -> str:
    elements = sum(each.elements for each in (*verification.outputs, *verification.layers))
    return (
        f"{verification.mismatches:,} mismatches in {elements:,} elements of {verification.samples:,} samples on {options.board}, "
        f"against {verification.reference if options.golden is None else options.golden}"
    )


def _mismatch(verification: Verification, tensors: Sequence[dict[str, Any]], options: argparse.Namespace) -> MismatchError:
    wrong = [each for each in tensors if each["mismatches"]]
    first = next((each for each in wrong if each["layer"]), wrong[0])
    where = (
        f"the first layer that differs is {first['layer']!r} (tensor {first['tensor']!r})"
        if first["layer"]
        else f"output {first['tensor']!r}"
    )
    count, largest = verification.mismatches, verification.max_abs_diff
    return MismatchError(
        f"{count:,} elements differ from {verification.reference}, by up to {largest:g}: {where}",
        "" if options.layers else "--layers tells which layer is the first that differs",
    )


def _golden(path: Path, model: Model, limit: int | None) -> dict[str, Any]:
    """The inputs and expected outputs that ``path`` recorded, as keyword arguments of the API."""
    from tvm_tiny.commands.samples import load_npz, split_samples

    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise InputError(
            f"--golden is for models of one input and one output; this one has {len(model.inputs)} and {len(model.outputs)}"
        )
    arrays = load_npz(path)
    if missing := [name for name in ("inputs", "outputs") if name not in arrays]:
        raise InputError(
            f"{path}: no array {missing[0]!r}: it has {', '.join(arrays) or 'none'}", "golden files have inputs and outputs"
        )
    inputs = _of_dtype(path, model.inputs[0], split_samples(model.inputs[0], arrays["inputs"], str(path)))
    outputs = _of_dtype(path, model.outputs[0], split_samples(model.outputs[0], arrays["outputs"], str(path)))
    if len(inputs) != len(outputs):
        raise InputError(f"{path}: {len(inputs)} inputs and {len(outputs)} outputs: expected as many of both")
    count = len(inputs) if limit is None else limit
    if not 1 <= count <= len(inputs):
        raise InputError(f"{count} samples were asked for: {path} has {len(inputs)}")
    return {
        "inputs": [{model.inputs[0].name: each} for each in inputs[:count]],
        "expected": [{model.outputs[0].name: each} for each in outputs[:count]],
    }


def _of_dtype(path: Path, spec: TensorSpec, arrays: list[np.ndarray]) -> list[np.ndarray]:
    if str(arrays[0].dtype) != spec.dtype:
        raise InputError(f"{path}: the recorded values of {spec.name!r} are {arrays[0].dtype}: expected {spec.dtype}")
    return arrays


VERB = Verb(
    "verify",
    "compare a compiled model with its reference interpreter",
    (
        "tvm-tiny verify kws.tflite --board mps2-an386 --samples 20",
        "tvm-tiny verify kws.tflite --layers",
        "tvm-tiny verify kws.tflite --board mps2-an386 --check-arena",
        "tvm-tiny verify ad.tflite --board mps2-an386 --golden ad.npz",
    ),
    _add_options,
    _run,
)
