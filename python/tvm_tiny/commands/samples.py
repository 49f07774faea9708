"""Input data from files: ``.npz``, ``.npy`` and ``.csv`` → samples for a model."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tvm_tiny.compiled import checked_sample
from tvm_tiny.errors import InputError
from tvm_tiny.model import TensorSpec

_FORMATS = (".npz", ".npy", ".csv")


def read_samples(path: Path, specs: Sequence[TensorSpec]) -> list[dict[str, np.ndarray]]:
    """The samples in ``path`` for a model with the inputs ``specs``: for each, input name → array of the input's shape and dtype.

    An ``.npz`` has one array for each input, under its name (for a single input any name will do if it is the only array); an
    ``.npy`` is the array of a single input. An array has the input's shape, or in front of it an axis of samples, which may also
    take the place of a batch of 1. A ``.csv`` has one sample of a single input in each row.

    Raises
    ------
    InputError
        The file is missing or damaged, or names, shapes, dtypes or the number of samples are not the model's.
    """
    arrays = _arrays(path, specs)
    batches = {spec.name: split_samples(spec, arrays[spec.name], str(path)) for spec in specs}
    counts = {name: len(batch) for name, batch in batches.items()}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise InputError(f"{path}: the inputs have different numbers of samples: {found}")
    samples = [dict(zip(batches, values, strict=True)) for values in zip(*batches.values(), strict=True)]
    return [checked_sample(specs, sample, index) for index, sample in enumerate(samples)]


def load_arrays(path: Path) -> np.ndarray | dict[str, np.ndarray]:
    """The array of an ``.npy`` file, the arrays of an ``.npz`` by their names.

    Raises
    ------
    InputError
        It is missing, damaged, or holds Python objects.
    """
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            return dict(loaded)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        told = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: not a readable NumPy file: {told}", "write it with numpy.savez or numpy.save") from None


def load_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an ``.npz`` file.

    Raises
    ------
    InputError
        It is missing, damaged, or holds Python objects.
    """
    loaded = load_arrays(path)
    if isinstance(loaded, np.ndarray):
        raise InputError(f"{path}: expected an .npz archive of arrays, found a single array", "save it with numpy.savez")
    return loaded


def split_samples(spec: TensorSpec, array: np.ndarray, where: str) -> list[np.ndarray]:
    """``array`` as samples of the tensor ``spec``, each of its shape; the dtype is left as it is.

    Raises
    ------
    InputError
        The shape is neither the tensor's nor that of a batch, or the batch is empty.
    """
    shape = spec.shape
    if array.shape == shape:
        return [array]
    if array.shape[1:] == shape or (shape[:1] == (1,) and array.shape[:1] and array.shape[1:] == shape[1:]):
        if array.shape[0] == 0:
            raise InputError(f"{where}: {spec.name!r} has no samples")
        return [sample.reshape(shape) for sample in array]
    if shape[:1] == (1,) and array.shape == shape[1:]:
        return [array.reshape(shape)]
    batch = ["N", *(shape[1:] if shape[:1] == (1,) else shape)]
    raise InputError(
        f"{where}: {spec.name!r} has the shape {list(array.shape)}: expected {list(shape)}",
        f"or [{', '.join(str(extent) for extent in batch)}] for N samples",
    )


def _arrays(path: Path, specs: Sequence[TensorSpec]) -> Mapping[str, np.ndarray]:
    suffix = path.suffix.lower()
    if suffix not in _FORMATS:
        raise InputError(f"{path}: inputs are read from {', '.join(_FORMATS)} files, not {suffix or 'files without a suffix'}")
    names = [spec.name for spec in specs]
    if suffix != ".npz" and len(specs) != 1:
        raise InputError(f"{path}: the model has {len(specs)} inputs: {', '.join(names)}", "give an .npz with one array for each")
    if suffix == ".csv":
        return {names[0]: _read_csv(path, specs[0])}
    loaded = load_arrays(path)
    if isinstance(loaded, np.ndarray):
        return {names[0]: loaded}
    if len(specs) == 1 and len(loaded) == 1:
        return {names[0]: next(iter(loaded.values()))}
    if missing := [name for name in names if name not in loaded]:
        raise InputError(
            f"{path}: no array for the input {missing[0]!r}: found {', '.join(loaded) or 'none'}, expected {', '.join(names)}",
            "name each array after an input of the model",
        )
    return loaded


def _read_csv(path: Path, spec: TensorSpec) -> np.ndarray:
    """One sample a row, (rows, *shape), in the tensor's dtype. Empty lines and those that begin with # do not count."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [
                (number, row) for number, row in enumerate(csv.reader(file), start=1) if row and not row[0].lstrip().startswith("#")
            ]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a readable CSV file: {error}") from None
    return np.array([_csv_row(path, number, row, spec) for number, row in rows], spec.dtype).reshape(len(rows), *spec.shape)


def _csv_row(path: Path, number: int, row: list[str], spec: TensorSpec) -> np.ndarray:
    if len(row) != spec.size:
        raise InputError(
            f"{path}: line {number} has {len(row)} values: expected {spec.size}, one sample of {spec.name!r} {list(spec.shape)}"
        )
    try:
        values = np.array([float(value) for value in row], np.float64)
    except ValueError as error:
        raise InputError(f"{path}: line {number}: {error}") from None
    dtype = np.dtype(spec.dtype)
    if dtype.kind == "f":
        return values.astype(dtype)
    limits = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    wrong = ~((values == np.trunc(values)) & (values >= limits[0]) & (values <= limits[1]))
    if wrong.any():
        column = int(np.argmax(wrong))
        hint = "" if spec.scale is None else f"quantise it: round(x / {spec.scale:g}) + {spec.zero_point}, as {spec.dtype}"
        found = f"{path}: line {number}, value {column + 1} is {row[column].strip()}"
        raise InputError(f"{found}: expected {spec.dtype}, a whole number from {limits[0]} to {limits[1]}", hint)
    return values.astype(dtype)
