"""``tvm-tiny quantize``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tvm_tiny.testing.networks import float_net
from tvm_tiny.testing.onnx_builder import OnnxBuilder

from .conftest import Command

pytest.importorskip("onnxruntime")

IMAGES = np.random.default_rng(0).uniform(-1, 1, (8, 3, 16, 16)).astype(np.float32)


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(float_net())
    return path


def test_quantised_model_computes_in_integers(net: Path, tmp_path: Path, command: Command):
    np.savez(tmp_path / "images.npz", image=IMAGES)
    done = command("quantize", net, "--calibration", tmp_path / "images.npz", "--output", tmp_path / "int8.onnx")
    assert done.code == 0
    assert "calibrated on  8 " in done.out
    report = command("compile", tmp_path / "int8.onnx", "--target", "c", "--json", "-").json
    assert {each["operator"] for each in report["float_layers"]} <= {"quantize", "dequantize"}
    assert {"conv2d", "add", "fully_connected"} <= {layer["op"] for layer in report["layers"]}


def test_report_and_options(net: Path, tmp_path: Path, command: Command):
    np.save(tmp_path / "images.npy", IMAGES)
    calibration = ("--calibration", tmp_path / "images.npy", "--output", tmp_path / "int8.onnx")
    report = command("quantize", net, *calibration, "--json", "-").json
    assert (report["samples"], report["bytes"]) == (8, (tmp_path / "int8.onnx").stat().st_size)
    before = (tmp_path / "int8.onnx").read_bytes()
    assert command("quantize", net, *calibration, "--activations", "uint8", "--per-tensor").code == 0
    assert (tmp_path / "int8.onnx").read_bytes() != before


def test_several_inputs_are_found_by_name(tmp_path: Path, command: Command):
    b = OnnxBuilder()
    x, y = b.input("x", (1, 8)), b.input("y", (1, 8))
    weights = b.constant("w", np.eye(8, dtype=np.float32))
    (tmp_path / "net.onnx").write_bytes(b.build([b.matmul(b.operator("Add", [x, y], "sum"), weights, "z")]))
    np.savez(tmp_path / "data.npz", y=IMAGES[:, 0, 0, :8], x=IMAGES[:, 1, 0, :8])
    assert (
        command("quantize", tmp_path / "net.onnx", "--calibration", tmp_path / "data.npz", "--output", tmp_path / "q.onnx").code
        == 0
    )


BAD = {
    "different numbers of samples: a 2, b 3": {"a": np.zeros((2, 4)), "b": np.zeros((3, 4))},
    "first axis is that of the samples": {"a": np.float32(1)},
    "expected shape (1, 3, 16, 16), found": {"image": np.zeros((2, 3, 8, 8), np.float32)},
    "expected float values, found uint8": {"image": np.zeros((2, 3, 16, 16), np.uint8)},
    "the calibration data has no samples": {"image": np.zeros((0, 3, 16, 16), np.float32)},
}


@pytest.mark.parametrize("message", BAD)
def test_calibration_data_that_does_not_fit(message: str, net: Path, tmp_path: Path, command: Command):
    np.savez(tmp_path / "data.npz", **BAD[message])
    done = command("quantize", net, "--calibration", tmp_path / "data.npz", "--output", tmp_path / "q.onnx")
    assert done.code == 10
    assert message in done.err
    assert not (tmp_path / "q.onnx").exists()


def test_output_that_cannot_be_written_is_told_before_the_work(net: Path, tmp_path: Path, command: Command):
    done = command("quantize", net, "--calibration", tmp_path / "none.npz", "--output", tmp_path / "none" / "q.onnx")
    assert done.code == 11
    assert "there is no folder" in done.err


def test_quantised_model_is_not_quantised_again(net: Path, tmp_path: Path, command: Command):
    np.save(tmp_path / "images.npy", IMAGES)
    calibration = ("--calibration", tmp_path / "images.npy", "--output", tmp_path / "int8.onnx")
    assert command("quantize", net, *calibration).code == 0
    done = command("quantize", tmp_path / "int8.onnx", *calibration)
    assert done.code == 3
    assert "is quantised already" in done.err
