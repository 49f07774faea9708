"""When each step of a chain of layers runs, if every layer produces a few rows at a time, and how many rows then have to be kept.

The last step fires ``rows`` rows at a time. Going backwards, every other step fires as late as its consumers allow: the rows that a
consumer's first firing reads have to be there, and because rates match, they then are there at every other one. What a step has
produced lies in a band that moves up as new rows come, so that a consumer finds its rows at the same place each time. Rows of
padding above the image are there from the start, those below it are appended when the image has ended. Nothing is computed twice.

This is the classical static schedule of a synchronous dataflow graph (Lee and Messerschmitt, "Synchronous Data Flow", 1987), with
rows as its tokens.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction


@dataclass(frozen=True)
class Reach:
    """Rows of an operand that an output row reads: ``extent`` of them, ``stride`` further down for each row of the output.

    The first output row begins ``top`` rows above the operand; rows outside are padding, filled with ``fill`` (None: none is read).
    """

    extent: int = 1
    stride: int = 1
    top: int = 0
    fill: int | None = None

    def rows(self, outputs: int) -> int:
        """How many rows ``outputs`` consecutive output rows read together."""
        return (outputs - 1) * self.stride + self.extent


@dataclass(frozen=True)
class Step:
    """A layer: the tensor that it makes, of ``height`` rows, and the tensors that it reads."""

    tensor: str
    height: int
    reads: tuple[tuple[str, Reach], ...]


@dataclass(frozen=True)
class Pace:
    """Firings at ticks ``first``, ``first + period``, ...: ``count`` of ``rows`` rows each, then ``padding`` of rows of padding."""

    rows: int
    period: int
    first: int
    count: int
    padding: int

    def turn(self, tick: int) -> int | None:
        """Which firing, from 0, is due at ``tick``; None if there is none."""
        turn, rest = divmod(tick - self.first, self.period)
        return turn if rest == 0 and 0 <= turn < self.count + self.padding else None


@dataclass(frozen=True)
class Held:
    """The band of a tensor: how many ``rows`` it has, ``top`` of them padding at the start; ``fill`` is what padding holds.

    New rows fill the band's end: for ``cycle`` firings one behind the other; then everything moves up by as many rows. The first
    firing is the one of number ``phase`` in its cycle.
    """

    rows: int
    top: int
    fill: int
    cycle: int = 1
    phase: int = 0


@dataclass(frozen=True)
class Place:
    """Where a step finds an operand's rows: ``row`` of the band, or of the whole tensor and ``advance`` rows further each time."""

    row: int
    advance: int = 0


@dataclass(frozen=True)
class Firing:
    """``paces`` and ``bands`` are by tensor: those of all steps, and of inputs that are copied into bands; the last has no band.

    ``places`` are by step and operand.
    """

    ticks: int
    paces: Mapping[str, Pace]
    bands: Mapping[str, Held]
    places: Mapping[tuple[str, int], Place]


_Use = tuple[Step, int, Reach]


def fire(steps: Sequence[Step], inputs: Mapping[str, int], rows: int, *, coarse: bool = False) -> Firing | None:
    """The firing of ``steps``, each of which reads ``inputs`` (tensor → height) and tensors of steps before it.

    The last step fires ``rows`` rows at a time. The others fire single rows or, if ``coarse``, as many as their consumers take at
    once. None where there is no such schedule: rates that do not match, or padding of two kinds. An input whose padding is never
    read is read where it is; of any other, rows are copied into a band, one at a time.

    Raises
    ------
    ValueError
        ``rows`` does not divide the height of the last step, or a tensor is read by no later step.
    """
    last = steps[-1]
    if last.height % rows:
        raise ValueError(f"{last.height} rows cannot be computed {rows} at a time")
    uses = _uses(steps)
    copied = {name: height for name, height in inputs.items() if any(_is_padded(reach) for _, _, reach in uses[name])}
    heights = {step.tensor: step.height for step in steps[:-1]} | copied
    banded = {
        name: tuple(use for use in uses.get(name, ()) if name not in inputs or _is_padded(use[2]))
        for name in [*copied, *(step.tensor for step in steps[:-1])]
    }
    unread = [name for name, users in banded.items() if not users]
    if unread:
        raise ValueError(f"no step of the chain reads {', '.join(unread)}")

    paces = {last.tensor: Pace(rows, 1, 0, last.height // rows, 0)}
    rates = {last.tensor: Fraction(1)}
    pitch: dict[str, Fraction] = {last.tensor: Fraction(rows)}  # ticks between two firings, if a row of the last step took one
    for name in reversed(banded):
        found = {rates[user.tensor] * reach.stride for user, _, reach in banded[name]}
        if len(found) > 1:
            return None
        rates[name] = found.pop()
        taken = [paces[user.tensor].rows * reach.stride for user, _, reach in banded[name]]
        at_once = math.gcd(heights[name], *taken) if coarse and name not in inputs else 1
        paces[name] = Pace(at_once, 1, 0, 0, 0)
        pitch[name] = at_once / rates[name]
    unit = _common_unit(pitch.values())
    for name in [last.tensor, *reversed(banded)]:
        paces[name] = replace(paces[name], period=int(pitch[name] / unit))
        if name in banded:
            paces[name] = _as_late_as_possible(paces, name, heights[name], banded[name])
    begin = min(pace.first for pace in paces.values())
    paces = {name: replace(pace, first=pace.first - begin) for name, pace in paces.items()}

    bands = {}
    for name, users in banded.items():
        held = _held(paces, name, users)
        if held is None:
            return None
        bands[name] = held
    places = {}
    for name, readers in uses.items():
        for use in readers:
            user, operand, reach = use
            if use in banded.get(name, ()):
                places[user.tensor, operand] = Place(bands[name].rows - _rows_back(paces, name, use, bands[name]))
            else:
                places[user.tensor, operand] = Place(0, paces[user.tensor].rows * reach.stride)
    ticks = max(pace.first + (pace.count + pace.padding - 1) * pace.period + 1 for pace in paces.values())
    return Firing(ticks, paces, bands, places)


def _uses(steps: Sequence[Step]) -> dict[str, list[_Use]]:
    """Who reads each tensor: the step, the operand's number, and its reach."""
    uses: dict[str, list[_Use]] = {}
    for step in steps:
        for operand, (name, reach) in enumerate(step.reads):
            uses.setdefault(name, []).append((step, operand, reach))
    return uses


def _is_padded(reach: Reach) -> bool:
    return reach.fill is not None


def _common_unit(pitch: Iterable[Fraction]) -> Fraction:
    """The longest tick of which every pitch is a multiple."""
    pitch = list(pitch)
    scale = math.lcm(*(each.denominator for each in pitch))
    return Fraction(math.gcd(*(int(each * scale) for each in pitch)), scale)


def _as_late_as_possible(paces: Mapping[str, Pace], name: str, height: int, users: Sequence[_Use]) -> Pace:
    """The pace of ``name``, whose users' paces are known.

    It stays in step with them to the end of the last one, though it may have no rows left: where they find theirs depends on it.
    """
    pace = paces[name]
    firsts, needed, lasts = [], [], []
    for user, _, reach in users:
        own = paces[user.tensor]
        end = reach.rows(own.rows) - reach.top  # one past the last row that its first firing reads
        firsts.append(own.first - (math.ceil(Fraction(end, pace.rows)) - 1) * pace.period)
        needed.append(end + (own.count - 1) * own.rows * reach.stride)
        lasts.append(own.first + (own.count - 1) * own.period)
    first = min(firsts)
    count = min(math.ceil(Fraction(max(needed), pace.rows)), height // pace.rows)
    return replace(pace, first=first, count=count, padding=(max(lasts) - first) // pace.period + 1 - count)


def _held(paces: Mapping[str, Pace], name: str, users: Sequence[_Use]) -> Held | None:
    """The smallest band of ``name``; None if its users want padding of two kinds.

    It moves up as seldom as its users allow: all of them fire once in a whole number of its cycles.
    """
    fills = {reach.fill for _, _, reach in users if reach.fill is not None}
    if len(fills) > 1:
        return None
    fill, top, pace = (fills or {0}).pop(), max(reach.top for _, _, reach in users), paces[name]
    longest = math.gcd(*(paces[user.tensor].rows * reach.stride // pace.rows for user, _, reach in users))
    forms = []
    for cycle, phase in [*((longest, phase) for phase in range(longest)), (1, 0)]:
        held = Held(0, top, fill, cycle, phase)
        rows = max(_rows_back(paces, name, use, held) for use in users)
        forms.append(replace(held, rows=max(rows, cycle * pace.rows)))
    return min(forms, key=lambda held: held.rows)


def _rows_back(paces: Mapping[str, Pace], name: str, use: _Use, held: Held) -> int:
    """How far the first row that a user reads lies from the end of the band, whenever it fires."""
    user, _, reach = use
    pace = paces[name]
    produced = (paces[user.tensor].first - pace.first) // pace.period + 1
    to_the_end = -(produced + held.phase) % held.cycle  # firings that will fill the rest of the band
    return (produced + to_the_end) * pace.rows + reach.top
