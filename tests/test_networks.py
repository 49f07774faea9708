"""Whole ONNX QDQ networks, end to end on the emulated Cortex-M4: every layer at most a step apart from ONNX Runtime, and rarely."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tvm_tiny.api import verify
from tvm_tiny.testing.digits import digits_model_path
from tvm_tiny.testing.networks import depthwise_net, float_net, residual_net

NETWORKS: dict[str, Callable[[], bytes]] = {
    "digits": lambda: digits_model_path().read_bytes(),
    "depthwise": depthwise_net,
    "residual": residual_net,
}


@pytest.mark.parametrize("board", ["host", "mps2-an386"])
@pytest.mark.parametrize("network", NETWORKS)
def test_every_layer_is_onnx_runtimes(network: str, board: str, tmp_path: Path) -> None:
    """Errors are free to add up from layer to layer here, so that this is the stricter form of comparing each layer on its own."""
    path = tmp_path / f"{network}.onnx"
    path.write_bytes(NETWORKS[network]())
    verification = verify(path, board=board, samples=20, seed=3, layers=True)
    assert "ONNX Runtime" in verification.reference
    assert {each["operator"] for each in verification.run.report["float_layers"]} <= {"quantize", "dequantize"}
    assert len(verification.layers) >= 8
    for tensor in verification.layers:
        if tensor.tensor != verification.outputs[0].tensor:  # the dequantised output has no steps
            assert tensor.max_abs_diff <= 1, tensor
        assert tensor.share <= 0.001, tensor


def test_a_float_network_computes_what_onnx_runtime_computes(tmp_path: Path) -> None:
    path = tmp_path / "float.onnx"
    path.write_bytes(float_net())
    verification = verify(path, board="mps2-an386", samples=5, seed=3)
    assert verification.mismatches == 0
    assert {layer["dtype"] for layer in verification.run.report["layers"]} == {"float32"}
    report = verification.run.report
    assert not any(layer["integer"] for layer in report["layers"])
    assert [each["layer"] for each in report["float_layers"]] == [layer["name"] for layer in report["layers"]]
