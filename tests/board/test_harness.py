from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tvm_tiny.board.harness import completed_samples, read_records, read_traces, write_inputs
from tvm_tiny.errors import FirmwareError, InputError
from tvm_tiny.model import TensorSpec

from .modules import samples, twice

MODULE = twice()
MAGIC, TRACE_MAGIC = 0x54554F54, 0x43525454


def record(sample: int = 0, status: int = 0, damage: int = 0, stack: int = 24, ticks: tuple[int, int, int] = (0, 0, 0)) -> bytes:
    return struct.pack("<8I", MAGIC, sample, status, damage, stack, *ticks) + bytes(range(8))


def test_inputs_in_the_order_of_the_model(tmp_path: Path) -> None:
    module = replace(MODULE, inputs=(TensorSpec("a", (2,), "int16"), TensorSpec("b", (), "float32")))
    write_inputs(tmp_path, module, [{"b": np.float32(1.5), "a": np.array([1, -2], np.int16)}], ticks=True)
    data = (tmp_path / "input.bin").read_bytes()
    assert data == struct.pack("<3I", 0x4E495454, 1, 1) + struct.pack("<hhf", 1, -2, 1.5)


def test_inputs_are_taken_in_any_layout_and_byte_order(tmp_path: Path) -> None:
    sample = np.arange(8, dtype=np.int8).reshape(4, 2).T
    write_inputs(tmp_path, MODULE, [{"x": sample}], ticks=False)
    assert (tmp_path / "input.bin").read_bytes()[12:] == bytes([0, 2, 4, 6, 1, 3, 5, 7])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "no samples to run twice on"),
        ([{}], "sample 0 has no input 'x': it has nothing"),
        ([{"z": np.zeros((2, 4), np.int8)}], "sample 0 has 'z', which is no input of twice"),
        ([{"x": np.zeros(8, np.int8)}], r"input 'x' of sample 0: expected shape \(2, 4\), found \(8,\)"),
        ([samples(1)[0], {"x": np.zeros((2, 4), np.uint8)}], "input 'x' of sample 1: expected int8, found uint8"),
    ],
)
def test_refuses_wrong_inputs(tmp_path: Path, given: list[dict[str, np.ndarray]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        write_inputs(tmp_path, MODULE, given, ticks=False)


def test_reads_records(tmp_path: Path) -> None:
    (tmp_path / "output.bin").write_bytes(record(ticks=(0xFFFFF0, 0xFFFF00, 0)) + record(1, stack=0xFFFFFFFF))
    first, second = read_records(tmp_path, MODULE, 2)
    assert first.outputs["y"].tolist() == list(range(8))
    assert (first.stack, first.ticks) == (24, 0xF0)
    assert second.stack is None


def test_an_interrupt_hides_the_stack_and_adds_a_period(tmp_path: Path) -> None:
    (tmp_path / "output.bin").write_bytes(record(ticks=(0x10, 0xFFFFF0, 1)))
    (only,) = read_records(tmp_path, MODULE, 1)
    assert (only.stack, only.ticks) == (None, 0x20)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (record(), "ended after 1 of 2 samples"),
        (record() + record(1)[:-1], "ended after 1 of 2 samples"),
        (record() + record(5), "garbled at sample 1"),
        (record() + record(1, status=2), r"returned status 2 \(TWICE_ERROR_ALIGNMENT\) at sample 1"),
        (record() + record(1, status=77), "returned status 77 at sample 1"),
        (record() + record(1, damage=3), "at sample 1: it wrote in front of its arena; it wrote behind the end of its arena"),
        (record(damage=8, status=1), "it changed an input outside the arena"),
    ],
)
def test_refuses_bad_records(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "output.bin").write_bytes(data)
    with pytest.raises(FirmwareError, match=message):
        read_records(tmp_path, MODULE, 2)


def test_counts_completed_samples(tmp_path: Path) -> None:
    assert completed_samples(tmp_path, MODULE) == 0
    (tmp_path / "output.bin").write_bytes(record() + record(1)[:10])
    assert completed_samples(tmp_path, MODULE) == 1


def trace(sample: int, layer: int, size: int = 8, magic: int = TRACE_MAGIC) -> bytes:
    return struct.pack("<4I", magic, sample, layer, size) + bytes([layer] * size)


def test_reads_traces(tmp_path: Path) -> None:
    (tmp_path / "trace.bin").write_bytes(trace(0, 0) + trace(0, 1) + trace(1, 0) + trace(1, 1))
    first, second = read_traces(tmp_path, MODULE, 2)
    assert first[1].tolist() == second[1].tolist() == [1] * 8
    assert first[0].dtype == np.int8


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "has 0 of 2 layers at sample 0"),
        (trace(0, 0), "has 1 of 2 layers at sample 0"),
        (trace(0, 0) + b"xx", "cut off"),
        (trace(0, 0) + trace(0, 2), "garbled"),
        (trace(0, 0) + trace(1, 1), "garbled"),
        (trace(0, 0) + trace(0, 1)[:-1], "garbled"),
        (trace(0, 0, magic=1), "garbled"),
    ],
)
def test_refuses_bad_traces(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "trace.bin").write_bytes(data)
    with pytest.raises(FirmwareError, match=message):
        read_traces(tmp_path, MODULE, 1)
