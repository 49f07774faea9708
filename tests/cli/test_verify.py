"""``tvm-tiny verify``."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from tvm_tiny import compiled
from tvm_tiny.frontend import load
from tvm_tiny.testing.reference import reference_for
from tvm_tiny.testing.samples import random_inputs

from .conftest import Command, dense_model

pytest.importorskip("ai_edge_litert")


def golden(path: Path, model: Path, samples: int = 6) -> Path:
    """A file of inputs and of the outputs that LiteRT's reference kernels give."""
    source = load(model)
    reference = reference_for(source)
    inputs = random_inputs(source.inputs, samples, 3)
    outputs = [reference.run(each)["y"] for each in inputs]
    np.savez(path, inputs=np.concatenate([each["x"] for each in inputs]), outputs=np.concatenate(outputs))
    return path


def test_model_that_agrees_with_its_reference_passes(model: Path, command: Command):
    done = command("verify", model, "--rounding", "litert", "--samples", 7)
    assert done.code == 0
    assert re.search(r"0 mismatches in 28 elements of 7 samples on host, against LiteRT reference kernels", done.out)


def test_report_has_the_agreed_keys(model: Path, command: Command):
    report = command("verify", model, "--rounding", "litert", "--json", "-").json
    assert (report["samples"], report["mismatches"], report["max_abs_diff"], report["board"]) == (20, 0, 0, "host")
    assert report["reference"].startswith("LiteRT")
    assert {"model", "ram", "flash", "layers"} <= set(report)


def test_layers_are_compared_one_by_one(model: Path, command: Command):
    done = command("verify", model, "--rounding", "litert", "--layers", "--samples", 2)
    assert done.code == 0
    assert re.search(r"fully_connected_0 +8 +0 +0 +y", done.out)
    assert re.search(r"\(output\) +8 +0 +0 +y", done.out)
    assert "0 mismatches in 16 elements" in done.out


def test_emulated_board_agrees_too(model: Path, command: Command):
    report = command("verify", model, "--rounding", "litert", "--board", "mps2-an386", "--target", "c", "--json", "-").json
    assert (report["board"], report["mismatches"]) == ("mps2-an386", 0)
    assert report["instructions"] > 0


def test_recorded_outputs_take_the_place_of_the_reference(model: Path, tmp_path: Path, command: Command):
    path = golden(tmp_path / "golden.npz", model)
    done = command("verify", model, "--rounding", "litert", "--golden", path)
    assert done.code == 0
    assert f"0 mismatches in 24 elements of 6 samples on host, against {path}" in done.out
    assert command("verify", model, "--rounding", "litert", "--golden", path, "--samples", 2, "--json", "-").json["samples"] == 2


def test_one_wrong_element_is_found_counted_and_fails(model: Path, tmp_path: Path, command: Command):
    path = golden(tmp_path / "golden.npz", model)
    arrays = dict(np.load(path))
    wrong = arrays["outputs"][4, 1]
    arrays["outputs"][4, 1] = wrong + 3 if wrong < 100 else wrong - 3
    np.savez(path, **arrays)
    done = command("verify", model, "--rounding", "litert", "--golden", path, "--json", tmp_path / "report.json")
    assert done.code == 12
    assert "1 mismatches in 24 elements" in done.out
    assert "error: 1 elements differ from the outputs that were given, by up to 3: output 'y'" in done.err
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["mismatches"], report["max_abs_diff"]) == (1, 3)


def test_first_layer_that_differs_is_named(model: Path, command: Command, monkeypatch: pytest.MonkeyPatch):
    """A board that flips the lowest bit of every layer's output."""
    run = compiled.CompiledModel.run

    def disturbed(self: compiled.CompiledModel, *args: object, **kwargs: object) -> compiled.Run:
        done = run(self, *args, **kwargs)  # type: ignore[arg-type]
        traces = [{index: array ^ 1 for index, array in trace.items()} for trace in done.result.traces]
        return compiled.Run(dataclasses.replace(done.result, traces=traces), done.report)

    monkeypatch.setattr(compiled.CompiledModel, "run", disturbed)
    done = command("verify", model, "--rounding", "litert", "--layers")
    assert done.code == 12
    assert "80 elements differ" in done.err
    assert "the first layer that differs is 'fully_connected_0' (tensor 'y')" in done.err


def test_roundings_are_told_apart(tmp_path: Path, command: Command):
    """LiteRT's kernels against the C that rounds as TFLite Micro does: hundreds of outputs, of which some differ by one step."""
    path = tmp_path / "dense.tflite"
    path.write_bytes(dense_model(64, 32))
    assert command("verify", path, "--rounding", "litert", "--samples", 30).code == 0
    recorded = golden(tmp_path / "golden.npz", path, 30)
    done = command("verify", path, "--rounding", "tflite-micro", "--golden", recorded, "--json", "-")
    assert done.code == 12
    assert done.json["max_abs_diff"] == 1


BAD_GOLDEN = {
    "no array 'outputs': it has inputs": {"inputs": np.zeros((2, 8), np.int8)},
    "2 inputs and 3 outputs": {"inputs": np.zeros((2, 8), np.int8), "outputs": np.zeros((3, 4), np.int8)},
    "'y' has the shape [2, 5]": {"inputs": np.zeros((2, 8), np.int8), "outputs": np.zeros((2, 5), np.int8)},
    "values of 'y' are int32: expected int8": {"inputs": np.zeros((2, 8), np.int8), "outputs": np.zeros((2, 4), np.int32)},
    "9 samples were asked for": {"inputs": np.zeros((2, 8), np.int8), "outputs": np.zeros((2, 4), np.int8)},
}


@pytest.mark.parametrize("message", BAD_GOLDEN)
def test_golden_file_that_does_not_fit_is_refused(message: str, model: Path, tmp_path: Path, command: Command):
    np.savez(tmp_path / "golden.npz", **BAD_GOLDEN[message])
    done = command("verify", model, "--golden", tmp_path / "golden.npz", "--samples", 9)
    assert done.code == 10
    assert message in done.err


def test_golden_file_is_for_one_input(two_inputs: Path, tmp_path: Path, command: Command):
    done = command("verify", two_inputs, "--golden", tmp_path / "golden.npz")
    assert done.code == 10
    assert "models of one input and one output; this one has 2 and 1" in done.err


def test_seed_and_golden_file_exclude_each_other(model: Path, tmp_path: Path, command: Command):
    assert command("verify", model, "--golden", tmp_path / "golden.npz", "--seed", 1).code == 10


@pytest.mark.models
@pytest.mark.parametrize("name", ["kws", "ad"])
def test_recordings_of_tflite_micro_are_met_on_the_emulated_board(name: str, models_dir: Path, command: Command):
    done = command(
        *("verify", models_dir / f"{name}.tflite", "--board", "mps2-an386", "--golden", models_dir / "golden" / f"{name}.npz"),
        *("--samples", 4, "--json", "-"),
    )
    assert done.code == 0
    assert done.json["mismatches"] == 0
