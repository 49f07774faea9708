"""The driver against a device that the test plays."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import pytest

from tvm_tiny.board.toolchain import ARM_GCC, find_tool

from .driver import ROOT, Device, Driver, job, registers


def test_a_job_is_handed_over_run_and_given_back() -> None:
    device = Device()
    assert Driver(device).call("etpu_submit", job()) == "ok"
    assert device.log == ["clean 10", "clean 11", "clean 100", "start", "invalidate 11", "unlock"]
    assert (device.values["REGIONS"], device.values["REGION0.size"], device.values["REGION1.size"]) == (2, 10, 11)
    assert device.values["STREAM_SIZE"] == 100


def test_parameters_are_loaded_once() -> None:
    device = Device(token_after_load=77)
    driver = Driver(device)
    assert driver.call("etpu_submit", job(token=77)) == "ok"
    assert device.log.count("start") == 2
    assert driver.call("etpu_submit", job(token=77)) == "ok"
    assert device.log.count("start") == 3


def test_another_model_s_parameters_are_replaced() -> None:
    device = Device(values={"TOKEN": 5}, token_after_load=77)
    assert Driver(device).call("etpu_submit", job(token=77)) == "ok"
    assert device.log.count("start") == 2


def test_a_device_in_use_is_left_alone() -> None:
    device = Device(taken=True)
    assert Driver(device).call("etpu_submit", job()) == "busy"
    assert device.log == []


def test_a_job_started_from_an_interrupt_while_another_runs_is_refused() -> None:
    inner: list[str] = []
    device = Device()
    driver = Driver(device)
    device.on_wait = lambda _turn: inner.append(driver.call("etpu_submit", job()))
    assert driver.call("etpu_submit", job()) == "ok"
    assert inner == ["busy"]


def test_in_two_steps_the_core_is_free_in_between() -> None:
    device = Device(turns=3)
    driver = Driver(device)
    one = job()
    assert driver.call("etpu_start", one) == "ok"
    assert driver.library.etpu_is_running()
    assert driver.call("etpu_finish", one) == "ok"
    assert not driver.library.etpu_is_running()
    assert not device.taken


def test_what_is_no_npu_or_another_one_is_told() -> None:
    assert Driver(Device(identity=0)).call("etpu_submit", job()) == "no device"
    assert Driver(Device(size=64)).call("etpu_submit", job()) == "wrong device"
    assert Driver(Device()).call("etpu_submit", job(buffers=17)) == "bad job"


def test_a_refused_stream_is_told_and_the_lock_given_back() -> None:
    device = Device(leaves="fault")
    assert Driver(device).call("etpu_submit", job()) == "faulted"
    assert device.log[-1] == "unlock"
    loading = Device(leaves="fault")
    assert Driver(loading).call("etpu_submit", job(token=3)) == "faulted"
    assert loading.log.count("start") == 1, "what was not loaded is not run"
    assert not loading.taken


def test_a_device_that_hangs_is_reset_when_the_hal_gives_up() -> None:
    device = Device(turns=1000, patience=10)
    assert Driver(device).call("etpu_submit", job()) == "timeout"
    assert device.log[-3:] == ["reset", "invalidate 11", "unlock"]


def test_the_interrupt_s_request_is_taken_away() -> None:
    device = Device()
    driver = Driver(device)
    driver.library.etpu_interrupt()
    assert device.values["INTERRUPT"] == 3


def test_cycles_have_64_bits() -> None:
    device = Device(values={"CYCLES_LOW": 7, "CYCLES_HIGH": 2})
    driver = Driver(device)
    driver.library.etpu_cycles.restype = ctypes.c_uint64
    assert driver.library.etpu_cycles() == (2 << 32) + 7


def test_registers_do_not_overlap() -> None:
    offsets = sorted(offset for name, offset in registers().items() if name != "ID_VALUE")
    assert offsets == [*range(0, 0x38, 4), 0x40]


@pytest.mark.parametrize(
    ("options", "sleeps"),
    [((), False), (("-DETPU_MAX_POLLS=100u",), False), (("-DETPU_WAIT_FOR_INTERRUPT",), True), (("-DETPU_HAL_CUSTOM",), False)],
    ids=["polls", "polls so often", "sleeps", "left out"],
)
def test_the_hal_of_registers_polls_or_sleeps(options: tuple[str, ...], sleeps: bool, tmp_path: Path) -> None:
    """For a Cortex-M33, without a warning."""
    flags = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-DETPU_BASE_ADDRESS=0x40010000u")
    source, output = ROOT / "tvm_tiny" / "npu" / "etpu_hal_mmio.c", tmp_path / "hal.s"
    gcc = find_tool(ARM_GCC)
    subprocess.run([gcc, "-mcpu=cortex-m33", *flags, *options, f"-I{ROOT}", "-S", source, "-o", output], check=True)
    text = output.read_text()
    assert ("wfe" in text) == sleeps
    assert ("etpu_hal_wait:" in text) == ("-DETPU_HAL_CUSTOM" not in options)
