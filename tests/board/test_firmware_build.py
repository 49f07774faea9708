from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tvm_tiny.board import list_boards
from tvm_tiny.board.emulated import EmulatedBoard
from tvm_tiny.board.firmware_build import build_firmware, core_for
from tvm_tiny.board.npu_board import with_npu
from tvm_tiny.errors import BoardError, TargetError, ToolchainError

from .modules import samples, twice, with_sizes

EMULATED = {info.name: info for info in list_boards() if info.kind == "qemu"}
M4 = EMULATED["mps2-an386"]


@pytest.mark.parametrize("name", EMULATED)
def test_the_harness_needs_no_library(name: str, tmp_path: Path) -> None:
    """Else its library functions would be counted to the model."""
    build_firmware(twice(), EMULATED[name], tmp_path, optimize="speed", trace=True)
    text = subprocess.run(
        ["arm-none-eabi-nm", "--undefined-only", *map(str, (tmp_path / "objects" / "harness").glob("*.o"))],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    undefined = {line.split()[1] for line in text.splitlines() if line.startswith(" ")}
    own = ("tiny_", "tvm_tiny_", "semihosting_", "console_", "io_", "measure_", "fault_", "systick_", "twice_run", "main")
    assert {name for name in undefined if not name.startswith(own)} == set()


@pytest.mark.parametrize("name", EMULATED)
def test_the_firmware_itself_compiles_without_a_warning(name: str, tmp_path: Path) -> None:
    image = build_firmware(twice(), EMULATED[name], tmp_path, optimize="speed", trace=True)
    assert image.log == ""
    assert (image.trace, image.path.parent) == (True, tmp_path)


def test_warnings_of_generated_code_are_in_the_log(tmp_path: Path) -> None:
    image = build_firmware(twice("int32_t wide = in[0];\n  out[0] = wide;"), M4, tmp_path, optimize="speed", trace=False)
    assert "-Wconversion" in image.log


def test_optimize(tmp_path: Path) -> None:
    speed = build_firmware(twice(), M4, tmp_path / "speed", optimize="speed", trace=False)
    size = build_firmware(twice(), M4, tmp_path / "size", optimize="size", trace=False)
    assert speed.code_size is not None
    assert size.code_size is not None
    assert size.code_size < speed.code_size
    with pytest.raises(TargetError, match="unknown optimisation 'fun': expected one of speed, size, ram"):
        build_firmware(twice(), M4, tmp_path / "fun", optimize="fun", trace=False)


def test_weights_are_counted_as_linked(tmp_path: Path) -> None:
    image = build_firmware(with_sizes(twice(), 16, 5000), M4, tmp_path, optimize="speed", trace=False)
    assert image.weights_size == 5000
    assert image.code_size == build_firmware(twice(), M4, tmp_path / "other", optimize="speed", trace=False).code_size


def test_code_is_counted_as_linked(tmp_path: Path) -> None:
    """No library is needed here, so it is what ``size`` tells of the object."""
    image = build_firmware(twice(), M4, tmp_path, optimize="speed", trace=False)
    told = subprocess.run(
        ["arm-none-eabi-size", str(tmp_path / "objects" / "model" / "twice.o")], capture_output=True, text=True, check=True
    )
    text, data, *_ = told.stdout.splitlines()[1].split()
    assert image.code_size == int(text) + int(data)


def test_any_folder_will_do(tmp_path: Path) -> None:
    folder = tmp_path / "a folder, with (ä) in its name"
    image = EmulatedBoard(M4).build(with_sizes(twice(), 16, 24), folder=folder)
    assert image.path.parent == folder
    assert image.weights_size == 24
    assert len(EmulatedBoard(M4).run(image, samples(1)).outputs) == 1


def test_a_model_runs_on_cores_that_have_its_instructions() -> None:
    assert core_for(replace(twice(), target="c"), M4).name == "cortex-m4"
    assert core_for(replace(twice(), target="cortex-m3"), M4).name == "cortex-m3"
    assert core_for(replace(twice(), target="cortex-m4+etpu-16"), with_npu(M4, "m4+etpu-16", "etpu-16")).name == "cortex-m4"


def test_a_model_for_an_npu_needs_a_board_that_has_it() -> None:
    with pytest.raises(TargetError, match=r"is compiled for an etpu-16, and .* has no NPU") as raised:
        core_for(replace(twice(), target="cortex-m4+etpu-16"), M4)
    assert raised.value.hint == f"choose the board {M4.name}+etpu-16"
    with pytest.raises(TargetError, match=r"for an etpu-64, and .* has an etpu-16"):
        core_for(replace(twice(), target="cortex-m4+etpu-64"), with_npu(M4, f"{M4.name}+etpu-16", "etpu-16"))
    for target in ("cortex-m7", "cortex-m55"):
        with pytest.raises(TargetError, match=f"compiled for {target}, and mps2-an386 has a cortex-m4"):
            core_for(replace(twice(), target=target), M4)


def test_code_for_a_smaller_core_runs_on_a_larger_one() -> None:
    board = EmulatedBoard(M4)
    image = board.build(replace(twice(), target="cortex-m0"))
    attributes = subprocess.run(["arm-none-eabi-readelf", "-A", str(image.path)], capture_output=True, text=True, check=True).stdout
    assert "Tag_CPU_arch: v6S-M" in attributes
    assert len(board.run(image, samples(1)).outputs) == 1


def test_code_that_the_compiler_refuses(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match=r"refuses twice\.c:\n.*error: 'nonsense' undeclared"):
        build_firmware(twice("nonsense = in[0];"), M4, tmp_path, optimize="speed", trace=False)


def test_code_that_the_linker_refuses(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match=r"refuses to link the firmware:\n.*undefined reference to `elsewhere'"):
        build_firmware(
            twice("out[0] = elsewhere(in[0]);", "int8_t elsewhere(int8_t);"), M4, tmp_path, optimize="speed", trace=False
        )


def test_a_missing_cross_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolchainError, match="looked for arm-none-eabi-gcc"):
        build_firmware(twice(), M4, tmp_path, optimize="speed", trace=False)


def test_a_board_without_ram_in_its_file(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="the board mps2-an386 has no memory 'ram'"):
        build_firmware(twice(), replace(M4, memory=M4.memory[:1]), tmp_path, optimize="speed", trace=False)
