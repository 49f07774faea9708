"""Compare a compiled model with the reference interpreter of its format, output by output or layer by layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tvm_tiny.board.base import Board
from tvm_tiny.codegen.sources import CModule, LayerInfo
from tvm_tiny.compiled import CompiledModel, Run
from tvm_tiny.errors import InputError
from tvm_tiny.model import Model
from tvm_tiny.testing.reference import reference_for
from tvm_tiny.testing.samples import random_inputs


@dataclass(frozen=True)
class TensorComparison:
    """One tensor over all samples. ``layer`` is the C layer that wrote it, "" for a model output."""

    tensor: str
    layer: str
    elements: int
    mismatches: int
    max_abs_diff: float

    @property
    def share(self) -> float:
        """Mismatching share of the elements."""
        return self.mismatches / self.elements if self.elements else 0.0


@dataclass(frozen=True)
class Verification:
    """Outcome of a verification.

    ``mismatches`` counts the elements of the outputs (and, with layers, of the inner tensors) that differ from the reference's.
    """

    samples: int
    reference: str
    outputs: tuple[TensorComparison, ...]
    layers: tuple[TensorComparison, ...]
    run: Run

    @property
    def mismatches(self) -> int:
        return sum(each.mismatches for each in (*self.outputs, *self.layers))

    @property
    def max_abs_diff(self) -> float:
        return max((each.max_abs_diff for each in (*self.outputs, *self.layers)), default=0.0)

    @property
    def passed(self) -> bool:
        return self.mismatches == 0

    def report(self) -> dict[str, Any]:
        """The run's report with the verification's keys."""
        diff = self.max_abs_diff
        return {
            **self.run.report,
            "samples": self.samples,
            "mismatches": self.mismatches,
            "max_abs_diff": int(diff) if float(diff).is_integer() else diff,
            "reference": self.reference,
            "tensors": [
                {
                    "tensor": each.tensor,
                    "layer": each.layer,
                    "elements": each.elements,
                    "mismatches": each.mismatches,
                    "max_abs_diff": each.max_abs_diff,
                }
                for each in (*self.outputs, *self.layers)
            ],
        }


def verify_model(
    model: Model,
    compiled: CompiledModel,
    board: Board,
    *,
    samples: int,
    seed: int,
    layers: bool,
    check_arena: bool = False,
    inputs: Sequence[Mapping[str, np.ndarray]] | None,
    expected: Sequence[Mapping[str, np.ndarray]] | None,
    progress: Callable[[str], None],
) -> Verification:
    """See :func:`tvm_tiny.api.verify`."""
    if samples < 1:
        raise InputError(f"{samples} samples were asked for: expected at least 1")
    fed = list(inputs) if inputs is not None else random_inputs(model.inputs, samples, seed)
    if expected is not None and len(expected) != len(fed):
        raise InputError(f"{len(expected)} expected outputs were given for {len(fed)} inputs")
    name, wanted, inner = "the outputs that were given", list(expected or ()), []
    if expected is None or layers:
        progress("running the reference interpreter")
        reference = reference_for(model)
        inner = [reference.run_all(sample) for sample in fed] if layers else []
        if expected is None:
            name, wanted = reference.name, [reference.run(sample) for sample in fed]
    progress(f"building and running on {board.name}")
    run = compiled.run(fed, board=board, trace=layers, check_arena=check_arena)
    outputs = tuple(
        _compare(spec.name, "", [(got[spec.name], want[spec.name]) for got, want in zip(run.outputs, wanted, strict=True)])
        for spec in compiled.outputs
    )
    traced = _compare_layers(compiled.module, run, inner) if layers else ()
    return Verification(len(fed), name, outputs, traced, run)


def _compare_layers(module: CModule, run: Run, inner: Sequence[Mapping[str, np.ndarray]]) -> tuple[TensorComparison, ...]:
    comparisons = []
    for index, layer in enumerate(module.layers):
        if not layer.output_source or layer.output_source not in inner[0]:
            continue
        pairs = [
            (as_in_file(trace[index], layer), live_part(reference[layer.output_source], layer))
            for trace, reference in zip(run.result.traces, inner, strict=True)
        ]
        comparisons.append(_compare(layer.output_source, layer.name, pairs))
    return tuple(comparisons)


def live_part(reference: np.ndarray, layer: LayerInfo) -> np.ndarray:
    """A tensor of the file, of which only the channels are left that the layer computes (``LayerInfo.output_channels``)."""
    if layer.output_channels is None:
        return reference
    layout = layer.output_layout or tuple(range(len(layer.output_shape)))
    rows = math.prod(layer.output_shape[:-1])
    stored = (*layer.output_shape[:-1], reference.size // rows)
    in_file = reference.reshape([stored[layout.index(axis)] for axis in range(len(layout))])
    return in_file.take(layer.output_channels, axis=layout[-1])


def as_in_file(stored: np.ndarray, layer: LayerInfo) -> np.ndarray:
    """A layer's output as the file has the tensor: its values without our offset, its axes in the file's order.

    Channels that were removed are missing: :func:`live_part` removes them from the file's tensor, too.
    """
    array = stored.reshape(layer.output_shape)
    if layer.output_layout is not None:
        array = array.transpose(np.argsort(layer.output_layout))
    if layer.output_offset:
        array = (array.astype(np.int32) + layer.output_offset).astype(np.uint8)
    return np.ascontiguousarray(array)


def _compare(tensor: str, layer: str, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> TensorComparison:
    elements, mismatches, largest = 0, 0, 0.0
    for got, want in pairs:
        ours, theirs = got.reshape(-1), want.reshape(-1)
        if got.dtype.kind == "f":
            wrong = ~np.isclose(ours, theirs, rtol=1e-4, atol=1e-5, equal_nan=True)
        else:
            wrong = ours != theirs
        difference = _difference(ours.astype(np.float64), theirs.astype(np.float64))
        elements += difference.size
        mismatches += int(np.count_nonzero(wrong))
        largest = max(largest, float(difference.max(initial=0.0)))
    return TensorComparison(tensor, layer, elements, mismatches, largest)


def _difference(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Of two float64 arrays: none between two infinities of one sign or two NaN, infinite between a NaN and anything else."""
    with np.errstate(invalid="ignore"):
        difference = np.abs(ours - theirs)
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    return np.where(same, 0.0, np.where(np.isnan(difference), np.inf, difference))
