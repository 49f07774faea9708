"""Loading whole models: quick, quiet, and with everything that the file says about its tensors."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tvm import relax

from tests.frontend.imported import bindings, operators
from tests.frontend.test_errors import onnx_model, tflite_model
from tvm_tiny.frontend import load
from tvm_tiny.model import TensorSpec
from tvm_tiny.testing.litert_reference import computed_tensors

# name, input, output, operators of the file that are no reshape
MODELS = {
    "kws": (TensorSpec("input_1", (1, 49, 10, 1), "int8", 0.5847029, 83), TensorSpec("Identity", (1, 12), "int8", 1 / 256, -128)),
    "vww": (
        TensorSpec("input_1_int8", (1, 96, 96, 3), "int8", 1 / 255, -128),
        TensorSpec("Identity_int8", (1, 2), "int8", 1 / 256, -128),
    ),
    "ic": (
        TensorSpec("input_1_int8", (1, 32, 32, 3), "int8", 1.0, -128),
        TensorSpec("Identity_int8", (1, 10), "int8", 1 / 256, -128),
    ),
    "ad": (TensorSpec("input_1", (1, 640), "int8", 0.3910152, 89), TensorSpec("Identity", (1, 640), "int8", 0.3644985, 96)),
}


@pytest.mark.models
@pytest.mark.parametrize("name", MODELS)
def test_mlperf_tiny(models_dir: Path, name: str) -> None:
    path = models_dir / f"{name}.tflite"
    start = time.process_time()
    model = load(path)
    assert time.process_time() - start < 2
    assert (model.name, model.source_format, model.source) == (name, "tflite", path.read_bytes())
    for found, expected in zip((*model.inputs, *model.outputs), MODELS[name], strict=True):
        assert (found.name, found.shape, found.dtype, found.zero_point) == (
            expected.name,
            expected.shape,
            expected.dtype,
            expected.zero_point,
        )
        assert found.scale == pytest.approx(expected.scale, rel=1e-6)
    relax.analysis.well_formed(model.mod)
    # Every tensor that the file computes has its variable, of its own shape and dtype.
    variables = {var.name: var for var, _ in bindings(model)} | {param.name: param for param in model.mod["main"].params}
    named = {tensor: variables[variable] for variable, tensor in model.tensor_names.items()}
    assert set(named) == {tensor for _, tensor in computed_tensors(model.source)}
    assert all(str(var.ty.dtype) == "int8" for var in named.values())
    # Nothing computes in float without being quantised again.
    forms = set(operators(model))
    assert forms <= {
        "dequantize", "weights", "conv2d", "matmul", "add", "avg_pool2d", "softmax", "quantize", "clip", "reshape",
    }  # fmt: skip


@pytest.mark.parametrize("source_format", ["tflite", "onnx"])
def test_loading_says_nothing_and_brings_no_framework(tmp_path: Path, source_format: str) -> None:
    path = tmp_path / f"Model (v1.2).{source_format}"
    path.write_bytes(tflite_model() if source_format == "tflite" else onnx_model())
    program = f"""
import sys
import tvm_tiny.frontend
assert "tvm" not in sys.modules and "onnx" not in sys.modules, "heavy imports before they are needed"
model = tvm_tiny.frontend.load({str(path)!r})
assert model.name == "model_v1_2", model.name
frameworks = {{"torch", "tensorflow", "jax", "onnxruntime", "ai_edge_litert"}} & set(sys.modules)
assert not frameworks, frameworks
"""
    result = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_weights_are_constants_of_the_function(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(tflite_model())
    main = load(path).mod["main"]
    assert len(main.params) == 1
    assert "params" not in dict(main.attrs)
    assert np.prod([int(extent) for extent in main.params[0].ty.shape]) == 144
