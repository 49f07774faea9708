"""LiteRT's reference kernels against what TFLite Micro computed on an emulated Cortex-M4."""

import numpy as np
import pytest

from tvm_tiny.testing.litert_reference import LiteRTReference


@pytest.mark.models
@pytest.mark.parametrize("name", ["kws", "vww", "ic"])
def test_litert_and_tflite_micro_agree(models_dir, name):
    import tflite

    source = (models_dir / f"{name}.tflite").read_bytes()
    graph = tflite.Model.GetRootAsModel(source, 0).Subgraphs(0)
    tensor = graph.Tensors(graph.Inputs(0))
    golden = np.load(models_dir / "golden" / f"{name}.npz")
    reference = LiteRTReference(source)
    for stored, expected in zip(golden["inputs"][::4], golden["outputs"][::4], strict=True):
        sample = {tensor.Name().decode(): stored.reshape(tensor.ShapeAsNumpy())}
        (output,) = reference.run(sample).values()
        np.testing.assert_array_equal(output.ravel(), expected.ravel())
        *_, last = reference.run_all(sample).values()
        np.testing.assert_array_equal(last, output)
