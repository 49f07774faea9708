"""Every function for MVE: its portable twin on this machine under sanitizers, its MVE form on the emulated Cortex-M55."""

from __future__ import annotations

import numpy as np
import pytest

from tvm_tiny.board import get_board

from .mve_calls import CALLS
from .mve_program import program


@pytest.mark.parametrize(("board", "optimize"), [("host", "speed"), ("mps3-an547", "speed"), ("mps3-an547", "size")])
@pytest.mark.parametrize("name", CALLS)
def test_equals_numpy(name: str, board: str, optimize: str) -> None:
    calls = CALLS[name]()
    module, given, expected = program(calls, "c" if board == "host" else "cortex-m55")
    device = get_board(board)
    (outputs,) = device.run(device.build(module, optimize=optimize, sanitize=True), [{"x": given}]).outputs
    at = 0
    for call in calls:
        size = call.outcome().size
        found = outputs["y"][at : at + size].view(call.expected.dtype).reshape(call.expected.shape)
        wanted = expected[at : at + size].view(call.expected.dtype).reshape(call.expected.shape)
        np.testing.assert_array_equal(found, wanted, err_msg=call.statement)
        at += -(-(size + 1) // 16) * 16
    np.testing.assert_array_equal(outputs["y"], expected)  # nothing was written in between
