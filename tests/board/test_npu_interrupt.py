"""The driver waiting by interrupt: an emulated core sleeps until the end of a stream reaches its NVIC."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np

from tvm_tiny.board.catalogue import board_info
from tvm_tiny.board.compile import Unit, compile_units
from tvm_tiny.board.firmware_build import SUPPORT, firmware_units, link, linker_script
from tvm_tiny.board.npu_board import INTERRUPT, emulator_arguments, machine, registers_address
from tvm_tiny.board.plugin import npu_plugin
from tvm_tiny.board.process import run_process
from tvm_tiny.board.symbols import read_symbols
from tvm_tiny.board.toolchain import ARM_GCC, QEMU, find_tool
from tvm_tiny.resources import firmware_dir, npu_driver_dir
from tvm_tiny.target import get_core

from .npu_models import SIZE, TOKEN, job, turned

INFO = board_info("mps2-an505+etpu-16")
UART_BASE, UART_IRQ = 0x5020_0000, 32
FIRMWARE = Path(__file__).with_name("npu_interrupt.c")


def built(folder: Path) -> Path:
    one, core, gcc = job("etpu-16"), get_core(INFO.target), find_tool(ARM_GCC)
    arrays = {"run": one.run, "load": one.load, "constants": one.constants.tobytes()}
    # Not const: the device sees RAM only.
    lines = [f"static uint8_t {name}[] = {{{', '.join(map(str, data))}}};" for name, data in arrays.items()]
    (folder / "job.h").write_text("\n".join([f"enum {{ SIZE = {SIZE} }};", f"#define TOKEN {TOKEN}u", *lines]) + "\n")
    sources = [
        *(firmware_dir() / name for name in (*SUPPORT, "npu/hal_shared.c")),
        npu_driver_dir() / "tvm_tiny/npu/etpu.c",
        FIRMWARE,
    ]
    defines = (
        f"-I{npu_driver_dir()}",
        f"-DETPU_BASE_ADDRESS=0x{registers_address(INFO):08x}u",
        "-DETPU_WAIT_FOR_INTERRUPT",
        f"-DUART_BASE=0x{UART_BASE:08x}u",
        f"-DUART_IRQ={UART_IRQ}u",
        "-Werror",
    )
    units: list[Unit] = firmware_units(sources, folder / "objects", folder, core, defines)
    compile_units(gcc, units)
    link(gcc, core, [unit.object for unit in units], linker_script(INFO), folder, "firmware")
    return folder / "firmware.elf"


def test_the_core_sleeps_until_the_device_interrupts_it(tmp_path: Path) -> None:
    elf = built(tmp_path)
    for end in ("in", "out"):
        os.mkfifo(tmp_path / f"{INTERRUPT}.{end}")
    device = emulator_arguments(INFO, npu_plugin(), tmp_path, read_symbols(elf), interrupt=True)
    connection = INFO.connection or {}
    command = [
        find_tool(QEMU),
        *("-machine", machine(INFO, connection["machine"])),
        *device,
        *("-display", "none", "-monitor", "none"),
        *("-chardev", f"pipe,id=line,path={INTERRUPT}", "-serial", "chardev:line"),
        *("-semihosting-config", "enable=on,target=native"),
        *("-kernel", elf),
    ]
    finished = run_process(command, tmp_path, 20.0)
    assert finished.code == 0, finished.console
    told = (tmp_path / "out.bin").read_bytes()
    rounds = [struct.unpack(f"<II{SIZE}b", told[place : place + 8 + SIZE]) for place in (0, 8 + SIZE)]
    for index, (status, _interrupts, *values) in enumerate(rounds):
        assert status == 0
        x = (3 * np.arange(SIZE) + index).astype(np.uint8).view(np.int8)
        np.testing.assert_array_equal(values, turned(x))
    assert [interrupts for _status, interrupts, *_values in rounds] == [2, 3], "the load stream's and each run stream's"
