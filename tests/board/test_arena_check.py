"""Layers that write where they must not, found by the build that checks the arena, on the host and on an emulated core."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tvm_tiny.board import get_board
from tvm_tiny.board.arena_check import ArenaCheck, Touch
from tvm_tiny.codegen.sources import BufferInfo, CModule
from tvm_tiny.errors import FirmwareError, ModelError

from .modules import NEGATE, expected, samples, twice, with_sizes

BUFFERS = (
    BufferInfo("x", "input", 0, 8, 0, 0, (), bound=True),
    BufferInfo("inner", "tensor", 8, 8, 0, 1, (0,)),
    BufferInfo("y", "output", 0, 8, 1, 1, (1,), bound=True),
)
FREE = 32  # an arena of this size has a gap behind its buffers


def watched(negate: str = NEGATE, arena: int = 16) -> CModule:
    """The model, with ``negate`` as the body of its second layer: it reads "inner" at 8, and writes "y" at 0."""
    return replace(with_sizes(twice(negate), arena, 8), buffers=BUFFERS)


def check(module: CModule, board: str, count: int = 3) -> ArenaCheck:
    device = get_board(board)
    found = device.run(device.build(module, check_arena=True), samples(count)).arena_check
    assert found is not None
    return found


BOARDS = pytest.mark.parametrize("board", ["host", "mps2-an386"])


@BOARDS
def test_a_sound_model_is_checked_around_every_layer(board: str) -> None:
    found = check(watched(), board, 5)
    assert found == ArenaCheck(samples=5, layers=2, arena=16, touched=(), checked=15)
    found.require_all()


@BOARDS
def test_the_checked_build_computes_the_same(board: str) -> None:
    device, given = get_board(board), samples(4)
    result = device.run(device.build(watched(), check_arena=True), given)
    for sample, outputs in zip(given, result.outputs, strict=True):
        np.testing.assert_array_equal(outputs["y"], expected(sample))


BEHIND_INPUT = "((int8_t *)(uintptr_t)in)[8] ^= 1;"
ASTRAY = {
    "into a buffer that another layer reads": ("out[8] ^= 1;", 16, 8, "in tensor inner, byte 1 behind the end of its y"),
    "into a gap": (BEHIND_INPUT, FREE, 16, "in a free gap, byte 9 behind the end of its y"),
    "behind the arena": (BEHIND_INPUT, 16, 16, "1 bytes behind its end"),
    "in front of the arena": ("((int8_t *)(uintptr_t)in)[-10] ^= 1;", 16, -2, "2 bytes in front of it"),
}


@BOARDS
@pytest.mark.parametrize(("statement", "arena", "offset", "place"), ASTRAY.values(), ids=ASTRAY.keys())
def test_a_stray_write_is_told_with_layer_and_place(board: str, statement: str, arena: int, offset: int, place: str) -> None:
    """One sample: inputs and outputs lie in the arena."""
    (touch,) = check(watched(f"{NEGATE}\n  {statement}", arena), board, 1).touched
    assert (touch.layer, touch.sample, touch.bytes, touch.offset, touch.last) == ("negate", 0, 1, offset, offset)
    assert touch.place == place
    assert touch.before ^ touch.after == 1
    assert (
        f"negate wrote 1 byte outside its outputs and scratch memory at sample 0: offset {offset} of the arena" in touch.sentence()
    )


@BOARDS
def test_every_sample_and_every_byte_is_told(board: str) -> None:
    """The second sample's output lies outside the arena: what was its place in the arena is then not the layer's to write."""
    module = watched(f"{NEGATE}\n  for (int32_t i = 2; i < 6; ++i)\n    ((int8_t *)(uintptr_t)in)[i] ^= 1;")
    touched = check(module, board).touched
    assert [(touch.sample, touch.bytes, touch.offset, touch.last) for touch in touched] == [
        (0, 4, 10, 13),
        (1, 4, 10, 13),
        (2, 4, 10, 13),
    ]
    module = watched(f"{NEGATE}\n  ((int8_t *)(uintptr_t)in)[-8] ^= 1;")
    assert [touch.sample for touch in check(module, board).touched] == [1]


@BOARDS
def test_an_input_outside_the_arena_that_is_written(board: str) -> None:
    module = watched()
    double = "out[i] = clamp(2 * in[i] + twice_bias[i]);"
    source = module.files["twice.c"].replace(double, f"{double}\n  ((int8_t *)(uintptr_t)in)[0] ^= 1;")
    touched = check(replace(module, files={**module.files, "twice.c": source}), board, 2).touched
    assert {(touch.sample, touch.layer) for touch in touched if touch.place.startswith("it changed an input")} >= {(1, "double")}


def test_a_module_that_does_not_tell_its_buffers_is_refused() -> None:
    with pytest.raises(ModelError, match="compile the model again"):
        get_board("host").build(twice(), check_arena=True)


def test_a_build_traces_or_checks() -> None:
    with pytest.raises(ValueError, match="either traces layers or checks the arena"):
        get_board("host").build(watched(), trace=True, check_arena=True)


def test_a_check_that_is_not_whole_proves_nothing() -> None:
    with pytest.raises(FirmwareError, match="5 of 6 layers were checked"):
        ArenaCheck(samples=2, layers=2, arena=16, touched=(), checked=5, missing=1).require_all()


def test_the_report() -> None:
    touch = Touch(sample=1, layer="negate", offset=8, last=9, bytes=2, before=0x5A, after=3, place="in a free gap")
    report = ArenaCheck(samples=2, layers=2, arena=16, touched=(touch,), checked=6).report()
    assert report["touched"] == [
        {"sample": 1, "layer": "negate", "offset": 8, "last": 9, "bytes": 2, "before": 0x5A, "after": 3, "place": "in a free gap"}
    ]
    assert (report["samples"], report["layers"], report["arena"]) == (2, 2, 16)
