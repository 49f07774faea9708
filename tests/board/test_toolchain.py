from __future__ import annotations

from pathlib import Path

import pytest

from tvm_tiny.board.toolchain import ARM_GCC, HOST_CC, QEMU, Tool, find_tool, run_tool, tool_version
from tvm_tiny.errors import ToolchainError

TOOLS = pytest.mark.parametrize("tool", [ARM_GCC, QEMU, HOST_CC], ids=lambda tool: tool.variable)


@TOOLS
def test_finds_tools_and_their_versions(tool: Tool) -> None:
    assert find_tool(tool).is_file()
    assert int(tool_version(tool).partition(".")[0]) >= 4


@TOOLS
def test_a_missing_tool_names_its_package(tool: Tool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(tool.variable, raising=False)
    with pytest.raises(ToolchainError, match=f"looked for {tool.programs[0]}") as raised:
        find_tool(tool)
    assert f"apt-get install {tool.debian}" in raised.value.hint
    assert f"brew install {tool.brew}" in raised.value.hint
    assert tool.variable in raised.value.hint


@TOOLS
def test_the_environment_overrides(tool: Tool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("#!/bin/sh\necho other 99.1.2\n")
    monkeypatch.setenv(tool.variable, str(other))
    with pytest.raises(ToolchainError, match=f"{tool.variable} is '{other}', which is no program that can be run"):
        find_tool(tool)
    other.chmod(0o755)
    assert find_tool(tool) == other
    assert tool_version(tool) == "99.1.2"


def test_reads_the_versions_that_distributions_decorate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "gcc"
    program.write_text("#!/bin/sh\necho 'arm-none-eabi-gcc (15:12.2.rel1-1) 12.2.1 20221205'\n")
    program.chmod(0o755)
    monkeypatch.setenv(ARM_GCC.variable, str(program))
    assert tool_version(ARM_GCC) == "12.2.1"


def test_a_program_without_a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(QEMU.variable, "false")
    with pytest.raises(ToolchainError, match="does not tell a version"):
        tool_version(QEMU)


def test_a_program_that_cannot_start(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match="could not be started"):
        run_tool([tmp_path / "nothing"])
