"""The Edge-TPU-like NPUs: one row of numbers each. docs/npu.md describes the machine; src/npu executes and counts it.

The machine has three units that work at the same time, each with a queue of its own: a systolic array with its requantisation unit,
a vector unit, and a DMA engine. They share one on-chip SRAM; what lies in it is placed by the compiler.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Npu:
    """A variant of the machine. Bandwidths are bytes per cycle, latencies cycles, sizes bytes.

    Attributes
    ----------
    name : str
        "etpu-16"; a target is a core and a variant, "cortex-m33+etpu-16".
    id : int
        In a command stream's header, so that a device refuses those of another variant; at least 1.
    size : int
        N: the array has N x N multipliers of int8, rows are inputs (the depth of a sum), columns are output channels.
    feeds : int
        Input ports of the array, each N bytes per cycle. The array splits into 2, 4, ... up to ``feeds`` groups of columns, which
        work on different pixels with the same weights, each with a port of its own. A depthwise layer reads through all of them.
    accumulators : int
        int32 accumulators behind each column: pixels of a command and a group, at most.
    sram : int
        On-chip SRAM for activations, weights and parameters together.
    dma_bandwidth, dma_latency : int
        Of the path to off-chip memory.
    queue : int
        Commands that wait in front of each unit, at most.
    issue : int
        Cycles in which the command processor decodes one command, at least.
    fetch : int
        Bytes per cycle of the port through which the command processor reads the stream from off-chip memory, ``dma_latency`` after
        it has begun; 0 for a stream in a memory of its own that takes no time.
    requantize_latency, vector_latency : int
        Cycles from the last input of a pipeline to its result in SRAM.
    clock : int
        Hz, for times and energy; nothing is counted with it.
    """

    name: str
    id: int
    size: int
    feeds: int
    accumulators: int
    sram: int
    dma_bandwidth: int
    dma_latency: int
    queue: int = 16
    issue: int = 4
    fetch: int = 8
    requantize_latency: int = 8
    vector_latency: int = 8
    clock: int = 500_000_000

    @property
    def macs_per_cycle(self) -> int:
        return self.size * self.size


KIB = 1024
# 8 bytes per cycle and 32 cycles are what Vela assumes of Ethos-U55's ports to SRAM (its "High End Embedded" configuration), so
# that the two can be compared; there are two such ports on Ethos-U55, here one of the DMA engine and one of the command processor
# (whose reading Vela's estimate leaves out). etpu-64 has the array of the Edge TPU (64 x 64), and a quarter of its 8 MB of SRAM.
# src/npu/machine.c has the same rows.
NPUS: tuple[Npu, ...] = (
    Npu("etpu-16", 1, 16, 4, 1024, 512 * KIB, 8, 32),
    Npu("etpu-32", 2, 32, 4, 1024, 1024 * KIB, 8, 32),
    Npu("etpu-64", 3, 64, 8, 1024, 2048 * KIB, 8, 32),
)
