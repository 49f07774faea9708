"""Frames over a line that loses, turns and inserts bytes: what arrives is whole or does not arrive."""

from __future__ import annotations

import random
import zlib

import pytest

from tvm_tiny.board.serial_frame import MAX_PAYLOAD, Decoder, Frame, Kind, Status

FRAMES = [
    Frame(Kind.HELLO, 1, 0xDEADBEEF),
    Frame(Kind.WRITE, 0x7E7D7E7D, 0x7E7E7E7E, b"\x7e\x7d\x5e\x5d\x00\xff" * 10),
    Frame(Kind.READ, 3, 4, bytes(range(256)) * 4, Status.DONE, is_reply=True),
]


def test_the_form_of_a_frame() -> None:
    """By hand, from the text of the protocol."""
    body = b"\x03\x00" + b"\x02\x00" + b"\x05\x00\x00\x00" + b"\x7e\x00\x00\x00" + b"\x7d\x01"
    crc = zlib.crc32(body).to_bytes(4, "little")
    escaped = (body + crc).replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e")
    assert Frame(Kind.READ, 5, 0x7E, b"\x7d\x01").encoded() == b"\x7e" + escaped + b"\x7e"


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_frames_come_out_as_they_went_in(size: int) -> None:
    wire, decoder = b"".join(frame.encoded() for frame in FRAMES), Decoder()
    found = [frame for start in range(0, len(wire), size) for frame in decoder.take(wire[start : start + size])]
    assert found == FRAMES
    assert len(FRAMES[2].payload) == MAX_PAYLOAD


def test_what_is_not_whole_is_dropped_and_the_next_one_arrives() -> None:
    noise = random.Random(5)
    wire, last = FRAMES[1].encoded(), FRAMES[0]
    for _ in range(2000):
        at, kind = noise.randrange(1, len(wire) - 1), noise.randrange(4)
        turned = bytes((wire[at] ^ 1 << noise.randrange(8),))
        middle = (b"", wire[at : at + 1] + noise.randbytes(3), turned, wire[at : at + 1] + b"\x7e")[kind]
        bad = wire[:at] + middle + wire[at + 1 :]
        # A flag in front of the next frame ends what went before it.
        assert list(Decoder().take(bad + last.encoded())) in ([last], [FRAMES[1], last])


def test_noise_without_an_end_is_not_kept() -> None:
    decoder = Decoder()
    for _ in range(100):
        assert list(decoder.take(b"\x55" * 10_000)) == []
    assert len(decoder._pending) < 5000
    assert list(decoder.take(FRAMES[0].encoded())) == [FRAMES[0]]
