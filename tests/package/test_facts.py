"""<model>_facts.h, which --measure adds: what a build and some runs on the emulated board have shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tvm_tiny import api
from tvm_tiny.board import get_board
from tvm_tiny.errors import TargetError
from tvm_tiny.testing.samples import random_inputs


def macros(path: Path) -> dict[str, int]:
    return {name: int(value) for name, value in re.findall(r"#define (\w+) (\d+)u", path.read_text())}


def test_the_facts_are_those_of_a_build_and_a_run(model_files: list[Path], tmp_path: Path) -> None:
    api.package(model_files[:1], form="zephyr", output=tmp_path, target="cortex-m4", measure=True)
    facts = macros(tmp_path / "models/alpha/alpha_facts.h")

    device = get_board("mps2-an386")
    compiled = api.compile(model_files[0], target="cortex-m4")
    image = device.build(compiled.module, optimize="speed")
    result = device.run(image, random_inputs(compiled.inputs, 10))
    assert facts["ALPHA_CODE_SIZE"] == image.code_size
    assert result.stack is not None
    assert facts["ALPHA_STACK_SIZE"] >= result.stack
    assert facts["ALPHA_INSTRUCTIONS"] == max(result.per_inference)
    assert facts["ALPHA_CYCLES"] >= facts["ALPHA_INSTRUCTIONS"] * 0.9


def test_without_it_nothing_depends_on_this_machines_compiler(model_files: list[Path], tmp_path: Path) -> None:
    api.package(model_files[:1], form="zephyr", output=tmp_path, target="cortex-m4")

    assert not list(tmp_path.rglob("*_facts.h"))


def test_a_target_without_an_emulated_board_is_told(model_files: list[Path], tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="no emulated board has a cortex-m85"):
        api.package(model_files[:1], form="mlf", output=tmp_path / "o.tar", target="cortex-m85", measure=True)
