"""Energy of a run, estimated from what it did: multiplications, bytes in SRAM, bytes off the chip.

The constants are those of Horowitz for 45 nm ("Computing's Energy Problem", ISSCC 2014), the usual yardstick for comparing designs;
they are no measurement of a chip. Smaller processes take less, all alike about; it is the ratios that tell where the energy goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

PICOJOULE_MAC = 0.23
"""A multiplication of 8 bits (0.2 pJ) and an addition (0.03 pJ)."""

_SRAM_32K = 20.0 / 8
"""pJ a byte of a 32 kB SRAM: 20 pJ for 64 bits. Larger ones take more, as the square root of their size: 100 pJ for 1 MB."""

PICOJOULE_OFFCHIP = 1300.0 / 8
"""pJ a byte of DRAM: 1.3 to 2.6 nJ for 64 bits, the lower end."""


@dataclass(frozen=True)
class Energy:
    """Nanojoules."""

    mac: float
    sram: float
    offchip: float

    @property
    def total(self) -> float:
        return self.mac + self.sram + self.offchip


def picojoule_sram(size: int) -> float:
    """PJ for a byte read or written in an SRAM of ``size`` bytes."""
    return _SRAM_32K * sqrt(max(size, 1) / 32768)


def energy_of(macs: int, sram_bytes: int, offchip_bytes: int, sram_size: int) -> Energy:
    """What so many multiplications and bytes take."""
    return Energy(
        macs * PICOJOULE_MAC / 1000,
        sram_bytes * picojoule_sram(sram_size) / 1000,
        offchip_bytes * PICOJOULE_OFFCHIP / 1000,
    )
