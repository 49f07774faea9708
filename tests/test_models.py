"""The four int8 models of MLPerf Tiny, end to end: compiled, checked by compilers and sanitizers, run on the emulated Cortex-M4."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.codegen.compilers import CLANG, WARNINGS, Compiler
from tvm_tiny.api import Optimize, Verification, verify
from tvm_tiny.api import compile as compile_model
from tvm_tiny.board import get_board
from tvm_tiny.frontend import load
from tvm_tiny.target import get_core
from tvm_tiny.testing.samples import random_inputs

pytestmark = pytest.mark.models

MODELS = ("kws", "vww", "ic", "ad")
MACS = {"kws": 2_656_768, "vww": 7_489_664, "ic": 12_501_632, "ad": 264_192}
M4 = ("-std=c99", "-pedantic", "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
ARM_GCC = Compiler("gcc-m4", "arm-none-eabi-gcc", M4)


def golden(models_dir: Path, name: str, board: str, optimize: Optimize = "speed") -> Verification:
    """A verification of the default rounding against the outputs that TFLite Micro computed on a Cortex-M4."""
    recorded = np.load(models_dir / "golden" / f"{name}.npz")
    model = load(models_dir / f"{name}.tflite")
    (given,), (result,) = model.inputs, model.outputs
    return verify(
        model,
        board=board,
        optimize=optimize,
        inputs=[{given.name: each.reshape(given.shape)} for each in recorded["inputs"]],
        expected=[{result.name: each.reshape(result.shape)} for each in recorded["outputs"]],
    )


@pytest.mark.parametrize("board", ["host", "mps2-an386"])
@pytest.mark.parametrize("name", MODELS)
def test_the_default_rounding_equals_tflite_micro(models_dir: Path, name: str, board: str) -> None:
    verification = golden(models_dir, name, board)
    assert verification.samples == 20
    assert verification.mismatches == 0


@pytest.mark.parametrize("board", ["host", "mps2-an385", "mps2-an386"])
@pytest.mark.parametrize("name", MODELS)
def test_layers_that_share_functions_compute_the_same(models_dir: Path, name: str, board: str) -> None:
    verification = golden(models_dir, name, board, "size")
    assert verification.mismatches == 0
    layers = verification.run.report["layers"]
    assert all(layer["instructions"] for layer in layers) or board == "host"  # each is counted by itself


LIVE_WEIGHTS = {"kws": 22_016, "vww": 29_066, "ic": 77_360, "ad": 264_192}
"""Bytes of weights that can change an output."""


@pytest.mark.parametrize("target", ["cortex-m0", "cortex-m3", "cortex-m4", "cortex-m55"])
@pytest.mark.parametrize("name", MODELS)
def test_layouts_fill_up_at_most_two_in_a_hundred_of_the_weights(models_dir: Path, name: str, target: str) -> None:
    """Of default schedules; tests/tune/test_shipped.py has the flash of tuned ones."""
    report = compile_model(models_dir / f"{name}.tflite", target=target, database="none").report
    flash, layers = report["flash"], report["layers"]
    assert LIVE_WEIGHTS[name] <= flash["kernels"] <= 1.02 * LIVE_WEIGHTS[name]
    assert flash["kernels"] == sum(layer["kernel"] for layer in layers)
    assert flash["kernels"] + flash["streams"] + flash["parameters"] == flash["weights"]


def test_weights_that_lie_between_their_biases_are_told_apart(models_dir: Path) -> None:
    """The four pointwise layers of kws, 64 x 64 each, read one stream each as they are tuned: at least a word more a channel."""
    flash = compile_model(models_dir / "kws.tflite", target="cortex-m4").report["flash"]
    assert 4 * 64 * (64 + 4) <= flash["streams"] <= LIVE_WEIGHTS["kws"]
    assert flash["kernels"] + flash["streams"] + flash["parameters"] == flash["weights"]


SMALL_CODE = 10_000
"""Bytes of code that a model may take with ``--optimize size``."""


@pytest.mark.parametrize("target", ["cortex-m0", "cortex-m0plus", "cortex-m3"])
@pytest.mark.parametrize("name", MODELS)
def test_small_code(models_dir: Path, name: str, target: str) -> None:
    compiled = compile_model(models_dir / f"{name}.tflite", target=target, optimize="size")
    image = get_board("mps2-an385" if target == "cortex-m3" else "microbit-xl").build(compiled.module, optimize="size")
    assert image.code_size is not None
    assert image.code_size <= SMALL_CODE


@pytest.mark.parametrize("board", ["host", "mps2-an386"])
@pytest.mark.parametrize("name", MODELS)
def test_every_inner_tensor_equals_litert(models_dir: Path, name: str, board: str) -> None:
    verification = verify(models_dir / f"{name}.tflite", board=board, samples=5, seed=11, layers=True, rounding="litert")
    assert "LiteRT" in verification.reference
    assert verification.mismatches == 0
    computed = [layer for layer in verification.run.report["layers"] if layer["tensor"]]
    assert len(verification.layers) == len(computed)  # none was left out


@pytest.mark.parametrize("name", MODELS)
def test_the_c_has_no_undefined_behaviour(models_dir: Path, name: str) -> None:
    compiled = compile_model(models_dir / f"{name}.tflite", target="c")
    host = get_board("host")
    image = host.build(compiled.module, sanitize=True)
    result = host.run(image, random_inputs(compiled.inputs, 6, seed=5))  # a sanitizer's finding ends the program with an error
    assert len(result.outputs) == 6


@pytest.mark.parametrize("compiler", [ARM_GCC, CLANG], ids=["arm-none-eabi-gcc", "clang"])
@pytest.mark.parametrize("name", MODELS)
def test_the_c_compiles_without_a_warning(models_dir: Path, name: str, compiler: Compiler, tmp_path: Path) -> None:
    compiled = compile_model(models_dir / f"{name}.tflite", target="cortex-m4" if compiler is ARM_GCC else "c")
    compiled.save(tmp_path)
    compiler.check([tmp_path / source for source in compiled.module.sources], [tmp_path])


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("target", ["cortex-m0", "cortex-m4"])
@pytest.mark.parametrize("name", MODELS)
def test_the_c_for_a_core_compiles_without_a_warning(
    models_dir: Path, name: str, target: str, optimize: Optimize, tmp_path: Path
) -> None:
    compiled = compile_model(models_dir / f"{name}.tflite", target=target, optimize=optimize)
    compiled.save(tmp_path)
    # To objects: numbers reach the text of assembly only when functions have been inlined.
    flags = ("-std=c99", *get_core(target).cflags, "-O2", *WARNINGS, f"-I{tmp_path}", "-c")
    compiler = Compiler("gcc", "arm-none-eabi-gcc", flags)
    compiler.run(*(tmp_path / source for source in compiled.module.sources), cwd=tmp_path)


@pytest.mark.parametrize("name", MODELS)
def test_the_report_tells_macs_and_that_nothing_stayed_float(models_dir: Path, name: str) -> None:
    report = compile_model(models_dir / f"{name}.tflite", target="cortex-m4").report
    assert report["macs"] == MACS[name]
    assert report["float_layers"] == []
    assert all(layer["integer"] for layer in report["layers"])
