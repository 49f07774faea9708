"""An NPU on the bench: arrays are laid into its SRAM by hand, commands run on them, results are read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tvm_tiny.npu.commands import Clamp, Command, Map, Region, Stream
from tvm_tiny.npu.device import Device, Run
from tvm_tiny.npu.stream import encode
from tvm_tiny.target.npu import NPUS, Npu

ETPU_16, ETPU_32, ETPU_64 = NPUS
SMALL = replace(ETPU_16, size=4, feeds=2, accumulators=64, sram=1 << 16)
"""A machine on which small layers have many folds."""


def stream_of(npu: Npu, commands: Sequence[Command], regions: Sequence[Region] = (), **header: int) -> bytes:
    """The bytes of a stream that may use all of the SRAM."""
    return encode(Stream(npu.name, tuple(commands), tuple(regions), **{"sram": npu.sram, "cache": npu.sram} | header))


class Bench:
    """Places things one behind the other from an odd address on, with gaps of garbage."""

    def __init__(self, npu: Npu = ETPU_16, seed: int = 0) -> None:
        self.npu = npu
        self.device = Device(npu)
        self.device.sram[:] = np.random.default_rng(seed).integers(0, 256, npu.sram)
        self._free = 5

    def place(self, data: np.ndarray) -> int:
        """The address at which the bytes of ``data`` lie now."""
        address = self.room(data.nbytes)
        self.device.sram[address : address + data.nbytes] = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
        return address

    def room(self, size: int) -> int:
        address, self._free = self._free, self._free + size + 3
        return address

    def map(
        self, shape: tuple[int, int, int], *, pixel_gap: int = 0, row_gap: int = 0, buffer_rows: int = 0, ahead: int = 0
    ) -> Map:
        """Room for (height, width, channels), with bytes between pixels and rows, and before the first channel."""
        height, width, channels = shape
        rows, pixel = buffer_rows or height, channels + pixel_gap
        row = width * pixel + row_gap
        return Map(self.room(rows * row + ahead) + ahead, row, pixel, rows)

    def filled(self, values: np.ndarray, **gaps: int) -> Map:
        """A map with the values of ``values``, (height, width, channels) int8."""
        found = self.map(values.shape, **gaps)  # type: ignore[arg-type]
        self.view(found, values.shape)[:] = values
        return found

    def view(self, map: Map, shape: tuple[int, ...]) -> np.ndarray:
        """The elements of a map all of whose rows are there."""
        assert map.buffer_rows >= shape[0]
        return np.lib.stride_tricks.as_strided(
            self.device.sram.view(np.int8)[map.address :], shape, (map.row_bytes, map.pixel_bytes, 1)
        )

    def run(self, *commands: Command) -> Run:
        return self.device.run(stream_of(self.npu, commands), [])


def folded(weights: np.ndarray, columns: int, depth_step: int) -> np.ndarray:
    """Weights (channels, kh, kw, c) int8 as the array loads them: folds of channels, in each folds of depth."""
    matrix = weights.reshape(len(weights), -1).T
    folds = [
        matrix[first : first + depth_step, channel : channel + columns].ravel()
        for channel in range(0, matrix.shape[1], columns)
        for first in range(0, matrix.shape[0], depth_step)
    ]
    return np.concatenate(folds)


def parameters(bias: np.ndarray, multiplier: np.ndarray, shift: np.ndarray, nudge: np.ndarray | int = 0) -> np.ndarray:
    """Bias, multiplier, nudge and shift of each channel, int32."""
    return np.stack([bias, multiplier, np.broadcast_to(nudge, bias.shape), shift], axis=1).astype(np.int32)


def limits(activation: str, scale: float, zero_point: int) -> Clamp:
    """The clamp of a fused activation."""
    low, high = {"NONE": (-np.inf, np.inf), "RELU": (0, np.inf), "RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1)}[activation]
    stored = [max(-128, min(127, np.rint(bound / scale) + zero_point)) for bound in (low, high)]
    return Clamp(zero_point, int(stored[0]), int(stored[1]))
