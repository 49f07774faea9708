"""The plugin's other answers: what it read, where it stood, and what it refuses."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tvm_tiny.board import get_board
from tvm_tiny.board.counting import CONFIG, COUNTS, read_blocks, read_counts, write_config
from tvm_tiny.board.harness import write_inputs
from tvm_tiny.board.plugin import emulator_plugin
from tvm_tiny.board.symbols import read_symbols

from .programs import SAMPLE, Function, hand

MIXED = Function(
    "mixed",
    """
    movs r0, #3
    1: movw r1, #1000
    smlad r2, r1, r1, r0
    subs r0, #1
    bne 1b
    b.w 2f
    .p2align 12
    .space 4094
    2: movw r3, #4660
    mov.w r3, r3, lsl #2
    bx lr
    """,
)


def command(image: Path, config: str = CONFIG) -> list[str]:
    machine = ["-machine", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "none"]
    plugin = ["-semihosting-config", "enable=on,target=native", "-plugin", f"{emulator_plugin()},config={config}"]
    return ["qemu-system-arm", *machine, *plugin, "-kernel", str(image)]


def emulate(image: Path, folder: Path, config: str = CONFIG) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(image, config), cwd=folder, capture_output=True, text=True, timeout=30)


def disassembled(image: Path) -> dict[int, str]:
    """Address → encoding, by objdump."""
    text = subprocess.run(["arm-none-eabi-objdump", "-d", str(image)], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^\s+([0-9a-f]+):\t((?:[0-9a-f]{4} ?)+)", text, re.MULTILINE)
    return {int(address, 16): code.replace(" ", "") for address, code in found}


def test_reads_every_encoding_as_the_disassembler_does(tmp_path: Path) -> None:
    """Also that of an instruction across two pages, and of the one before it."""
    module = hand([MIXED], ["mixed"])
    image = get_board("mps2-an386").build(module, folder=tmp_path / "image").path
    symbols = read_symbols(image)
    write_inputs(tmp_path, module, [SAMPLE], ticks=False)
    write_config(tmp_path, module, symbols, "cortex-m4")
    assert emulate(image, tmp_path).returncode == 0

    expected = disassembled(image)
    executed: dict[int, int] = {}
    for block in read_blocks(tmp_path):
        address = block.address
        for encoding in block.encodings:
            assert encoding == expected[address], hex(address)
            executed[address] = executed.get(address, 0) + block.executed
            address += len(encoding) // 2
    mixed = symbols.address_of("mixed")
    assert [executed[mixed + offset] for offset in (0, 2, 6, 10, 12, 14)] == [1, 3, 3, 3, 3, 1]
    crossing = next(address for address in executed if address % 4096 == 4094 and len(expected[address]) == 8)
    assert executed[crossing] == 1

    counts = read_counts(tmp_path, symbols)
    assert counts.totals == (sum(executed.values()),)
    assert counts.last_layer is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "must give output, begin, end and run"),
        ("output x\nbegin 0x10\nend 0x12\n", "must give output, begin, end and run"),
        ("output counts.txt\nbegin here\n", "line 2"),
        ("output counts.txt\nrun 0x10\n", "line 2"),
        ("output counts.txt\nbegin 0x123456789\n", "line 2"),
        ("colour red\n", "line 1"),
        ("output nowhere/counts.txt\nbegin 0x10\nend 0x12\nrun 0x0 0x8\n", "cannot write"),
    ],
)
def test_refuses_a_bad_configuration(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "bad.cfg").write_text(text)
    finished = emulate(tmp_path / "none.elf", tmp_path, "bad.cfg")
    assert finished.returncode != 0
    assert re.search(f"tvm_tiny_emulator: .*{complaint}", finished.stderr)


def test_refuses_a_missing_configuration(tmp_path: Path) -> None:
    finished = emulate(tmp_path / "none.elf", tmp_path, "missing.cfg")
    assert finished.returncode != 0
    assert "tvm_tiny_emulator: cannot read the configuration missing.cfg" in finished.stderr


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def lives(process: Path) -> bool:
    """Of a process in /proc, that it runs: one that has ended may be listed until somebody asks for its code."""
    try:
        return "\nState:\tZ" not in (process / "status").read_text()
    except OSError:
        return False


KILLED = """
import os, subprocess, sys
emulator = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
print(emulator.pid, flush=True)
emulator.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has ended")
def test_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    module = hand([Function("endless", "b .")], ["endless"])
    image = get_board("mps2-an386").build(module, folder=tmp_path / "image").path
    write_inputs(tmp_path, module, [SAMPLE], ticks=False)
    write_config(tmp_path, module, read_symbols(image), "cortex-m4")
    parent = subprocess.Popen([sys.executable, "-c", KILLED, *command(image)], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    emulator = Path("/proc", parent.stdout.readline().strip())
    until((tmp_path / COUNTS).exists, "the plugin starts")
    assert lives(emulator)
    parent.kill()
    parent.wait()
    until(lambda: not lives(emulator), "the emulator ends")
