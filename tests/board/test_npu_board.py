"""An NPU beside the core: the driver on an emulated core, and on the host, with the device's model behind the registers."""

from __future__ import annotations

import numpy as np
import pytest

from tvm_tiny.board import get_board
from tvm_tiny.board.catalogue import board_info
from tvm_tiny.errors import BoardError, FirmwareError, TargetError
from tvm_tiny.npu.device import count
from tvm_tiny.target import get_npu

from .npu_models import SIZE, job, module, turned

SAMPLES = [{"x": np.random.default_rng(seed).integers(-128, 128, SIZE).astype(np.int8)} for seed in range(3)]
BOARDS = ["mps2-an386+etpu-16", "mps2-an500+etpu-32", "mps2-an505+etpu-16", "mps3-an547+etpu-64"]


@pytest.mark.parametrize("name", BOARDS)
def test_the_core_hands_over_and_takes_back(name: str) -> None:
    board = get_board(name)
    result = board.run(board.build(module(board.target)), SAMPLES)
    for sample, outputs in zip(SAMPLES, result.outputs, strict=True):
        np.testing.assert_array_equal(outputs["y"], turned(sample["x"]))
    npu = name.partition("+")[2]
    assert result.npu_cycles == count(get_npu(npu), job(npu).run).cycles


def test_the_core_counts_its_own_instructions_only() -> None:
    """The first inference fills the parameter cache; then the driver's instructions depend on where tensors lie, of which there are
    three ways that take turns.
    """
    board = get_board("mps2-an505+etpu-16")
    counts = board.run(board.build(module(board.target)), SAMPLES * 3).per_inference
    assert counts[0] > counts[3]
    assert counts[3:6] == counts[6:9]
    assert max(counts[3:]) < 500


@pytest.mark.parametrize("sanitize", [False, True])
def test_on_the_host_the_device_is_in_the_same_process(sanitize: bool) -> None:
    board = get_board("host")
    result = board.run(board.build(module("c+etpu-16"), sanitize=sanitize), SAMPLES)
    for sample, outputs in zip(SAMPLES, result.outputs, strict=True):
        np.testing.assert_array_equal(outputs["y"], turned(sample["x"]))


def test_a_stream_that_the_device_refuses_is_told() -> None:
    board = get_board("mps2-an505+etpu-16")
    with pytest.raises(FirmwareError, match=r"the NPU of mps2-an505\+etpu-16 refused .* waits for a command"):
        board.run(board.build(module(board.target, broken=True)), SAMPLES)


def test_the_board_must_have_the_npu() -> None:
    with pytest.raises(TargetError, match="mps2-an505 has no NPU"):
        get_board("mps2-an505").build(module("cortex-m33+etpu-16"))


def test_a_model_without_npu_runs_beside_an_idle_one() -> None:
    from .modules import samples, twice

    board = get_board("mps2-an505+etpu-16")
    result = board.run(board.build(twice()), samples(2))
    assert len(result.outputs) == 2
    assert result.npu_cycles is None


def test_not_every_board_can_have_one() -> None:
    with pytest.raises(BoardError, match="microbit cannot have an NPU"):
        board_info("microbit+etpu-16")
    with pytest.raises(TargetError, match="unknown NPU 'etpu-17'"):
        board_info("mps2-an505+etpu-17")
