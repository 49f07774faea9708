"""``tvm-tiny quantize``: a float ONNX model and typical inputs → an int8 model."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tvm_tiny.commands.progress import Progress
from tvm_tiny.commands.verb import Verb, check_file, say, write_file, write_json
from tvm_tiny.errors import InputError
from tvm_tiny.report.table import fields_text

if TYPE_CHECKING:
    import numpy as np


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", type=Path, help="an .onnx file with float32 inputs")
    parser.add_argument(
        "--calibration",
        metavar="FILE",
        type=Path,
        required=True,
        help="typical inputs, prepared as in training: .npz with arrays named as the inputs, or .npy; "
        "the first axis is that of the samples, in the place of the batch",
    )
    parser.add_argument("--output", metavar="FILE", type=Path, required=True, help="write the int8 model there")
    parser.add_argument("--activations", metavar="int8|uint8", default="int8", help="dtype of activations (default: int8)")
    parser.add_argument("--per-tensor", action="store_true", help="one scale for each weight, not one for each of its channels")


def _run(options: argparse.Namespace) -> None:
    check_file(options.output, "--output")
    from tvm_tiny.commands.samples import load_arrays

    calibration = load_arrays(options.calibration)
    with Progress() as progress:
        progress("calibrating and quantising")
        from tvm_tiny.quantize.onnx import quantize

        data, count = _calibration(calibration, options.calibration)
        model = quantize(options.model, data, per_channel=not options.per_tensor, activations=options.activations)
    write_file(options.output, model, "--output")
    report = {"model": str(options.model), "output": str(options.output), "bytes": len(model), "samples": count}
    write_json(options, report)
    written = ("model", f"{len(model):,} bytes", f"in {options.output}")
    say(options, fields_text([written, ("calibrated on", count, "samples")], indent=""))


def _calibration(loaded: np.ndarray | Mapping[str, np.ndarray], path: Path) -> tuple[np.ndarray | list[dict[str, np.ndarray]], int]:
    """What the quantiser takes, and the number of samples."""
    import numpy as np

    arrays = {"": loaded} if isinstance(loaded, np.ndarray) else loaded
    if not arrays or any(array.ndim == 0 for array in arrays.values()):
        raise InputError(f"{path}: expected arrays whose first axis is that of the samples")
    counts = {len(array) for array in arrays.values()}
    if len(counts) > 1:
        found = ", ".join(f"{name} {len(array)}" for name, array in arrays.items())
        raise InputError(f"{path}: the arrays have different numbers of samples: {found}")
    count = counts.pop()
    if len(arrays) == 1:
        return next(iter(arrays.values())), count
    return [{name: array[index : index + 1] for name, array in arrays.items()} for index in range(count)], count


VERB = Verb(
    "quantize",
    "make an int8 model of a float ONNX model",
    (
        "tvm-tiny quantize net.onnx --calibration images.npz --output net_int8.onnx",
        "tvm-tiny quantize net.onnx --calibration images.npy --output net_int8.onnx --activations uint8 --per-tensor",
    ),
    _add_options,
    _run,
)
