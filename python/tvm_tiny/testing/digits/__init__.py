"""The sample model: a small int8 CNN that reads handwritten digits, with the held-out images to run it on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

_DATA = Path(__file__).resolve().parent.parent / "data"


def digits_model_path() -> Path:
    """The int8 ONNX QDQ file: input "image" (1, 1, 8, 8) float32 in 0 to 1, output "probabilities" (1, 10) float32."""
    return _DATA / "digits.onnx"


def digits_test_set() -> tuple[np.ndarray, np.ndarray]:
    """(images, labels): 450 held-out images (450, 1, 8, 8) float32 in 0 to 1, and what they show, (450,) int64."""
    with np.load(_DATA / "digits_test.npz") as data:
        return data["images"], data["labels"]
