from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest

from tvm_tiny.board.rsp import PacketStream, escaped, expanded, framed
from tvm_tiny.errors import BoardError

from .gdb_server import listening

PATIENCE = 0.3


def scripted(*turns: bytes) -> Callable[[socket.socket], None]:
    """A server that sends each of ``turns`` after something arrived, and then nothing."""

    def serve(connection: socket.socket) -> None:
        for turn in turns:
            connection.recv(1000)
            connection.sendall(turn)
        while connection.recv(1000):
            pass

    return serve


def ask(serve: Callable[[socket.socket], None]) -> bytes | None:
    with listening(serve) as port, PacketStream("127.0.0.1", port, patience=PATIENCE) as stream:
        stream.send(b"?")
        return stream.receive()


def test_the_manual_s_examples() -> None:
    assert framed(b"OK") == b"$OK#9a"
    assert expanded(b"0* ") == b"0000"
    assert escaped(b"}") == b"}]"


def test_all_bytes_pass_escaped() -> None:
    every = bytes(range(256)) * 2
    assert not {*b"#$*"} & {*escaped(every)}
    assert expanded(escaped(every)) == every


@pytest.mark.parametrize("data", [b"ab}", b"*a", b"a*", b"a*\x1f"])
def test_cut_off_escapes_and_runs_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="cut off"):
        expanded(data)


def test_a_question_and_its_answer() -> None:
    assert ask(scripted(b"+$T05#b9")) == b"T05"


def test_a_packet_that_is_refused_is_sent_again() -> None:
    assert ask(scripted(b"-", b"+$T05#b9")) == b"T05"


def test_a_damaged_answer_is_asked_for_again() -> None:
    assert ask(scripted(b"+$T15#b9", b"$T05#b9")) == b"T05"


def test_an_answer_in_pieces() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(1000)
        for byte in b"+$T05#b9":
            connection.sendall(bytes((byte,)))
            time.sleep(0.005)
        connection.recv(1000)

    assert ask(serve) == b"T05"


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        ((b"SSH-2.0\r\n",), "sent b'S' where it acknowledges a packet"),
        ((b"+\x00\xff",), r"sent b'\\x00' where a packet begins"),
        ((b"+$T0",), "sent a half packet and then nothing"),
        ((b"+$T05#b",), "sent a half packet and then nothing"),
        ((b"+$T05#zz", b"$T05#b8", b"$T06#b9"), "sent a packet whose checksum is wrong"),
        ((b"-", b"-", b"-"), "refused a packet 3 times"),
        ((b"+" + framed(b"a}"),), "sent a packet that cannot be read"),
        ((), "did not answer within 0.3 s"),
    ],
)
def test_what_is_no_answer_is_one_error_in_time(turns: tuple[bytes, ...], message: str) -> None:
    start = time.monotonic()
    with pytest.raises(BoardError, match=message):
        ask(scripted(*turns))
    assert time.monotonic() - start < 4 * PATIENCE


def test_silence_after_an_acknowledgement_is_no_packet() -> None:
    assert ask(scripted(b"+")) is None


def test_without_acknowledgements_a_damaged_packet_ends_it() -> None:
    with listening(scripted(b"$T15#b9")) as port, PacketStream("127.0.0.1", port, patience=PATIENCE) as stream:
        stream.acknowledges = False
        stream.send(b"?")
        with pytest.raises(BoardError, match="checksum is wrong"):
            stream.receive()


def test_an_endless_packet_is_refused() -> None:
    with pytest.raises(BoardError, match="a packet without an end"):
        ask(scripted(b"+$" + b"0" * 2_000_000))


def test_a_closed_connection() -> None:
    with pytest.raises(BoardError, match=r"closed the connection|broke the connection"):
        ask(lambda connection: connection.close())


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(BoardError, match=f"no GDB server can be reached at 127.0.0.1:{port}") as raised:
        PacketStream("127.0.0.1", port)
    assert "start it first" in raised.value.hint
