"""TFLite Micro's own interpreter, the reference of ``rounding="tflite-micro"``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest


def run_tflite_micro(source: bytes, samples: Sequence[Mapping[str, np.ndarray]]) -> list[list[np.ndarray]]:
    """The outputs of each sample in the order of the file; a sample's inputs are in that order too."""
    import tflite

    runtime = pytest.importorskip("tflite_micro", reason="TFLite Micro's interpreter (pip install tflite-micro)").runtime
    count = int(tflite.Model.GetRootAsModel(source, 0).Subgraphs(0).OutputsLength())
    interpreter = runtime.Interpreter.from_bytes(source, arena_size=1 << 20)
    results = []
    for sample in samples:
        for index, array in enumerate(sample.values()):
            interpreter.set_input(array, index)
        interpreter.invoke()
        results.append([np.array(interpreter.get_output(index)) for index in range(count)])
    return results
