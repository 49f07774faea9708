"""What people read of a report."""

from __future__ import annotations

from typing import Any

import numpy as np

from tvm_tiny.model import TensorSpec
from tvm_tiny.report import text

QUANTIZED = TensorSpec("scores", (1, 4), "int8", 0.5, -2)
FLOAT = TensorSpec("mask", (2, 2), "float32")


def layer(name: str, **values: Any) -> dict[str, Any]:
    base = {"name": name, "op": name.rpartition("_")[0], "macs": 0, "schedule": "default", "instructions": None, "cycles": None}
    return {**base, "output": [1, 4], "dtype": "int8", **values}


def report(**values: Any) -> dict[str, Any]:
    base = {
        "macs": 1000,
        "live_macs": 1000,
        "ram": {"arena": 2048, "arena_lower_bound": 1024, "io": 12, "stack": None},
        "flash": {"weights": 4096, "code": None},
        "instructions": None,
        "cycles": None,
        "cycle_model": None,
        "counter": None,
        "layers": [layer("conv2d_0", macs=1000), layer("softmax_1")],
        "float_layers": [],
    }
    return {**base, **values}


def test_memory_of_a_model_that_has_not_run_leaves_out_what_nobody_knows():
    assert text.memory_text(report()).splitlines() == [
        "  arena    2,048 bytes  of RAM; lower bound 1,024, inputs and outputs 12",
        "  weights  4,096 bytes  of flash",
        "  layers   2",
        "  MACs     1,000",
    ]


def test_memory_of_a_run_has_what_it_measured():
    ram = {"arena": 2048, "arena_lower_bound": 1024, "io": 12, "stack": 264}
    lines = text.memory_text(
        report(
            ram=ram, flash={"weights": 4096, "code": 900}, instructions=12345, counter="qemu-plugin", cycles=20000, cycle_model="m4"
        )
    ).splitlines()
    assert "  stack         264 bytes    at its deepest, measured" in lines
    assert "  code          900 bytes    of flash" in lines
    assert "  instructions  12,345       per inference, by qemu-plugin" in lines
    assert "  cycles        20,000       per inference, model m4" in lines


def test_live_multiplications_are_told_where_they_are_fewer():
    assert "MACs     1,000        400 of them matter to the output" in text.memory_text(report(live_macs=400))


def test_layers_have_columns_for_what_is_known():
    assert text.layers_text(report()).splitlines() == [
        "layer      operator  output  dtype   MACs  schedule",
        "---------  --------  ------  -----  -----  --------",
        "conv2d_0   conv2d    1 x 4   int8   1,000  default",
        "softmax_1  softmax   1 x 4   int8       -  default",
    ]
    measured = report(layers=[layer("conv2d_0", macs=1000, instructions=5000)])
    assert "instructions" in text.layers_text(measured)


def test_model_without_layers_has_a_table_all_the_same():
    assert text.layers_text(report(layers=[])) == "the model has no layers: its outputs are its inputs"


def test_float_layers_are_listed_by_their_reasons():
    assert text.float_layers_text(report()) == ""
    floats = [{"layer": "divide_1", "operator": "divide", "tensor": "ratio", "reason": "no integer form"}]
    floats += [{"layer": f"conv2d_{index}", "operator": "conv2d", "tensor": "", "reason": "so the model"} for index in range(8)]
    lines = text.float_layers_text(report(float_layers=floats, layers=[layer("conv2d_0")] * 12)).splitlines()
    assert lines[0] == "9 of 12 layers compute with floating-point numbers:"
    assert lines[-2].startswith("no integer form ")
    assert lines[-2].endswith("divide_1 (ratio)")
    assert lines[-1].endswith("conv2d_0, conv2d_1, conv2d_2, conv2d_3, conv2d_4, conv2d_5 and 2 more")


def test_tensors_show_their_quantisation_where_they_have_one():
    lines = text.tensors_text([FLOAT], [QUANTIZED]).splitlines()
    assert lines[2].split() == ["input", "mask", "2", "x", "2", "float32", "-", "-"]
    assert lines[3].split() == ["output", "scores", "1", "x", "4", "int8", "0.5", "-2"]


def test_outputs_of_one_sample_are_its_largest_values():
    lines = text.outputs_text([QUANTIZED], [{"scores": np.int8([[3, -128, 7, 3]])}]).splitlines()
    assert lines[0] == "scores, int8 1 x 4"
    assert [line.split() for line in lines[3:]] == [["2", "7", "4.5"], ["0", "3", "2.5"], ["3", "3", "2.5"], ["1", "-128", "-63"]]


def test_places_in_a_tensor_of_several_axes_are_tuples():
    lines = text.outputs_text([FLOAT], [{"mask": np.float32([[0.25, 0.5], [1, 0]])}]).splitlines()
    assert lines[3].split() == ["1,", "0", "1.0", "1"]


def test_outputs_of_many_samples_are_the_largest_value_of_each():
    samples = [{"scores": np.int8([[0, 0, index, 0]])} for index in range(1, 24)]
    lines = text.outputs_text([QUANTIZED], samples).splitlines()
    assert lines[2].split() == ["0", "scores", "2", "1", "1.5"]
    assert len(lines) == 2 + 20 + 1
    assert lines[-1] == "... and 3 more samples; --json has all"


def test_comparisons_name_layer_and_tensor():
    tensors = [
        {"tensor": "a" * 60, "layer": "conv2d_0", "elements": 1200, "mismatches": 3, "max_abs_diff": 1.0},
        {"tensor": "y", "layer": "", "elements": 4, "mismatches": 0, "max_abs_diff": 0.0},
    ]
    lines = text.comparisons_text(tensors).splitlines()
    assert lines[2].split() == ["conv2d_0", "1,200", "3", "1", "a" * 45 + "..."]
    assert lines[3].split() == ["(output)", "4", "0", "0", "y"]
