"""Messages between client and server: what goes in comes out, and nothing else gets in."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pytest

from tests.board.modules import samples, twice
from tvm_tiny.board.arena_check import ArenaCheck, Touch
from tvm_tiny.board.base import Image, LayerCount, RunResult
from tvm_tiny.board.catalogue import board_info
from tvm_tiny.errors import BoardError, CapacityError, FirmwareError, InputError, TinyError
from tvm_tiny.farm import wire

INFO = board_info("mps2-an386")


class Trap:
    """Tells when it is unpickled."""

    def __reduce__(self) -> tuple:
        return (pytest.fail, ("code of the message was run",))


@pytest.fixture
def image(tmp_path: Path) -> Image:
    path = tmp_path / "firmware.elf"
    path.write_bytes(b"\x7fELF\0\1\2\xff")
    return Image(path, twice(), 100, 8, trace=True)


def packed(image: Image, fed: list) -> bytes:
    return wire.pack_request(image, INFO, fed, timeout=2.5, client="me:1")


def test_a_request_arrives_as_it_was_sent(image: Image) -> None:
    fed = samples(3)
    got = wire.unpack_request(packed(image, fed), INFO)
    assert got.program == b"\x7fELF\0\1\2\xff"
    assert (got.timeout, got.client, got.image.trace, got.image.check_arena) == (2.5, "me:1", True, False)
    assert got.image.module == dataclasses.replace(image.module, files={})
    assert [list(sample) for sample in got.samples] == [["x"]] * 3
    for sent, came in zip(fed, got.samples, strict=True):
        np.testing.assert_array_equal(came["x"], sent["x"])
        assert came["x"].dtype == np.int8


def test_a_result_arrives_as_it_was_sent() -> None:
    touch = Touch(0, "layer", -4, -1, 4, 0, 255, "in front")
    sent = RunResult(
        [{"y": np.arange(4, dtype=np.int8), "z": np.float32([[0.5]])}, {}],
        [{0: np.arange(3), 7: np.zeros(0, np.int8)}, {}],
        instructions=12,
        cycles=None,
        stack=0,
        layers=(LayerCount(3, None), LayerCount(4, 5)),
        counter="dwt",
        cycle_model="a model",
        per_inference=(12, 12),
        npu_cycles=99,
        functions={"f": 0.5},
        log="é\n",
        arena_check=ArenaCheck(2, 2, 16, (touch,), 6),
    )
    unset = [field.name for field in dataclasses.fields(RunResult) if getattr(sent, field.name) is None]
    assert unset == ["cycles"]  # a new field has to be in this test
    got = wire.unpack_result(wire.pack_result(sent))
    for field in dataclasses.fields(RunResult):
        if field.name not in ("outputs", "traces"):
            assert getattr(got, field.name) == getattr(sent, field.name), field.name
    for ours, theirs in zip((*sent.outputs, *sent.traces), (*got.outputs, *got.traces), strict=True):
        assert list(ours) == list(theirs)
        for name, array in ours.items():
            np.testing.assert_array_equal(theirs[name], array)
            assert (theirs[name].dtype, theirs[name].shape) == (array.dtype, array.shape)


@pytest.mark.parametrize("kind", [FirmwareError, CapacityError, BoardError])
def test_an_error_keeps_its_class(kind: type[TinyError]) -> None:
    with pytest.raises(kind, match="it broke") as caught:
        wire.unpack_result(wire.pack_error(kind("it broke", "mend it")))
    assert type(caught.value) is kind
    assert caught.value.hint == "mend it"


def test_an_error_of_the_server_itself_is_the_boards() -> None:
    with pytest.raises(BoardError, match="the server failed: ZeroDivisionError: oops"):
        wire.unpack_result(wire.pack_error(ZeroDivisionError("oops")))


def test_no_object_is_sent(image: Image) -> None:
    with pytest.raises(InputError, match="dtype object cannot be sent"):
        packed(image, [{"x": np.array([Trap()])}])


def test_no_object_is_taken() -> None:
    file = io.BytesIO()
    header = np.frombuffer(json.dumps({"versions": wire.versions()}).encode(), np.uint8)
    np.savez(file, header=header, a0=np.array([Trap()]))
    with pytest.raises(BoardError, match="is garbled: Object arrays cannot be loaded"):
        wire.unpack_request(file.getvalue(), INFO)


def test_damage_is_found(image: Image) -> None:
    data = packed(image, samples(1))
    place = data.index(image.path.read_bytes()) + 3
    with pytest.raises(BoardError, match="is garbled"):
        wire.unpack_request(data[:place] + b"!" + data[place + 1 :], INFO)


def test_half_a_message_is_garbled(image: Image) -> None:
    data = packed(image, samples(1))
    for part in (b"", data[: len(data) // 2], data[:-1]):
        with pytest.raises(BoardError, match="is garbled"):
            wire.unpack_request(part, INFO)


@pytest.mark.parametrize("key", ["tvm_tiny", "protocol", "harness"])
def test_another_version_is_refused(image: Image, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    data = packed(image, samples(1))
    ours = wire.versions()
    monkeypatch.setattr(wire, "versions", lambda: {**ours, key: "next"})
    with pytest.raises(BoardError, match=f"different versions: {key} {ours[key]} on the client, next on the server"):
        wire.unpack_request(data, INFO)


def test_an_image_for_another_memory_is_refused(image: Image) -> None:
    with pytest.raises(BoardError, match="built for another board than this server's mps2-an386: it differs in stack"):
        wire.unpack_request(packed(image, samples(1)), dataclasses.replace(INFO, stack=4096))


def test_boards_as_values() -> None:
    for name in ("mps2-an386", "nucleo-l4r5zi", "mps2-an386+etpu-64"):
        info = board_info(name)
        assert wire.info_of(json.loads(json.dumps(wire.info_values(info)))) == info
