"""Working memory of a lowered function: which buffers go to the arena, which stay on the stack.

Local buffers (accumulators, register tiles) stay in the function. Any other buffer that it allocates becomes a parameter, so that
the memory plan knows of it.
"""

from __future__ import annotations

import math

import numpy as np
from tvm import tirx

from tvm_tiny.program import Scratch
from tvm_tiny.schedule.walk import statements

STACK_BYTES = 16
"""A buffer of up to this size is a local variable of its function, whatever its scope."""


def scratch_buffers(func: tirx.PrimFunc) -> list[tirx.Buffer]:
    """Buffers that ``func`` allocates and that belong in the arena, in the order of their allocation."""
    allocated = [each.buffer for each in statements(func.body) if isinstance(each, tirx.AllocBuffer)]
    return [buffer for buffer in allocated if str(buffer.scope()) == "global" and buffer_bytes(buffer) > STACK_BYTES]


def scratch_of(func: tirx.PrimFunc) -> tuple[Scratch, ...]:
    """:func:`scratch_buffers` as the program's parameters."""
    return tuple(Scratch(str(buffer.name), buffer_bytes(buffer), str(buffer.dtype)) for buffer in scratch_buffers(func))


def buffer_bytes(buffer: tirx.Buffer) -> int:
    """Bytes of a buffer of static shape."""
    return math.prod(int(extent) for extent in buffer.shape) * np.dtype(str(buffer.dtype)).itemsize
