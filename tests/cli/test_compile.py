"""``tvm-tiny compile``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from tvm_tiny import CompiledModel
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

from .conftest import Command


def test_writes_the_c_and_the_report(model: Path, tmp_path: Path, command: Command):
    done = command("compile", model, "--target", "cortex-m4", "--output", tmp_path / "out")
    assert done.code == 0
    assert {"dense.h", "dense.c", "tvmgen_dense.h", "report.json"} <= {path.name for path in (tmp_path / "out").iterdir()}
    compiled = CompiledModel.load(tmp_path / "out")
    assert compiled.report["target"] == "cortex-m4"
    assert [spec.name for spec in compiled.inputs] == ["x"]
    assert f"The C is in {tmp_path / 'out'}: dense.c, dense.h" in done.out


def test_prints_memory_tensors_and_layers(model: Path, command: Command):
    text = command("compile", model, "--target", "c").out
    assert text.startswith("dense for c\n")
    assert re.search(r"arena +\d+ bytes +of RAM; lower bound \d+, inputs and outputs 12", text)
    assert re.search(r"weights +\d+ bytes +of flash", text)
    assert re.search(r"input +x +1 x 8 +int8 +0\.05 +-3", text)
    assert re.search(r"output +y +1 x 4 +int8 +0\.1 +5", text)
    assert re.search(r"fully_connected_0 +fully_connected +1 x 4 +int8 +32 +12 +default", text)
    assert "Nothing was written" in text


def test_json_on_standard_output_is_the_report_and_nothing_else(model: Path, command: Command):
    report = command("compile", model, "--target", "cortex-m4", "--json", "-").json
    assert (report["model"], report["target"], report["board"], report["macs"]) == ("dense", "cortex-m4", None, 32)
    assert report["ram"]["arena"] >= report["ram"]["arena_lower_bound"] >= 8
    assert report["ram"]["stack"] is None
    assert report["flash"]["weights"] > 0
    assert [layer["op"] for layer in report["layers"]] == ["fully_connected"]
    assert report["float_layers"] == []


def test_json_file_is_what_standard_output_would_be(model: Path, tmp_path: Path, command: Command):
    command("compile", model, "--target", "c", "--json", tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text()) == command("compile", model, "--target", "c", "--json", "-").json


def test_target_is_that_of_the_board(model: Path, command: Command):
    assert command("compile", model, "--board", "mps2-an505", "--json", "-").json["target"] == "cortex-m33"


def test_target_goes_before_the_board(model: Path, command: Command):
    assert command("compile", model, "--board", "mps2-an505", "--target", "c", "--json", "-").json["target"] == "c"


def test_options_reach_the_compiler(model: Path, tmp_path: Path, command: Command):
    done = command(
        *("compile", model, "--target", "c", "--optimize", "size", "--name", "My Net", "--output", tmp_path / "out", "--json", "-")
    )
    assert (done.json["model"], done.json["optimize"]) == ("my_net", "size")
    assert (tmp_path / "out" / "my_net.h").is_file()


def test_rounding_reaches_the_compiler(tmp_path: Path, command: Command):
    """Per-tensor weights: the two roundings of a fully connected layer are different functions in the C."""
    from .conftest import dense_model

    path = tmp_path / "dense.tflite"
    path.write_bytes(dense_model(64, 16))
    texts = set()
    for rounding in ("tflite-micro", "litert"):
        assert command("compile", path, "--target", "c", "--rounding", rounding, "--output", tmp_path / rounding).code == 0
        texts.add((tmp_path / rounding / "dense.c").read_text())
    assert len(texts) == 2


def test_what_stays_float_is_listed_with_its_reason(tmp_path: Path, command: Command):
    b = TFLiteBuilder()
    x = b.input("x", (1, 8), "int8", 0.05, 0)
    divisor = b.constant("divisor", np.full((1, 8), 2, np.int8), 0.5, 0)
    path = tmp_path / "quotient.tflite"
    path.write_bytes(b.build([b.operator("DIV", [x, divisor], (1, 8), "quotient", 0.1, 0, "DivOptions")]))
    text, report = command("compile", path, "--target", "c").out, command("compile", path, "--target", "c", "--json", "-").json
    assert "3 of 3 layers compute with floating-point numbers:" in text
    assert re.search(r"no integer form is known for it +divide_1 \(quotient\)", text)
    assert [each["operator"] for each in report["float_layers"]] == ["dequantize", "divide", "quantize"]
    assert report["float_layers"][1]["tensor"] == "quotient"
    assert report["float_layers"][1]["reason"] == "no integer form is known for it"


def test_folder_is_made_with_its_parents_and_can_be_written_again(model: Path, tmp_path: Path, command: Command):
    for _ in range(2):
        assert command("compile", model, "--target", "c", "--output", tmp_path / "a" / "b").code == 0
    assert CompiledModel.load(tmp_path / "a" / "b").module.name == "dense"


def test_streaming_needs_frames_along_the_second_axis(command: Command, model: Path) -> None:
    """The input of the sample model is (1, 8): no frames."""
    done = command("compile", model, "--target", "c", "--streaming")

    assert done.code != 0
    assert "is int8[1, 8]: a stream needs int8[1, frames, width, channels]" in done.err


def test_compare_tells_what_each_setting_costs(command: Command, model: Path) -> None:
    done = command("compile", model, "--target", "cortex-m4", "--compare", "--json", "-")

    rows = done.json["comparison"]
    assert [row["optimize"] for row in rows] == ["speed", "size", "ram"]
    assert all(row["board"] == "mps2-an386" and row["cycles"] > 0 and row["flash"]["code"] > 0 for row in rows)
    assert rows[1]["flash"]["code"] <= rows[0]["flash"]["code"]
