"""How the outputs of a layer are cut into the blocks that an intrinsic computes in one call."""

from __future__ import annotations

from dataclasses import dataclass

from tvm_tiny.target import Core

MOST_PIXELS = 16
"""More of them save little, and a call's outputs can lie over its inputs only behind or before all of them."""


def is_small(core: Core) -> bool:
    """Whether code is to be small: then all layers share functions of ``mve_small.h``."""
    return core.unroll == 1


@dataclass(frozen=True)
class Run:
    """``blocks`` blocks of ``size`` neighbours, from ``first`` on."""

    first: int
    blocks: int
    size: int


def pixel_runs(pixels: int, most: int = MOST_PIXELS) -> list[Run]:
    """Blocks of an even size, ``most`` at most, that divides ``pixels`` where there is a good one, else as many large ones as there
    is room for, and what remains. No block is a single pixel, unless that is all there is.
    """
    if pixels <= most:
        return [Run(0, 1, pixels)]
    sizes = range(most, 1, -2)
    even = next((size for size in sizes if pixels % size == 0), 0)
    return _with_rest(pixels, even if 2 * even > most else next(size for size in sizes if pixels % size != 1))


def channel_runs(channels: int, at_once: int) -> list[Run]:
    """Blocks of ``at_once`` channels, and what remains."""
    return _with_rest(channels, at_once)


def small_channel_runs(channels: int) -> list[Run]:
    """Blocks of four channels, and one by one what remains: what the small forms of the inner loops know."""
    runs = [Run(0, channels // 4, 4), Run(channels - channels % 4, channels % 4, 1)]
    return [run for run in runs if run.blocks]


def _with_rest(count: int, size: int) -> list[Run]:
    runs = [Run(0, count // size, size), Run(count - count % size, 1, count % size)]
    return [run for run in runs if run.blocks and run.size]


def largest_divisor(number: int, most: int) -> int:
    """The largest divisor of ``number`` that is not above ``most``; 1 for 0."""
    return max(each for each in range(1, max(1, min(number, most)) + 1) if number % each == 0)
