"""MLPerf Tiny's four networks as placement problems, with outputs that run over inputs row by row as far as that is exact."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tvm_tiny.memory.lifetimes import Lifetime
from tvm_tiny.memory.native import Relaxed
from tvm_tiny.memory.samples import Problem


@dataclass(frozen=True)
class Step:
    """A layer: ``reads`` and ``writes`` are keys of the shapes (height, bytes of a row); ``kernel`` and ``stride`` in rows."""

    reads: tuple[str, ...]
    writes: str
    kernel: int = 1
    stride: int = 1
    scratch: int = 0


def overlap(read: tuple[int, int], write: tuple[int, int], step: Step) -> tuple[int, int]:
    """``before`` and ``after``: a row of the output is written when the rows that it needs have been read."""
    (height, row), (out_height, out_row) = read, write
    padding = (step.kernel - 1) // 2
    before = 0
    for done in range(out_height):
        still_read = max(done * step.stride - padding, 0) * row  # while this row is computed into the scratch or in place
        before = max(before, (done + 1) * out_row - still_read) if step.kernel > 1 else max(before, (done + 1) * (out_row - row))
    return min(before, out_height * out_row), height * row


def network(shapes: dict[str, tuple[int, int]], steps: list[Step], *, relaxed: bool, alignment: int) -> Problem:
    first = dict.fromkeys(shapes, 0)
    last = dict.fromkeys(shapes, 0)
    scratch = []
    for time, step in enumerate(steps):
        for name in step.reads:
            last[name] = time
        first[step.writes] = last[step.writes] = time
        if step.scratch:
            scratch.append(Lifetime(f"{time}.scratch", step.scratch, time, time))
    names = list(shapes)
    buffers = [Lifetime(name, shapes[name][0] * shapes[name][1], first[name], last[name]) for name in names]
    pairs = []
    for time, step in enumerate(steps):
        for read in step.reads:
            if relaxed and last[read] == time:
                before, after = overlap(shapes[read], shapes[step.writes], step)
                pairs.append(Relaxed(names.index(step.writes), names.index(read), before, after))
    everything = (*buffers, *scratch)
    return Problem(everything, (alignment,) * len(everything), tuple(pairs))


def chain(*layers: tuple[int, int, int, int, int]) -> tuple[dict[str, tuple[int, int]], list[Step]]:
    """(height, bytes of a row, kernel, stride, scratch) of each tensor and of the layer that writes it."""
    shapes = {f"t{index}": (height, row) for index, (height, row, *_) in enumerate(layers)}
    steps = [
        Step((a,), b, kernel, stride, scratch)
        for (a, b), (_, _, kernel, stride, scratch) in zip(pairwise(shapes), layers[1:], strict=True)
    ]
    return shapes, steps


def kws() -> tuple[dict[str, tuple[int, int]], list[Step]]:
    blocks = [layer for _ in range(4) for layer in ((25, 320, 3, 1, 416), (25, 320, 1, 1, 384))]
    return chain((49, 10, 1, 1, 0), (25, 320, 10, 2, 240), *blocks, (1, 64, 25, 1, 0), (1, 12, 1, 1, 64), (1, 12, 1, 1, 48))


def vww() -> tuple[dict[str, tuple[int, int]], list[Step]]:
    layers = [(96, 288, 1, 1, 0), (48, 48 * 8, 3, 2, 168)]
    channels, size = 8, 48
    for out, stride in [
        (16, 1),
        (32, 2),
        (32, 1),
        (64, 2),
        (60, 1),
        (106, 2),
        (57, 1),
        (30, 1),
        (19, 1),
        (15, 1),
        (25, 1),
        (31, 2),
        (22, 1),
    ]:
        size //= stride
        layers += [(size, size * channels, 3, stride, (size + 2) ** 2), (size, size * out, 1, 1, 6 * channels)]
        channels = out
    return chain(*layers, (1, 22, 3, 1, 0), (1, 2, 1, 1, 44), (1, 2, 1, 1, 8))


def ic() -> tuple[dict[str, tuple[int, int]], list[Step]]:
    shapes = {"x": (32, 96), "a": (32, 512), "b": (32, 512), "c": (32, 512), "d": (32, 512)}
    shapes |= {"e": (16, 512), "f": (16, 512), "g": (16, 512), "h": (16, 512)}
    shapes |= {"i": (8, 512), "j": (8, 512), "k": (8, 512), "l": (8, 512), "m": (1, 64), "n": (1, 10), "y": (1, 10)}
    steps = [
        Step(("x",), "a", 3, 1, 168),
        Step(("a",), "b", 3, 1, 3808),
        Step(("b",), "c", 3, 1, 3808),
        Step(("a", "c"), "d"),
        Step(("d",), "e", 3, 2, 3808),
        Step(("e",), "f", 3, 1, 3808),
        Step(("d",), "g", 1, 2, 64),
        Step(("f", "g"), "h"),
        Step(("h",), "i", 3, 2, 3808),
        Step(("i",), "j", 3, 1, 3808),
        Step(("h",), "k", 1, 2, 64),
        Step(("j", "k"), "l"),
        Step(("l",), "m", 8, 1),
        Step(("m",), "n"),
        Step(("n",), "y"),
    ]
    return shapes, steps


def ad() -> tuple[dict[str, tuple[int, int]], list[Step]]:
    inner = [(1, 128, 1, 1, 256)] * 4 + [(1, 8, 1, 1, 16)] + [(1, 128, 1, 1, 256)] * 4
    shapes, steps = chain((1, 640, 1, 1, 0), *inner, (1, 640, 1, 1, 0))
    # Each output of a fully connected layer needs the whole input.
    return shapes, [Step(step.reads, step.writes, 2, 1, step.scratch) for step in steps]


def deep(seed: int, layers: int) -> tuple[dict[str, tuple[int, int]], list[Step]]:
    """A random network: every second layer also reads a tensor of up to eleven layers before."""
    random = np.random.default_rng(seed)
    shapes = {"t0": (32, 100)}
    steps = []
    for index in range(layers):
        names = list(shapes)
        reads = [names[-1]]
        if random.random() < 0.5:
            reads.append(names[-min(int(random.integers(2, 13)), len(names))])
        name = f"t{index + 1}"
        shapes[name] = (int(random.choice([8, 16, 32])), int(random.integers(1, 500)))
        steps.append(Step(tuple(dict.fromkeys(reads)), name, int(random.choice([1, 3])), 1, int(random.integers(0, 2000))))
    return shapes, steps


NETWORKS = {"kws": kws, "vww": vww, "ic": ic, "ad": ad}
