from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tvm_tiny.board.debugger import PC, SP, FlashRegion
from tvm_tiny.board.gdb_target import GdbTarget
from tvm_tiny.board.rsp import PacketStream
from tvm_tiny.errors import BoardError

from .gdb_server import FakeMachine, FakeServer, listening

EVERY = bytes(range(256))


@contextmanager
def attached(answers: Callable[[bytes], bytes]) -> Iterator[tuple[GdbTarget, FakeServer]]:
    server = FakeServer(answers)
    with listening(server) as port, PacketStream("127.0.0.1", port, patience=0.5) as stream:
        yield GdbTarget(stream), server


@pytest.mark.parametrize("lacks", [(), (b"X",)], ids=["binary", "hexadecimal"])
@pytest.mark.parametrize("features", ["PacketSize=80", "PacketSize=80;QStartNoAckMode+", ""])
def test_memory_is_what_was_written(features: str, lacks: tuple[bytes, ...]) -> None:
    machine = FakeMachine(features, lacks)
    with attached(machine) as (target, server):
        target.write(0, EVERY[::-1])
        assert machine.memory == EVERY[::-1]
        assert target.read(3, 200) == EVERY[::-1][3:203]
        assert target.stream.acknowledges == ("NoAck" not in features)
        if "PacketSize" in features:
            assert max(map(len, server.questions)) <= 0x80


def test_a_short_reply_is_asked_on() -> None:
    machine = FakeMachine()
    machine.memory[:] = EVERY
    with attached(lambda q: machine(q)[:10] if q[:1] == b"m" else machine(q)) as (target, _):
        assert target.read(0, 40) == EVERY[:40]


@pytest.mark.parametrize("reply", [b"", b"E01", b"OK", b"123", b"zz", b"11" * 41])
def test_memory_is_never_guessed(reply: bytes) -> None:
    machine = FakeMachine()
    with attached(lambda q: reply if q[:1] == b"m" else machine(q)) as (target, _), pytest.raises(BoardError, match="'m0,28'"):
        target.read(0, 40)


def test_memory_that_is_not_there() -> None:
    with attached(FakeMachine()) as (target, _), pytest.raises(BoardError, match=r"answered 'E01' to '[XM]100,4"):
        target.write(256, b"abcd")


@pytest.mark.parametrize("lacks", [(), (b"p", b"P")], ids=["one by one", "all at once"])
def test_registers(lacks: tuple[bytes, ...]) -> None:
    machine = FakeMachine(lacks=lacks)
    machine.registers[14] = 0xFFFFFFFF
    with attached(machine) as (target, _):
        target.write_register(PC, 0x12345678)
        assert (target.read_register(PC), target.read_register(14), machine.registers[PC]) == (0x12345678, 0xFFFFFFFF, 0x12345678)


@pytest.mark.parametrize(
    ("documents", "number"),
    [
        ({"target.xml": "<target/>"}, 25),
        ({"target.xml": '<xi:include href="core.xml"/>', "core.xml": '<reg name="pc"/><reg name="xpsr" regnum="25"/>'}, 25),
        ({"target.xml": "".join(f'<reg name="r{i}" bitsize="32"/>' for i in range(16)) + '<reg bitsize="32" name="xpsr"/>'}, 16),
    ],
)
def test_a_start_as_after_a_reset(documents: dict[str, str], number: int) -> None:
    machine = FakeMachine("PacketSize=80;qXfer:features:read+", documents=documents)
    with attached(machine) as (target, _):
        target.start_at(0x20001000, 0x00000401)
    assert [machine.registers[each] for each in (SP, PC, number)] == [0x20001000, 0x400, 1 << 24]


MAP = """<memory-map><memory type="ram" start="0x20000000" length="0x1000"/>
<memory type="flash" start="0x8000000" length="0x10000"><property name="blocksize">0x800</property></memory></memory-map>"""


def test_flash_is_erased_by_blocks_before_it_is_written() -> None:
    machine = FakeMachine("PacketSize=80;qXfer:memory-map:read+", documents={"": MAP})
    with attached(machine) as (target, server):
        assert target.flash_regions() == [FlashRegion(0x8000000, 0x10000, 0x800)]
        # The first two pieces share a block; the third is elsewhere and fills its block.
        target.program(target.flash_regions()[0], [(0x8000000, b"a" * 100), (0x8000064, b"b#"), (0x8004000, b"c" * 0x800)])
    flash = [question for question in server.questions if question.startswith(b"vFlash")]
    assert flash[:2] == [b"vFlashErase:8000000,800", b"vFlashErase:8004000,800"]
    assert b"vFlashWrite:8000064:b}\x03" in flash
    assert flash[-1] == b"vFlashDone"
    assert sum(question.startswith(b"vFlashErase") for question in flash) == 2
    written = b"".join(question.split(b":", 2)[2] for question in flash if question.startswith(b"vFlashWrite:8004"))
    assert len(written) == 0x800


def test_a_map_that_cannot_be_read() -> None:
    machine = FakeMachine("qXfer:memory-map:read+", documents={"": '<memory-map><memory type="flash"/></memory-map>'})
    with attached(machine) as (target, _), pytest.raises(BoardError, match="has a memory map that cannot be read"):
        target.flash_regions()


def test_breakpoints_are_of_hardware_where_there_are_any() -> None:
    with attached(FakeMachine(lacks=(b"Z1",))) as (target, server):
        target.set_breakpoint(0x400)
        target.clear_breakpoints()
    assert [question for question in server.questions if question[:1] in b"Zz"] == [b"Z1,400,2", b"Z0,400,2", b"z0,400,2"]


def test_no_breakpoints_at_all() -> None:
    with attached(FakeMachine(lacks=(b"Z",))) as (target, _), pytest.raises(BoardError, match="does not know 'Z0,400,2'"):
        target.set_breakpoint(0x400)


@pytest.mark.parametrize(("reply", "signal"), [(b"S05", 5), (b"T02thread:01;", 2), (b"W00", None), (b"X09", None)])
def test_why_it_halted(reply: bytes, signal: int | None) -> None:
    machine = FakeMachine()
    with attached(lambda q: reply if q == b"c" else machine(q)) as (target, _):
        stop = target.run(1.0)
        assert stop is not None
        assert stop.signal == signal


def test_an_answer_that_is_no_halt() -> None:
    machine = FakeMachine()
    with (
        attached(lambda q: b"OK" if q == b"c" else machine(q)) as (target, _),
        pytest.raises(BoardError, match="why the core halted"),
    ):
        target.run(1.0)


@pytest.mark.parametrize(("reply", "good"), [(b"OK", True), (b"6f6b", True), (b"E01", False), (b"", False)])
def test_a_command_of_the_server(reply: bytes, good: bool) -> None:
    machine = FakeMachine()
    with attached(lambda q: reply if q == b"qRcmd,7265736574" else machine(q)) as (target, _):
        if good:
            target.monitor("reset")
        else:
            with pytest.raises(BoardError, match="qRcmd,7265736574"):
                target.monitor("reset")
