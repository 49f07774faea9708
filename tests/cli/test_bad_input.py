"""What users get wrong: one clear message with the hint how to mend it, the exit code of its kind, nothing half written."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tvm_tiny.testing.onnx_builder import OnnxBuilder
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

from .conftest import Command, Done, dense_model

# Exit codes, by what the user has to look at.
MODEL, OPERATOR, TARGET, BOARD, TOOLCHAIN, CAPACITY, INPUT, OUTPUT = 3, 4, 5, 6, 8, 9, 10, 11


def refused(done: Done, code: int, *parts: str) -> None:
    """Checks what every refusal has in common, and that the message holds ``parts``."""
    assert done.code == code, done
    assert done.out == ""
    assert done.err.startswith("tvm-tiny: error: ")
    assert "Traceback" not in done.err
    assert "internal error" not in done.err
    for part in parts:
        assert part in done.err


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder`` with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# ---- the model -------------------------------------------------------------------------------------------------------------------


def tflite_input(dtype: str = "int8", signature: tuple[int, ...] = ()) -> bytes:
    b = TFLiteBuilder()
    return b.build([b.reshape(b.input("x", (1, 4, 4), dtype, shape_signature=signature), (1, 16), "y")])


def custom_operator() -> bytes:
    b = TFLiteBuilder()
    return b.build([b.custom(b.input("x", (1, 4), "int8", 0.1), "FancyPooling", "y")])


def onnx_relu(shape: tuple[int | str, ...], operator: str = "Relu") -> bytes:
    b = OnnxBuilder()
    return b.build([b.operator(operator, [b.input("x", shape)], "y")])


def float16_onnx() -> bytes:
    b = OnnxBuilder()
    return b.build([b.operator("Relu", [b.input("x", (1, 4), dtype="float16")], "y")])


MODELS: dict[str, tuple[str, Callable[[], bytes], int, tuple[str, ...]]] = {
    "empty file": ("m.tflite", lambda: b"", MODEL, ("the file is empty", "hint: copy or download it again")),
    "truncated tflite": ("m.tflite", lambda: dense_model(64, 16)[:-400], MODEL, ("m.tflite", "truncated")),
    "truncated onnx": ("m.onnx", lambda: onnx_relu((1, 4))[:-9], MODEL, ("truncated", "hint: copy, download or export it again")),
    "text file": ("m.tflite", lambda: b"layers:\n  - conv\n", MODEL, ("found a text file",)),
    "web page": ("m.onnx", lambda: b"<!DOCTYPE html><html></html>", MODEL, ("found a web page", "hint: download the file itself")),
    "wrong extension": (
        "m.tflite",
        lambda: onnx_relu((1, 4)),
        MODEL,
        ("the content is an ONNX model", "hint: rename it to m.onnx"),
    ),
    "float16 tflite": ("m.tflite", lambda: tflite_input("float16"), MODEL, ("float16", "hint: ")),
    "float16 onnx": ("m.onnx", float16_onnx, MODEL, ("a float16 model", "hint: export the model in float32")),
    "dynamic batch": ("m.onnx", lambda: onnx_relu(("N", 4)), MODEL, ("dimension 0 (N) of input 'x' is not fixed", "hint: ")),
    "dynamic shape": ("m.tflite", lambda: tflite_input(signature=(1, -1, 4)), MODEL, ("of tensor 'x' is not fixed", "hint: ")),
    "unknown operator": ("m.tflite", custom_operator, OPERATOR, ("CUSTOM FancyPooling", "hint: `tvm-tiny operators`")),
    "control flow": ("m.onnx", lambda: onnx_relu((1, 4), "NonZero"), OPERATOR, ("NonZero", "only known when it runs")),
}


@pytest.mark.parametrize("case", MODELS)
@pytest.mark.parametrize("verb", ["compile", "run", "verify"])
def test_model_that_cannot_be_read(case: str, verb: str, tmp_path: Path, command: Command):
    file, content, code, parts = MODELS[case]
    (tmp_path / file).write_bytes(content())
    options = ("--target", "c", "--output", tmp_path / "out") if verb == "compile" else ()
    refused(command(verb, tmp_path / file, *options, "--json", tmp_path / "report.json"), code, file, *parts)
    assert [path.name for path in tmp_path.iterdir()] == [file]


def test_model_that_is_not_there(model: Path, command: Command):
    refused(command("compile", model.parent / "dance.tflite", "--target", "c"), MODEL, "no such file", "dense.tflite")


def test_folder_in_place_of_a_model(tmp_path: Path, command: Command):
    refused(command("compile", tmp_path, "--target", "c"), MODEL, "expected a model file, found a folder")


# ---- a compiled folder -----------------------------------------------------------------------------------------------------------


def damaged(folder: Path, file: str, content: str | None) -> None:
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content)


@pytest.mark.parametrize(
    ("file", "content", "part"),
    [
        ("report.json", None, "holds no compiled model: report.json is missing"),
        ("report.json", '{"model": "dense", "mod', "not the report of a compiled model"),
        ("report.json", "{}", "not the report of a compiled model"),
        ("report.json", "[1, 2]", "not the report of a compiled model"),
        ("dense.c", None, "is not whole: dense.c is missing"),
    ],
)
def test_compiled_folder_that_is_damaged(file: str, content: str | None, part: str, compiled: Path, command: Command):
    damaged(compiled, file, content)
    refused(command("run", compiled), MODEL, part, "hint: compile")


def test_compiled_c_that_is_damaged_is_the_compilers_matter(compiled: Path, command: Command):
    (compiled / "dense.c").write_text("int main(\n")
    refused(command("run", compiled), TOOLCHAIN, "dense.c")


# ---- target, board and options ---------------------------------------------------------------------------------------------------


def test_unknown_target_is_told_with_the_nearest(model: Path, command: Command):
    done = command("compile", model, "--target", "cortex-m44")
    refused(done, TARGET, "unknown target 'cortex-m44'", "cortex-m0plus", "hint: did you mean 'cortex-m4'?")


def test_missing_target_is_told_with_the_choice(model: Path, command: Command):
    refused(command("compile", model), TARGET, "no target is given", "cortex-m4, cortex-m7", "hint: or --board")


@pytest.mark.parametrize("verb", ["compile", "run", "verify"])
def test_unknown_board_is_told_with_the_nearest(verb: str, model: Path, command: Command):
    done = command(verb, model, "--board", "mps2-an368")
    refused(done, BOARD, "unknown board 'mps2-an368'", "microbit", "hint: did you mean 'mps2-an3")


@pytest.mark.parametrize(
    ("option", "value", "choices"), [("--optimize", "sped", "speed, size, ram"), ("--rounding", "up", "tflite-micro, litert")]
)
def test_unknown_choice_is_told_with_the_known_ones(option: str, value: str, choices: str, model: Path, command: Command):
    refused(command("compile", model, "--target", "c", option, value), TARGET, f"is '{value}': expected one of {choices}")


def test_target_that_the_board_cannot_run(model: Path, command: Command):
    refused(command("run", model, "--target", "cortex-m55", "--board", "microbit"), TARGET, "cortex-m55", "microbit")


# ---- programs --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["PATH", "variable"])
@pytest.mark.parametrize(
    ("board", "variable", "package"),
    [
        ("host", "TVM_TINY_CC", "gcc"),
        ("mps2-an386", "TVM_TINY_ARM_GCC", "gcc-arm-none-eabi"),
        ("mps2-an386", "TVM_TINY_QEMU", "qemu-system-arm"),
    ],
)
def test_missing_program_is_told_with_its_package(
    board: str,
    variable: str,
    package: str,
    how: str,
    model: Path,
    tmp_path: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
):
    if how == "PATH":
        programs = {"TVM_TINY_QEMU": ("arm-none-eabi-gcc", "arm-none-eabi-size", "arm-none-eabi-nm")}.get(variable, ())
        for program in programs:
            found = subprocess.run(["which", program], capture_output=True, text=True, check=True).stdout.strip()
            (tmp_path / program).symlink_to(found)
        monkeypatch.setenv("PATH", str(tmp_path))
    else:
        monkeypatch.setenv(variable, str(tmp_path / "nowhere"))
    refused(
        command("run", model, "--target", "c", "--board", board),
        TOOLCHAIN,
        f"apt-get install {package}",
        f"set {variable} to its path",
    )


# ---- inputs ----------------------------------------------------------------------------------------------------------------------


INPUTS: dict[str, tuple[np.ndarray, tuple[str, ...]]] = {
    "wrong shape": (np.zeros((1, 9), np.int8), ("'x' has the shape [1, 9]: expected [1, 8]", "hint: or [N, 8] for N samples")),
    "wrong dtype": (np.zeros((1, 8), np.uint8), ("is uint8[1, 8]: expected int8[1, 8]",)),
    "real values": (np.zeros((1, 8), np.float32), ("expected int8", "hint: quantise it: round(x / 0.05) + -3, as int8")),
    "no samples": (np.zeros((0, 8), np.int8), ("has no samples",)),
}


@pytest.mark.parametrize("case", INPUTS)
def test_input_that_does_not_fit(case: str, model: Path, tmp_path: Path, command: Command):
    array, parts = INPUTS[case]
    np.savez(tmp_path / "x.npz", x=array)
    refused(command("run", model, "--input", tmp_path / "x.npz", "--json", tmp_path / "run.json"), INPUT, *parts)
    assert not (tmp_path / "run.json").exists()


def test_input_that_is_not_there(model: Path, tmp_path: Path, command: Command):
    refused(command("run", model, "--input", tmp_path / "x.npz"), INPUT, "x.npz: no such file")


def test_input_that_is_damaged(model: Path, tmp_path: Path, command: Command):
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 and no more")
    refused(command("run", model, "--input", tmp_path / "x.npz"), INPUT, "not a readable NumPy file")


@pytest.mark.parametrize("verb", ["run", "verify"])
@pytest.mark.parametrize("samples", [0, -3])
def test_number_of_samples_below_one(verb: str, samples: int, model: Path, command: Command):
    refused(command(verb, model, "--samples", samples), INPUT, "expected at least")


# ---- memory ----------------------------------------------------------------------------------------------------------------------


def test_model_too_large_for_the_ram_says_by_how_many_bytes(tmp_path: Path, command: Command):
    """The micro:bit has 16 kB of RAM, of which the stack takes 2."""
    (tmp_path / "wide.tflite").write_bytes(dense_model(20_000, 1))
    done = command("run", tmp_path / "wide.tflite", "--board", "microbit")
    refused(
        done,
        CAPACITY,
        "does not fit on microbit: ram is too small by ",
        " bytes",
        "it has 16,384 and ",
        "hint: a board with more memory",
    )
    missing, needed = (
        int(done.err.partition(before)[2].split()[0].replace(",", "")) for before in ("too small by ", "16,384 and ")
    )
    assert needed - 16_384 == missing
    assert needed > 20_000 + 2_048


def test_model_too_large_for_the_flash_says_by_how_many_bytes(tmp_path: Path, command: Command):
    """The micro:bit has 256 kB of flash."""
    (tmp_path / "heavy.tflite").write_bytes(dense_model(600, 500))
    done = command("run", tmp_path / "heavy.tflite", "--board", "microbit")
    refused(done, CAPACITY, "does not fit on microbit: flash is too small by ", " bytes", "it has 262,144 and ", "weights 30")
    missing, needed = (
        int(done.err.partition(before)[2].split()[0].replace(",", "")) for before in ("too small by ", "262,144 and ")
    )
    assert needed - 262_144 == missing
    assert needed > 300_000


# ---- outputs ---------------------------------------------------------------------------------------------------------------------


def test_output_under_a_file(model: Path, tmp_path: Path, command: Command):
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "out"):
        refused(
            command("compile", model, "--target", "c", "--output", folder), OUTPUT, f"{tmp_path / 'file'} is not a folder", "hint: "
        )
    assert tree(tmp_path) == {"file": b"mine"}


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc, where not even root may make a folder")
def test_output_where_nobody_may_write(model: Path, command: Command):
    refused(
        command("compile", model, "--target", "c", "--output", "/proc/out"),
        OUTPUT,
        "/proc",
        "hint: choose a folder that can be written",
    )


def test_json_that_cannot_be_written_is_told_before_the_work(model: Path, tmp_path: Path, command: Command):
    out = tmp_path / "out"
    for path, part in ((tmp_path / "none" / "r.json", "there is no folder"), (tmp_path, "is a folder")):
        refused(command("compile", model, "--target", "c", "--output", out, "--json", path), OUTPUT, part)
    assert not out.exists()


def test_failure_leaves_what_an_earlier_run_wrote(compiled: Path, tmp_path: Path, command: Command):
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"mine": 1}))
    before = tree(tmp_path)
    broken = tmp_path.parent / f"{tmp_path.name}.tflite"
    broken.write_bytes(custom_operator())
    refused(command("compile", broken, "--target", "c", "--output", compiled, "--json", report), OPERATOR)
    assert tree(tmp_path) == before


def test_output_that_cannot_be_replaced_leaves_what_was_there(compiled: Path, two_inputs: Path, tmp_path: Path, command: Command):
    """A folder lies where a file of the new model would have to go."""
    (compiled / "sum.h" / "mine").mkdir(parents=True)
    before = tree(compiled)
    refused(command("compile", two_inputs, "--target", "c", "--output", compiled), OUTPUT, "hint: ")
    after = tree(compiled)
    assert {name: after.get(name) for name in before} == before
    assert not [name for name in after if ".tvm-tiny" in name]


# ---- in a process of its own -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("debug", [False, True])
def test_traceback_is_shown_with_debug_only(debug: bool, tmp_path: Path):
    (tmp_path / "m.tflite").write_text("text")
    command = [sys.executable, "-m", "tvm_tiny", "compile", "m.tflite", "--target", "c", "--output", "out"]
    done = subprocess.run([*command, *(["--debug"] if debug else [])], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == MODEL
    assert done.stdout == ""
    assert ("Traceback" in done.stderr) == debug
    assert "tvm-tiny: error: m.tflite: expected a .tflite or .onnx model, found a text file" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["m.tflite"]
