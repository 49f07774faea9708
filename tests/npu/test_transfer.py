"""Transfers between off-chip memory and SRAM against slices of arrays."""

from __future__ import annotations

import numpy as np
import pytest

from tests.npu.bench import Bench, stream_of
from tvm_tiny.errors import StreamError
from tvm_tiny.npu.commands import Map, Region, Transfer


def run(bench: Bench, command: Transfer, *regions: tuple[np.ndarray, bool]) -> None:
    entries = [Region("", array.nbytes, written) for array, written in regions]
    bench.device.run(stream_of(bench.npu, [command], entries), [array for array, _written in regions])


@pytest.mark.parametrize("to_sram", [True, False])
def test_runs_with_strides_into_a_rolling_buffer(to_sram: bool) -> None:
    bench = Bench()
    rng = np.random.default_rng(1)
    region = rng.integers(0, 256, 300).astype(np.uint8)
    other = rng.integers(0, 256, 10).astype(np.uint8)
    before = region.copy(), other.copy()
    map = Map(bench.room(4 * 20), 20, 1, 4)
    sram = bench.device.sram.copy()
    run(bench, Transfer(0, to_sram, 1, 13, 31, map, 6, 3, 17), (other, True), (region, not to_sram))
    for i in range(3):
        row, start = map.address + ((6 + i) % 4) * 20, 13 + 31 * i
        if to_sram:
            sram[row : row + 17] = before[0][start : start + 17]
        else:
            before[0][start : start + 17] = sram[row : row + 17]
    np.testing.assert_array_equal(bench.device.sram, sram)
    np.testing.assert_array_equal(region, before[0])
    np.testing.assert_array_equal(other, before[1])


def test_arrays_of_any_dtype() -> None:
    bench = Bench()
    words = np.arange(20, dtype=np.int32).reshape(4, 5)
    address = bench.room(80)
    run(bench, Transfer(0, True, 0, 0, 0, Map(address, 0, 0, 1), 0, 1, 80), (words, False))
    assert bench.device.sram[address : address + 80].tobytes() == words.tobytes()


def test_what_is_given_must_be_what_the_stream_wants() -> None:
    bench = Bench()
    command = Transfer(0, False, 0, 0, 0, Map(0, 0, 0, 1), 0, 1, 64)
    stream = stream_of(bench.npu, [command], [Region("", 64, True)])
    for regions in ([], [np.zeros(63, np.int8)], [np.zeros(64, np.int8)] * 2):
        with pytest.raises(StreamError, match="another number of regions, or one is too small"):
            bench.device.run(stream, regions)
    fixed = np.zeros(64, np.int8)
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        bench.device.run(stream, [fixed])
    with pytest.raises(ValueError, match="not contiguous"):
        bench.device.run(stream, [np.zeros((64, 2), np.int8)[:, 0]])
