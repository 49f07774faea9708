"""What a user can ask of the memory plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tvm_tiny.errors import TargetError
from tvm_tiny.memory.pools import Pool

PLANNERS = ("exact", "hill-climb", "greedy-by-conflicts", "greedy-by-size")
"""The algorithms of ``src/planner``, the best first: `memory.native.algorithms`, known without loading the library."""


IO = ("arena", "outside")


@dataclass(frozen=True)
class Memory:
    """How a model's memory is planned.

    Attributes
    ----------
    planner : str
        One of :data:`PLANNERS`: what places the buffers.
    io : "arena" or "outside"
        Where inputs and outputs lie: at places of their own in the arena, unless the caller brings memory; or always in memory that
        the caller brings, so that the arena needs no room for them.
    pools : tuple of Pool
        The memories of the firmware, the preferred one first; none stands for one arena of any size.
    pins : mapping of str to str
        Name → pool: `memory.pools.pin` tells what can be pinned.
    limit : int or None
        Bytes that the arena may have at most; a plan that needs more is refused.
    overlap : bool
        A layer's output may run over an input that nothing needs any more, where that is exact.

    Raises
    ------
    TargetError
        The planner or the place of inputs and outputs is unknown, or the limit is no number of bytes.
    """

    planner: str = "exact"
    io: Literal["arena", "outside"] = "arena"
    pools: tuple[Pool, ...] = ()
    pins: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = None
    overlap: bool = True

    def __post_init__(self) -> None:
        if self.planner not in PLANNERS:
            raise TargetError(f"planner is {self.planner!r}: expected one of {', '.join(PLANNERS)}")
        if self.io not in IO:
            raise TargetError(f"io is {self.io!r}: expected one of {', '.join(IO)}")
        names = [pool.name for pool in self.pools]
        if len(set(names)) < len(names):
            raise TargetError(f"two pools have one name: {', '.join(names)}")
        if self.limit is not None and self.limit < 0:
            raise TargetError(f"the limit of RAM is {self.limit}: expected a number of bytes")


def parse_bytes(text: str) -> int:
    """Bytes, from "49152", "48k", "48KiB" or "1M"; k and M are 1,024 and 1,048,576.

    Raises
    ------
    TargetError
        It is no such number.
    """
    number = text.strip().lower().removesuffix("b").removesuffix("i")
    factor = {"k": 1 << 10, "m": 1 << 20}.get(number[-1:], 1)
    digits = number[:-1] if factor > 1 else number
    digits = digits.strip().replace("_", "")
    if not (digits.isascii() and digits.isdigit()):
        raise TargetError(f"{text!r} is no number of bytes", "write 49152, or 48k")
    return int(digits) * factor
