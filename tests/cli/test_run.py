"""``tvm-tiny run``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tvm_tiny.frontend import load
from tvm_tiny.testing.reference import reference_for
from tvm_tiny.testing.samples import random_inputs

from .conftest import Command, dense_model

BOARD = "mps2-an386"


def reference_outputs(model: Path, inputs: np.ndarray) -> np.ndarray:
    """(samples, 1, units): what LiteRT's reference kernels make of ``inputs``, (samples, 1, depth)."""
    pytest.importorskip("ai_edge_litert")
    reference = reference_for(load(model))
    return np.stack([reference.run({"x": each})["y"] for each in inputs])


def test_without_input_runs_one_random_sample_and_says_so(model: Path, command: Command):
    done = command("run", model, "--rounding", "litert", "--json", "-")
    inputs = random_inputs(load(model).inputs, 1, 0)[0]["x"]
    assert done.code == 0
    np.testing.assert_array_equal(done.json["outputs"]["y"], reference_outputs(model, inputs[None])[0])
    assert "on host, 1 sample of random input (seed 0)" in command("run", model).out


def test_number_and_seed_of_the_random_samples_can_be_chosen(model: Path, command: Command):
    outputs = [command("run", model, "--samples", 3, "--seed", seed, "--json", "-").json["outputs"]["y"] for seed in (0, 0, 7)]
    assert np.shape(outputs[0]) == (3, 4)
    assert outputs[0] == outputs[1] != outputs[2]
    assert "3 samples of random input (seed 7)" in command("run", model, "--samples", 3, "--seed", 7).out


def test_batch_from_a_file_gives_outputs_with_the_samples_first(model: Path, tmp_path: Path, command: Command):
    inputs = np.random.default_rng(0).integers(-128, 128, (5, 8), dtype=np.int8)
    np.savez(tmp_path / "inputs.npz", x=inputs)
    report = command("run", model, "--rounding", "litert", "--input", tmp_path / "inputs.npz", "--json", "-").json
    np.testing.assert_array_equal(report["outputs"]["y"], reference_outputs(model, inputs[:, None])[:, 0])


def test_csv_and_npy_give_what_npz_gives(model: Path, tmp_path: Path, command: Command):
    inputs = np.random.default_rng(0).integers(-128, 128, (3, 8), dtype=np.int8)
    np.savez(tmp_path / "inputs.npz", x=inputs)
    np.save(tmp_path / "inputs.npy", inputs)
    np.savetxt(tmp_path / "inputs.csv", inputs, fmt="%d", delimiter=",")
    results = [
        command("run", model, "--input", tmp_path / f"inputs.{suffix}", "--json", "-").json["outputs"]
        for suffix in ("npz", "npy", "csv")
    ]
    assert results[0] == results[1] == results[2]


def test_several_inputs_are_found_by_name(two_inputs: Path, tmp_path: Path, command: Command):
    a, b = np.full((1, 6), 20, np.int8), np.full((1, 6), -8, np.int8)
    np.savez(tmp_path / "inputs.npz", b=b, a=a)
    report = command("run", two_inputs, "--input", tmp_path / "inputs.npz", "--json", "-").json
    assert report["outputs"] == {"y": [[6] * 6]}  # 20 * 0.05 - 8 * 0.05 = 0.6, in steps of 0.1


def test_compiled_folder_runs_as_its_model_does(model: Path, compiled: Path, command: Command):
    assert command("run", compiled, "--json", "-").json == command("run", model, "--json", "-").json


def test_board_counts_instructions_and_stack(model: Path, command: Command):
    done = command("run", model, "--board", BOARD, "--target", "c", "--json", "-")
    report = done.json
    assert (report["board"], report["target"]) == (BOARD, "c")
    assert report["instructions"] > 32
    assert report["ram"]["stack"] > 0
    assert report["flash"]["code"] > 0
    assert report["outputs"] == command("run", model, "--json", "-").json["outputs"]
    text = command("run", model, "--board", BOARD, "--target", "c").out
    assert re.search(rf"instructions +{report['instructions']:,} +per inference, by {report['counter']}", text)
    assert re.search(rf"stack +{report['ram']['stack']} bytes", text)


def test_largest_values_are_printed_with_their_place_and_meaning(two_inputs: Path, tmp_path: Path, command: Command):
    np.savez(tmp_path / "inputs.npz", a=np.int8([[0, 2, 4, 6, 8, 10]]), b=np.zeros((1, 6), np.int8))
    text = command("run", two_inputs, "--input", tmp_path / "inputs.npz").out
    assert "y, int8 1 x 6: its 5 largest values of 6" in text
    rows = [line.split() for line in text.splitlines() if re.match(r"\d", line)]
    assert rows == [["5", "5", "0.5"], ["4", "4", "0.4"], ["3", "3", "0.3"], ["2", "2", "0.2"], ["1", "1", "0.1"]]


def test_of_many_samples_the_largest_value_of_each_is_printed(model: Path, command: Command):
    text = command("run", model, "--samples", 25).out
    assert len(re.findall(r"^ *\d+  y ", text, re.MULTILINE)) == 20
    assert "... and 5 more samples; --json has all" in text


def test_json_file_holds_report_and_outputs(model: Path, tmp_path: Path, command: Command):
    assert command("run", model, "--json", tmp_path / "run.json").code == 0
    report = json.loads((tmp_path / "run.json").read_text())
    assert {"model", "ram", "flash", "layers", "outputs"} <= set(report)


def test_options_of_the_compiler_cannot_change_what_is_compiled(compiled: Path, command: Command):
    done = command("run", compiled, "--optimize", "size", "--target", "c")
    assert done.code == 5
    assert f"{compiled} is compiled already: --target, --optimize cannot change it" in done.err


def test_random_samples_and_a_file_exclude_each_other(model: Path, tmp_path: Path, command: Command):
    done = command("run", model, "--input", tmp_path / "x.npz", "--seed", 1)
    assert done.code == 10
    assert "--samples and --seed are for random inputs" in done.err


def test_own_board_is_given_by_its_file(tmp_path: Path, command: Command):
    """A board with 16 kB of RAM, as a TOML file: what fits into it is said in its name."""
    (tmp_path / "large.tflite").write_bytes(dense_model(20_000, 1))
    (tmp_path / "small.toml").write_text(
        'name = "small"\ndescription = "small"\nkind = "qemu"\ntarget = "cortex-m3"\n[qemu]\nmachine = "mps2-an385"\n'
        "[memory.flash]\norigin = 0\nsize = 0x400000\n[memory.ram]\norigin = 0x20000000\nsize = 0x4000\n"
    )
    done = command("run", tmp_path / "large.tflite", "--board", tmp_path / "small.toml")
    assert done.code == 9
    assert "does not fit on small: ram is too small by" in done.err
