"""What a model is on its way through the compiler: a name, a Relax module, and what its tensors mean."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tvm import IRModule


@dataclass(frozen=True)
class TensorSpec:
    """A tensor that crosses the border of a model.

    ``scale`` and ``zero_point`` are the affine quantisation parameters (real = scale * (q - zero_point)), both None for a tensor
    that is not quantised.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None = None
    zero_point: int | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Number of bytes."""
        return self.size * np.dtype(self.dtype).itemsize

    def quantize(self, real: np.ndarray) -> np.ndarray:
        """Real values to this tensor's dtype, rounding half away from zero as TFLite does; the identity for a float tensor."""
        if self.scale is None or self.zero_point is None:
            return np.asarray(real, dtype=self.dtype)
        limits = np.iinfo(self.dtype)
        scaled = np.asarray(real, dtype=np.float64) / self.scale
        rounded = np.trunc(scaled + np.copysign(0.5, scaled)) + self.zero_point
        return np.clip(rounded, limits.min, limits.max).astype(self.dtype)

    def dequantize(self, stored: np.ndarray) -> np.ndarray:
        """Stored values to float32 real values; the identity for a float tensor."""
        if self.scale is None or self.zero_point is None:
            return np.asarray(stored, dtype=np.float32)
        return ((np.asarray(stored, dtype=np.float32) - self.zero_point) * np.float32(self.scale)).astype(np.float32)


@dataclass(frozen=True)
class Model:
    """A model as a frontend read it.

    Attributes
    ----------
    name : str
        A valid C identifier in lower case; the prefix of everything that is generated.
    mod : tvm.IRModule
        One Relax function ``main`` whose weights are constants. Quantised operators stand as dequantize → operator → quantize.
    inputs, outputs : tuple of TensorSpec
        In the order of the file. The names are those of the file.
    source_format : str
        "tflite" or "onnx"; decides whose arithmetic the integer operators follow.
    source : bytes
        The file itself, for the reference interpreter.
    tensor_names : dict of str to str
        Name of a Relax variable of ``main`` → name of the tensor in the file.
    """

    name: str
    mod: IRModule
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    source_format: str
    source: bytes
    tensor_names: dict[str, str]


def c_identifier(text: str) -> str:
    """The nearest lower-case C identifier to ``text``: "Conv2D/ReLU:0" → "conv2d_relu_0"."""
    name = re.sub(r"[^0-9a-z_]+", "_", text.lower()).strip("_") or "model"
    return f"m_{name}" if name[0].isdigit() else name
