from __future__ import annotations

import re

import numpy as np
import pytest

from tvm_tiny.board import get_board
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.errors import FirmwareError, TargetError

from . import faulty
from .modules import NEGATE, expected, expected_double, samples, twice

HOST = get_board("host")


def failure(module: CModule, *, sanitize: bool = False) -> FirmwareError:
    with pytest.raises(FirmwareError) as raised:
        HOST.run(HOST.build(module, sanitize=sanitize), samples(3), timeout=1.0)
    return raised.value


@pytest.mark.parametrize("sanitize", [False, True])
@pytest.mark.parametrize("trace", [False, True])
def test_computes(sanitize: bool, trace: bool) -> None:
    given = samples(5)
    image = HOST.build(twice(), sanitize=sanitize, trace=trace)
    result = HOST.run(image, given)
    assert image.log == ""
    for sample, outputs in zip(given, result.outputs, strict=True):
        np.testing.assert_array_equal(outputs["y"], expected(sample))
    assert (result.instructions, result.stack, result.layers, result.counter) == (None, None, (), None)
    assert len(result.traces) == (5 if trace else 0)
    for sample, traced in zip(given, result.traces, strict=False):
        np.testing.assert_array_equal(traced[0], expected_double(sample))


SANITIZED = {
    "behind the arena": (faulty.BEHIND_ARENA, r"sample 0 in twice_negate \(twice\.c:\d+.*AddressSanitizer: use-after-poison"),
    "in front of the arena": (faulty.IN_FRONT_OF_ARENA, r"sample 0 in twice_negate .*AddressSanitizer: use-after-poison"),
    "read behind the arena": (twice(f"{NEGATE}\n  out[0] = in[8];"), r"sample 0 in twice_negate .*AddressSanitizer"),
    "null": (faulty.NULL_WRITE, r"sample 0 .*null pointer"),
    "division": (faulty.DIVISION, r"runtime error: division by zero"),
    "overflow": (
        twice(f"{NEGATE}\n  volatile int32_t most = INT32_MAX;\n  most = most + 1;"),
        r"sample 0 in twice_negate \(twice\.c:\d+.*: runtime error: signed integer overflow",
    ),
    "alignment": (
        twice(f"{NEGATE}\n  volatile int32_t sum = *(const int32_t *)(const void *)(in + 1);\n  (void)sum;"),
        "runtime error: load of misaligned address",
    ),
}


@pytest.mark.parametrize(("module", "message"), SANITIZED.values(), ids=SANITIZED.keys())
def test_sanitizers_tell_what_and_where(module: CModule, message: str) -> None:
    error = failure(module, sanitize=True)
    assert re.search(message, error.message), error.message


def test_crashes_are_told() -> None:
    error = failure(faulty.NULL_WRITE)
    assert error.message == "twice crashed on the host at sample 0: SIGSEGV"
    assert "sanitize=True" in error.hint


def test_damage_is_told_without_sanitizers() -> None:
    assert "behind the end of its arena" in failure(faulty.BEHIND_ARENA).message
    assert "beside an input or output" in failure(faulty.BESIDE_OUTPUT).message


def test_a_hang_is_told() -> None:
    assert failure(faulty.HANG).message == "twice did not end within 1 s on host: 0 of 3 samples were done"


def test_unknown_optimisation() -> None:
    with pytest.raises(TargetError, match="unknown optimisation"):
        HOST.build(twice(), optimize="fun")
