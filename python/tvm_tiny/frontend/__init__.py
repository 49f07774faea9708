"""A model file → :class:`~tvm_tiny.model.Model`, through TVM's own importers.

Whatever the format, ``main`` comes out in one form: a single dataflow block in which every quantised operator stands as
``dequantize`` → float operator → ``quantize``, weights are constants behind a ``dequantize``, and data movement that changes no
value works on the stored integers. The tests of this room show the form of each operator.
"""

from __future__ import annotations

from pathlib import Path

from tvm_tiny.frontend.detect import detect, read
from tvm_tiny.model import Model, c_identifier

__all__ = ["load"]


def load(path: str | Path, *, name: str | None = None) -> Model:
    """Read a ``.tflite`` or ``.onnx`` model; which of them it is, its content tells.

    Parameters
    ----------
    path : str or Path
    name : str, optional
        What generated files and symbols are called; made a C identifier in lower case. Default: the file's name.

    Raises
    ------
    ModelError
        The file is missing, damaged or of a foreign format, its name is that of the other format, a shape is not fixed, or its
        numbers are of a kind that is not supported (float16, 16-bit activations).
    UnsupportedOperatorError
        The model has operators that cannot be compiled; the message lists all of them.
    """
    path = Path(path)
    data = read(path)
    model_name = c_identifier(name or path.stem)
    if detect(path, data) == "tflite":
        from tvm_tiny.frontend.tflite import load_tflite

        return load_tflite(data, model_name, str(path))
    from tvm_tiny.frontend.onnx import load_onnx

    return load_onnx(data, model_name, path)
