"""Models on a core with an NPU beside it, as users compile and run them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tvm_tiny.api import compile as compile_model
from tvm_tiny.api import verify
from tvm_tiny.cli import main
from tvm_tiny.compiled import CompiledModel
from tvm_tiny.frontend import load
from tvm_tiny.frontend.onnx import load_onnx
from tvm_tiny.testing.digits import digits_model_path
from tvm_tiny.testing.networks import residual_net
from tvm_tiny.testing.samples import random_inputs
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

MODELS = ("kws", "vww", "ic", "ad")
# Vela's estimates for Ethos-U55-256 are 56,222, 146,940, 107,151 and 40,929 cycles.
CYCLES = {
    "mps2-an505+etpu-16": {"kws": 28_000, "vww": 60_000, "ic": 62_000, "ad": 24_000},
    "mps3-an547+etpu-64": {"kws": 8_000, "vww": 30_000, "ic": 9_000, "ad": 8_000},
}


@pytest.mark.models
@pytest.mark.parametrize("board", CYCLES)
@pytest.mark.parametrize("name", MODELS)
def test_the_npu_computes_what_litert_computes(models_dir: Path, name: str, board: str) -> None:
    found = verify(models_dir / f"{name}.tflite", board=board, samples=5)
    assert (found.samples, found.mismatches) == (5, 0)
    report = found.run.report
    assert report["npu"]["cycles"] == report["npu"]["measured_cycles"] <= CYCLES[board][name]
    assert [layer["offload"] for layer in report["layers"]] == ["npu"]
    assert report["on_core"] == []


@pytest.mark.models
def test_the_default_rounding_equals_tflite_micro(models_dir: Path) -> None:
    recorded = np.load(models_dir / "golden" / "ic.npz")
    model = load(models_dir / "ic.tflite")
    (given,), (result,) = model.inputs, model.outputs
    found = verify(
        model,
        board="mps2-an505+etpu-16",
        inputs=[{given.name: each.reshape(given.shape)} for each in recorded["inputs"]],
        expected=[{result.name: each.reshape(result.shape)} for each in recorded["outputs"]],
    )
    assert found.mismatches == 0


def zeros(channels: int) -> np.ndarray:
    return np.zeros(channels, np.int32)


def mixed() -> bytes:
    """A convolution, a depthwise one that the NPU has no mode for, a convolution, softmax."""
    rng = np.random.default_rng(3)
    b = TFLiteBuilder()
    y = b.input("x", (1, 8, 8, 4), scale=0.05, zero_point=3)
    y = b.conv2d(y, b.weights("w0", rng.normal(0, 0.3, (6, 3, 3, 4)), 0), zeros(6), "first", scale=0.05, zero_point=-4)
    y = b.depthwise_conv2d(y, b.weights("w1", rng.normal(0, 0.3, (1, 3, 3, 12)), 3), zeros(12), "twice", scale=0.05, zero_point=2)
    y = b.conv2d(y, b.weights("w2", rng.normal(0, 0.3, (5, 3, 3, 12)), 0), zeros(5), "second", scale=0.05, zero_point=-4)
    y = b.fully_connected(
        b.reshape(y, (1, 320), "flat"), b.weights("w3", rng.normal(0, 0.1, (7, 320)), None), None, "dense", scale=0.1, zero_point=1
    )
    return b.build([b.softmax(y, "probabilities")])


@pytest.fixture
def mixed_file(tmp_path: Path) -> Path:
    path = tmp_path / "mixed.tflite"
    path.write_bytes(mixed())
    return path


@pytest.mark.parametrize("board", ["mps2-an505+etpu-16", "mps3-an547+etpu-64", "host+etpu-32"])
def test_what_the_npu_refuses_runs_on_the_core_in_between(mixed_file: Path, board: str) -> None:
    found = verify(mixed_file, board=board, samples=5)
    assert found.mismatches == 0
    report = found.run.report
    assert [layer["offload"] for layer in report["layers"]] == ["npu", "cpu", "npu"]
    assert report["on_core"] == [{"operator": "depthwise_conv2d", "tensor": "twice", "reason": "a depth multiplier other than 1"}]
    assert report["npu"]["regions"] == 2


@pytest.mark.parametrize("board", ["mps2-an505+etpu-16", "host+etpu-64"])
def test_a_residual_network_of_onnx_is_exact(board: str) -> None:
    """Its sums and its mean run on the NPU, bit for bit as ONNX Runtime computes them."""
    found = verify(load_onnx(residual_net(), "residual", Path("residual.onnx")), board=board, samples=10)
    assert found.mismatches == 0
    offload = [layer["offload"] for layer in found.run.report["layers"]]
    assert offload.count("npu") == 1
    named = {layer["op"] for layer in found.run.report["npu"]["layers"]}
    assert {"add", "conv2d", "depthwise_conv2d"} <= named


def test_doctor_tells_why_an_operator_stays_on_the_core(mixed_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(mixed_file), "--target", "cortex-m33+etpu-16"]) == 0
    text = capsys.readouterr().out
    assert "1 operator stays on the core" in text
    assert "a depth multiplier other than 1" in text
    assert main(["doctor", str(mixed_file), "--target", "cortex-m33"]) == 0
    assert "Every operator runs in integer arithmetic" in capsys.readouterr().out


def test_what_is_saved_can_be_loaded_and_runs(mixed_file: Path, tmp_path: Path) -> None:
    compiled = compile_model(mixed_file, target="cortex-m33+etpu-16")
    again = CompiledModel.load(compiled.save(tmp_path / "mixed"))
    assert again.report["npu"] == compiled.report["npu"]
    samples = random_inputs(again.inputs, 2)
    outputs = [each.run(samples, board="mps2-an505+etpu-16").outputs for each in (compiled, again)]
    np.testing.assert_equal(outputs[0], outputs[1])


def test_the_page_of_a_model_shows_the_npu_s_time(mixed_file: Path, tmp_path: Path) -> None:
    page = tmp_path / "mixed.html"
    assert main(["report", str(mixed_file), "--board", "mps2-an505+etpu-16", "--output", str(page)]) == 0
    text = page.read_text()
    assert text.count('src="data:image/png;base64,') == 3
    assert "units of the NPU over time" in text


def test_the_hand_over_copies_nothing(mixed_file: Path) -> None:
    """The core's layer reads what the NPU has written, where it has written it."""
    source = compile_model(mixed_file, target="cortex-m33+etpu-16").module.files["mixed.c"]
    assert source.count("memcpy") == 0
    calls = [line for line in source.splitlines() if "_etpu_" in line and "memory" in line]
    assert len(calls) == 2


def test_the_sample_model_runs_on_every_npu() -> None:
    for board in ("host+etpu-16", "host+etpu-32", "host+etpu-64"):
        assert verify(digits_model_path(), board=board, samples=3).max_abs_diff <= 1
