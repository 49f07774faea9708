"""Calibration data, checked against the inputs of the model before anything is computed from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tvm_tiny.errors import InputError

Calibration = Iterable[Mapping[str, np.ndarray]] | np.ndarray


@dataclass(frozen=True)
class FloatInput:
    """A float32 input of the model; None stands for a dimension that is not fixed."""

    name: str
    shape: tuple[int | None, ...]


def calibration_samples(inputs: Sequence[FloatInput], calibration: Calibration) -> list[dict[str, np.ndarray]]:
    """For each sample, input name → float32 array.

    ``calibration`` is an iterable of mappings from input names to arrays, or, for a model with one input, one array with a leading
    axis of samples; each sample then has the input's shape, with or without its leading 1.

    Raises
    ------
    InputError
        There is no sample; a name is missing or unknown; a shape does not fit; values are not float, or not finite.
    """
    if isinstance(calibration, np.ndarray):
        if len(inputs) != 1:
            names = [tensor.name for tensor in inputs]
            raise InputError(
                f"one array of calibration data is for a model with one input, this one has {len(inputs)}: {names}",
                "give an iterable of dictionaries, input name → array",
            )
        calibration = [{inputs[0].name: _with_batch(inputs[0], sample)} for sample in calibration]
    samples = [_checked(inputs, sample, i) for i, sample in enumerate(calibration)]
    if not samples:
        raise InputError("the calibration data has no samples", "a hundred typical inputs are a good start")
    return samples


def _with_batch(tensor: FloatInput, sample: np.ndarray) -> np.ndarray:
    missing = sample.ndim == len(tensor.shape) - 1 and tensor.shape[0] in (1, None)
    return sample[np.newaxis] if missing else sample


def _checked(inputs: Sequence[FloatInput], sample: Mapping[str, np.ndarray], index: int) -> dict[str, np.ndarray]:
    where = f"calibration sample {index}"
    if not isinstance(sample, Mapping):
        raise InputError(f"{where}: expected a dictionary, input name → array, found {type(sample).__name__}")
    names = [tensor.name for tensor in inputs]
    if set(sample) != set(names):
        raise InputError(f"{where}: expected data for the inputs {names}, found {list(sample)}")
    arrays = {}
    for tensor in inputs:
        array = np.asarray(sample[tensor.name])
        fits = array.ndim == len(tensor.shape) and all(n in (None, m) for n, m in zip(tensor.shape, array.shape, strict=True))
        if not fits:
            expected = tuple("any" if n is None else n for n in tensor.shape)
            raise InputError(f"{where}, input {tensor.name!r}: expected shape {expected}, found {array.shape}")
        if array.dtype.kind != "f":
            # Integers are most often images that were not brought to the range that the model was trained with.
            raise InputError(
                f"{where}, input {tensor.name!r}: expected float values, found {array.dtype}",
                "scale the data as in training, then convert it: data.astype('float32')",
            )
        if not np.isfinite(array).all():
            raise InputError(f"{where}, input {tensor.name!r}: the values must be finite, found NaN or infinity")
        arrays[tensor.name] = np.ascontiguousarray(array, np.float32)
    return arrays
