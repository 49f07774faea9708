"""What a compiled model must agree with: an interpreter that somebody else wrote, running the very same file.

A ``.tflite`` model is judged by LiteRT's reference kernels, an ``.onnx`` model by ONNX Runtime. Neither shares code with this
package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tvm_tiny.errors import InputError, ModelError, ToolchainError

if TYPE_CHECKING:
    from tvm_tiny.model import Model


class Reference(Protocol):
    """An interpreter with a model loaded. Its tensors carry the names of the model file."""

    @property
    def name(self) -> str:
        """The interpreter and its version, for reports: "ONNX Runtime 1.20.0"."""
        ...

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs of one inference, in the order of the file.

        Raises
        ------
        InputError
            A name, shape or dtype is not that of the model's input.
        """
        ...

    def run_all(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Every tensor that one inference computes from its inputs, and the inputs; weights are left out."""
        ...


def reference_for(model: Model) -> Reference:
    """The reference that ``model`` is held against, chosen by its ``source_format``.

    Raises
    ------
    ToolchainError
        The interpreter's Python package is not installed.
    ModelError
        The interpreter cannot load the model.
    """
    if model.source_format == "tflite":
        from tvm_tiny.testing.litert_reference import LiteRTReference

        return LiteRTReference(model.source)
    if model.source_format == "onnx":
        from tvm_tiny.testing.onnx_reference import OnnxRuntimeReference

        return OnnxRuntimeReference(model.source)
    raise ModelError(f"no reference interpreter reads the format {model.source_format!r}: expected 'tflite' or 'onnx'")


def missing_package(package: str, extra: str) -> ToolchainError:
    """The error for a Python package that is only needed with one of this package's extras."""
    return ToolchainError(f"the Python package {package} is not installed", f'pip install "tvm-tiny[{extra}]"')


def checked_inputs(expected: Sequence[tuple[str, tuple[int, ...], np.dtype]], inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """``inputs`` in the order of ``expected``, a list of (name, shape, dtype).

    Raises
    ------
    InputError
        A name is missing or unknown, or an array's shape or dtype is not the expected one.
    """
    names = [name for name, _, _ in expected]
    if missing := [name for name in names if name not in inputs]:
        raise InputError(f"no data for the input {missing[0]!r}: the model's inputs are {names}, given were {list(inputs)}")
    if unknown := [name for name in inputs if name not in names]:
        raise InputError(f"the model has no input {unknown[0]!r}: its inputs are {names}")
    arrays = []
    for name, shape, dtype in expected:
        array = np.asarray(inputs[name])
        if array.shape != shape or array.dtype != dtype:
            raise InputError(f"input {name!r}: expected shape {shape} of {dtype}, found shape {array.shape} of {array.dtype}")
        arrays.append(np.asarray(array, order="C"))
    return arrays
