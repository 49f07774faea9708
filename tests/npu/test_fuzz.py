"""Mutated and random streams: nothing goes wrong in C under sanitizers, and Python and C agree on what can be read."""

from __future__ import annotations

import re
import shutil
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.npu.test_hazards import NETWORK, OTHER_WEIGHTS, TABLE, A, B, C
from tvm_tiny.errors import StreamError
from tvm_tiny.npu.commands import (
    Clamp,
    Command,
    Convolution,
    Elementwise,
    Lookup,
    Map,
    Pool,
    Region,
    Requantization,
    Resize,
    Softmax,
    Stream,
    Window,
)
from tvm_tiny.npu.device import validate
from tvm_tiny.npu.stream import decode, encode
from tvm_tiny.target.npu import NPUS

ROLLING = Map(3000, 40, 8, 3)
SEEDS: dict[str, tuple[Command, ...]] = {
    "network": NETWORK,
    "split": (
        Convolution(
            0, A, (4, 4, 16), ROLLING, 4, 6, 5, 3, Window((3, 3), (1, 2), (2, 1), 1, 1, -3), OTHER_WEIGHTS - 900, TABLE, 11,
            Clamp(3, -100, 100), Requantization.SINGLE, 4,
        ),
    ),
    "depthwise": (
        Convolution(0, A, (4, 4, 16), B, 4, 16, 0, 4, Window((3, 3), top=1, left=1), 10000, TABLE, 5, Clamp(), depthwise=True),
    ),
    "elementwise": tuple(
        Elementwise(0, kind, (A, B), C, 4, 16, 0, 4, (3, -128), (1 << 30, 1 << 30), (0, -3), 1 << 30, -15, Clamp(5))
        for kind in ("add", "sub", "mul")
    ),
    "pool": (
        Pool(0, "max", A, (4, 4, 16), B, 3, 0, 3, Window((3, 2), (1, 2), (1, 1), 1, 1), Clamp(0, -128, 127)),
        Pool(0, "average", A, (4, 4, 16), B, 3, 0, 3, Window((2, 2)), Clamp(0, -5, 127), 128),
    ),
    "table": (Lookup(0, A, A, 4, 16, 0, 4, TABLE), Softmax(0, A, B, 4, 16, 1, 2, TABLE, Clamp(-128))),
    "resize": (Resize(0, A, (4, 4, 16), B, 4, 0, 4, (1 << 15, 1 << 16), 1, -1, -7),),
}  # fmt: skip
SRAM = 1 << 14


def seeds() -> dict[str, bytes]:
    regions = (Region("constants", 256), Region("y", 256, True))
    return {name: encode(Stream("etpu-16", commands, regions, SRAM, SRAM)) for name, commands in SEEDS.items()}


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("clang") or shutil.which("gcc")
    assert compiler, "expected clang or gcc"
    program = tmp_path_factory.mktemp("fuzz") / "fuzz"
    sources = [str(path) for path in sorted((ROOT / "src" / "npu").glob("*.c")) if path.name != "port.c"]
    flags = ["-std=c99", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-Wall", "-Wextra"]
    flags += ["-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
    includes = ["-I", str(ROOT / "src" / "npu"), "-I", str(ROOT / "src" / "runtime")]
    own = str(Path(__file__).parent / "fuzz.c")
    subprocess.run([compiler, *flags, *includes, own, *sources, "-o", str(program)], check=True)
    return program


@pytest.mark.parametrize("seed", [1, 2])
def test_mutated_streams(fuzzer: Path, tmp_path: Path, seed: int) -> None:
    files = []
    for name, data in seeds().items():
        files.append(tmp_path / name)
        files[-1].write_bytes(data)
    done = subprocess.run([fuzzer, str(seed), "30000", *files], check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    refused, valid, ran = (int(number) for number in re.findall(r"\d+", done.stdout))
    assert refused + valid == 30000
    # Many mutations keep a stream valid: clamps, zero points, addresses. Both sides are well visited.
    assert refused > 6000
    assert ran > 2000


def test_python_and_c_agree() -> None:
    """What the device takes, Python reads, and writes again as it was; what Python cannot read, the device refuses."""
    rng = np.random.default_rng(1)
    streams = list(seeds().values())
    read = taken = 0
    for _ in range(3000):
        data = bytearray(streams[rng.integers(len(streams))])
        for _change in range(rng.integers(1, 3)):
            data[rng.integers(len(data))] = rng.integers(256)
        data[32:36] = zlib.crc32(data[36:], zlib.crc32(data[:32])).to_bytes(4, "little")
        stream = None
        try:
            stream = decode(bytes(data))
        except StreamError:
            with pytest.raises(StreamError):
                validate(NPUS[0], bytes(data))
            continue
        read += 1
        try:
            validate(NPUS[0], bytes(data))
        except StreamError:
            continue
        taken += 1
        assert encode(stream) == bytes(data)
    assert read - taken > 300
    assert taken > 300
