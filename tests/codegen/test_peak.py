"""When most memory is in use, against a count of every byte."""

from __future__ import annotations

import numpy as np
import pytest

from tvm_tiny.codegen.peak import check_limit, peak_of, used_bytes
from tvm_tiny.codegen.sources import BufferInfo, CModule, LayerInfo
from tvm_tiny.errors import CapacityError


def layer(name: str) -> LayerInfo:
    return LayerInfo(name, f"m_{name}", name, 0, 0, "default", "cpu", True, name, (1,), "int8", "", None, 0)


def module(buffers: tuple[BufferInfo, ...], layers: int, arena: int) -> CModule:
    return CModule(
        "m", "c", {}, (), (), (), (), (), arena, 16, 0, tuple(layer(f"layer_{i}") for i in range(layers)), buffers=buffers
    )


def test_used_bytes_are_those_of_a_bitmap() -> None:
    """Random buffers, which overlap as they like: a byte that two of them hold counts once."""
    random = np.random.default_rng(5)
    for _ in range(50):
        held = np.zeros((8, 64), bool)
        buffers = []
        for index in range(int(random.integers(1, 12))):
            first, offset = int(random.integers(8)), int(random.integers(48))
            last, size = int(random.integers(first, 8)), int(random.integers(17))
            held[first : last + 1, offset : offset + size] = True
            buffers.append(BufferInfo(f"b{index}", "tensor", offset, size, first, last))
        assert used_bytes(buffers, 8) == held.sum(axis=1).tolist()


NET = module(
    (
        BufferInfo("x", "input", 0, 100, 0, 0, source="image"),
        BufferInfo("a", "tensor", 112, 300, 0, 1, (0,), producer="layer_0"),
        BufferInfo("layer_1.rows", "scratch", 0, 60, 1, 1, (1,), producer="layer_1"),
        BufferInfo("y", "output", 64, 40, 1, 2, (1, 2), source="scores"),
    ),
    3,
    412,
)


def test_the_peak_names_layers_and_buffers() -> None:
    peak = peak_of(NET)
    assert (peak.bytes, peak.layers) == (400, ("layer_0", "layer_1"))
    assert [(buffer.label, buffer.size) for buffer in peak.buffers] == [("layer_0", 300), ("image", 100)]
    assert peak.sentence() == "at its peak, layers layer_0, layer_1, 400 bytes are in use: layer_0 300, image 100"


def test_labels_are_names_of_the_file_and_of_layers() -> None:
    assert [buffer.label for buffer in NET.buffers] == ["image", "layer_0", "layer_1.rows", "scores"]


def test_a_limit_that_is_kept_and_one_that_is_not() -> None:
    check_limit(NET, 412)
    with pytest.raises(CapacityError, match=r"m needs an arena of 412 bytes, 1 more than the 411 that are allowed: at its peak"):
        check_limit(NET, 411)


def test_a_model_without_layers() -> None:
    peak = peak_of(module((BufferInfo("x", "input", 0, 8, 0, 0),), 0, 8))
    assert (peak.bytes, peak.layers) == (8, ())
    assert peak.sentence() == "its inputs and outputs take 8 bytes"
