"""How far a layer's output may run over its inputs, proven from the order in which its function reads and writes.

Take one memory, with the output ``d`` bytes behind the input. The layer goes wrong exactly if it writes some byte j of the output
and later reads byte i = j + d of the input. So the largest j - i of all pairs (j written, i read later) says how far in front of
the input the output must begin, the largest i - j how far behind it, and whether any pair has i = j whether they may begin
together. First writes and last reads tell all pairs that there are (:mod:`tvm_tiny.schedule.accesses`).

What is analysed is the scheduled function. The passes of :mod:`tvm_tiny.schedule.lower` keep the order of accesses to parameters:
they split and unroll loops in their order, move allocations only, and the elimination of common subexpressions leaves loads alone.
The compiler of the C keeps it too, as long as the two pointers are not ``restrict`` and it may not tell the objects apart by type:
hence one of the two types must be a character type, or both the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tvm import tirx

from tvm_tiny.program import Overlap
from tvm_tiny.schedule.accesses import NEVER, Times, access_times
from tvm_tiny.schedule.index_values import NotUnderstood
from tvm_tiny.schedule.scratch import buffer_bytes


def overlaps_of(func: tirx.PrimFunc, inputs: Sequence[str], outputs: Sequence[str]) -> tuple[Overlap, ...]:
    """The overlaps that are safe in ``func``, whose first parameters are ``inputs`` and whose last ones are ``outputs``.

    A pair is left out if any of its accesses cannot be followed, or if it may not overlap at all. A tensor that comes twice among
    the inputs is one pair, with what is safe for both.
    """
    first_output = len(func.params) - len(outputs)
    buffers = [*func.params[: len(inputs)], *func.params[first_output:]]
    try:
        times = access_times(func, buffers)
    except NotUnderstood:
        return ()
    if any(np.any(each.first_write != NEVER) for each in times[: len(inputs)]):
        return ()  # an input that the layer writes to
    found = []
    for output, written in zip(outputs, range(len(inputs), len(buffers)), strict=True):
        for name in dict.fromkeys(inputs):
            pairs = [
                _pair(name, output, times[read], times[written], _itemsize(buffers[read]), _itemsize(buffers[written]))
                for read, other in enumerate(inputs)
                if other == name and _may_alias(buffers[read], buffers[written])
            ]
            if len(pairs) < list(inputs).count(name):
                continue
            overlap = Overlap(
                name,
                output,
                before=max(each.before for each in pairs),
                after=max(each.after for each in pairs),
                same=all(each.same for each in pairs),
            )
            sizes = [buffer_bytes(buffers[written]), buffer_bytes(buffers[list(inputs).index(name)])]
            if overlap.same or [overlap.before, overlap.after] != sizes:
                found.append(overlap)
    return tuple(found)


def _may_alias(first: tirx.Var, second: tirx.Var) -> bool:
    """C's compilers must reckon with accesses through both types to one object."""
    return str(first.dtype) == str(second.dtype) or 1 in (_itemsize(first), _itemsize(second))


def _itemsize(buffer: tirx.Var) -> int:
    return np.dtype(str(buffer.dtype)).itemsize


def _pair(name: str, output: str, read: Times, written: Times, read_size: int, write_size: int) -> Overlap:
    """The overlap of an input with an output, whose elements have so many bytes."""
    reads, writes = np.flatnonzero(read.last_read >= 0), np.flatnonzero(written.first_write != NEVER)
    last, first = read.last_read[reads], written.first_write[writes]
    order = np.argsort(first, kind="stable")
    first, writes = first[order], writes[order]
    earlier = np.searchsorted(first, last)  # so many writes come before the read
    late = earlier > 0
    if not np.any(late):  # all is read before anything is written
        size = len(read.last_read) * read_size
        return Overlap(name, output, before=-size, after=size, same=True)
    highest, lowest = np.maximum.accumulate(writes)[earlier[late] - 1], np.minimum.accumulate(writes)[earlier[late] - 1]
    at = reads[late]
    before = int(np.max((highest + 1) * write_size - at * read_size))
    after = int(np.max((at + 1) * read_size - lowest * write_size))
    bytes_read, bytes_written = np.repeat(read.last_read, read_size), np.repeat(written.first_write, write_size)
    shared = min(len(bytes_read), len(bytes_written))
    same = not np.any(bytes_written[:shared] < bytes_read[:shared])
    return Overlap(name, output, before, after, same)
