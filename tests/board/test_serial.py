"""Serial boards: the resident firmware on QEMU's UARTs, through a cable that does what cables do."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tvm_tiny.board.attached import SYSTICK
from tvm_tiny.board.base import Image
from tvm_tiny.board.catalogue import board_info
from tvm_tiny.board.serial import SerialBoard
from tvm_tiny.board.serial_link import Hello, SerialLink
from tvm_tiny.errors import BoardError, FirmwareError

from . import faulty
from .modules import BIAS, expected, samples, twice, with_sizes
from .serial_proxy import FAULTS, Cable, Resident, resident

SAMPLES = samples(2)
EXPECTED = [expected(sample).tolist() for sample in SAMPLES]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resident]:
    with resident("mps2-an386", tmp_path_factory.mktemp("machine")) as started:
        yield started


@pytest.fixture(scope="module")
def cable(machine: Resident, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cable]:
    cable = Cable(machine.device, tmp_path_factory.mktemp("cable") / "tty")
    yield cable
    cable.close()


@pytest.fixture
def board(cable: Cable) -> Iterator[SerialBoard]:
    cable.plug()
    cable.begin()
    board = on(cable.path)
    yield board
    board.close()


@pytest.fixture(scope="module")
def frames(cable: Cable, image: Image) -> dict[str, int]:
    """How many frames pass in each direction where nothing goes wrong."""
    cable.begin()
    board = on(cable.path)
    assert outputs_of(board, image) == EXPECTED
    board.close()
    return {direction: len(passed) for direction, passed in cable.passed.items()}


@pytest.fixture(scope="module")
def image() -> Image:
    return on(Path("nowhere")).build(twice())


def on(device: Path, name: str = "mps2-an386", patience: float = 20.0) -> SerialBoard:
    return SerialBoard(board_info(f"serial:{device}:1000000:{name}"), patience=patience)


def outputs_of(board: SerialBoard, image: Image, timeout: float = 20) -> list[list[int]]:
    return [outputs["y"].tolist() for outputs in board.run(image, SAMPLES, timeout=timeout).outputs]


@pytest.mark.parametrize("name", ["microbit-xl", "mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547"])
def test_computes_what_the_emulated_board_does(name: str, tmp_path: Path) -> None:
    with resident(name, tmp_path) as machine:
        cable = Cable(machine.device, tmp_path / "tty")
        learnt = board_info(f"serial:{cable.path}")
        assert (learnt.target, learnt.clock) == (board_info(name).target, board_info(name).clock)
        assert learnt.region("ram") == board_info(name).region("ram")
        board = SerialBoard(learnt)
        result = board.run(board.build(twice()), SAMPLES, timeout=30)
        assert [outputs["y"].tolist() for outputs in result.outputs] == EXPECTED
        assert result.stack is not None
        assert (result.cycles, result.counter) == (None, None)  # an emulator's time is not the core's
        with pytest.raises(FirmwareError, match=r"last seen in twice_negate"):
            board.run(board.build(faulty.HANG), SAMPLES, timeout=1)
        with pytest.raises(FirmwareError, match=r"faulted on .* at sample 0"):
            board.run(board.build(faulty.NULL_WRITE), SAMPLES, timeout=20)
        board.close()
        cable.close()


def test_a_board_that_is_not_the_one_expected_is_told(cable: Cable, board: SerialBoard) -> None:
    other = on(cable.path, "mps2-an505")
    with pytest.raises(BoardError, match=r"is a mps2-an386: cortex-m4, 4,192,256 bytes .* expected cortex-m33"):
        other.run(other.build(twice()), SAMPLES)


def test_an_image_of_many_frames_is_loaded_once(board: SerialBoard, cable: Cable) -> None:
    module = with_sizes(twice(), 20_000, 50_000)
    rest = np.random.default_rng(1).integers(-128, 128, 50_000 - len(BIAS))  # zeros would be in the memory already
    text = module.files["twice_weights.c"].replace("};", f", {', '.join(map(str, rest))}}};")
    image = board.build(replace(module, files={**module.files, "twice_weights.c": text}))
    assert outputs_of(board, image) == EXPECTED
    first = sum(map(len, cable.passed["down"]))
    cable.begin()
    assert outputs_of(board, image) == EXPECTED
    assert first > 50_000
    assert sum(map(len, cable.passed["down"])) < first / 2  # what the run changed comes anew


def test_cycles_are_systick_s_where_the_core_has_no_counter(
    board: SerialBoard, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """QEMU has no DWT: taken for a real board, it counts its own time."""
    hello = SerialLink._hello
    monkeypatch.setattr(SerialLink, "_hello", lambda self, payload: replace(hello(self, payload), emulated=False))
    result = board.run(image, SAMPLES)
    assert result.counter == SYSTICK
    assert result.cycles is not None
    assert result.cycles > 0


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (faulty.NULL_WRITE, r"faulted on serial:.* at sample 0: MemManage fault \(DACCVIOL.*at twice_negate\+"),
        (faulty.OVERFLOW, "the stack overflowed"),
        (faulty.BEHIND_ARENA, "damaged memory at sample 0: it wrote behind the end of its arena"),
        (faulty.HANG, r"did not end within 1 s on serial:.*: 0 of 2 samples were done, last seen in twice_negate\+"),
    ],
)
def test_what_the_model_does_wrong_is_told(board: SerialBoard, image: Image, module: object, message: str) -> None:
    with pytest.raises(FirmwareError) as raised:
        board.run(board.build(module), SAMPLES, timeout=1 if module is faulty.HANG else 20)
    assert re.search(message, raised.value.message), raised.value.message
    # And the board is as good as before.
    assert outputs_of(board, image) == EXPECTED


@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("name", FAULTS)
def test_a_bad_frame_costs_time_and_nothing_else(
    board: SerialBoard, cable: Cable, image: Image, frames: dict[str, int], name: str, direction: str
) -> None:
    assert frames[direction] > 20
    cable.begin({(direction, at): FAULTS[name] for at in range(list(FAULTS).index(name) % 3, 3 * frames[direction], 11)})
    assert outputs_of(board, image) == EXPECTED


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_cable_that_is_pulled_for_a_moment(board: SerialBoard, cable: Cable, image: Image, direction: str) -> None:
    def pulled(_: bytes) -> bytes:
        cable.pull(0.2)
        return b""

    for at in (3, 11, 20):
        cable.begin({(direction, at): pulled})
        assert outputs_of(board, image) == EXPECTED


@pytest.mark.parametrize("at", [0, 4, 25])
def test_a_cable_that_stays_out_is_one_clear_error(cable: Cable, image: Image, at: int) -> None:
    def pulled(_: bytes) -> bytes:
        cable.pull()
        return b""

    board = on(cable.path, patience=3)
    cable.begin({("up", at): pulled})
    start = time.monotonic()
    with pytest.raises(BoardError, match=r"the board at .*(cannot be reached|(did|does) not answer).*; its port"):
        board.run(image, SAMPLES)
    assert time.monotonic() - start < 20
    cable.plug()
    cable.begin()
    time.sleep(0.1)
    assert outputs_of(on(cable.path), image) == EXPECTED


def test_a_board_that_says_nothing(cable: Cable, image: Image) -> None:
    cable.plug()
    cable.begin({("up", at): FAULTS["all of it lost"] for at in range(1000)})
    with pytest.raises(BoardError, match=r"does not answer within 1 s"):
        on(cable.path, patience=1).run(image, SAMPLES)
    cable.begin()


@pytest.mark.parametrize("at", [1, 5, 12, 19, 28, 40])
def test_a_reset_in_the_middle_begins_the_run_anew(
    board: SerialBoard, cable: Cable, machine: Resident, image: Image, at: int
) -> None:
    def reset(frame: bytes) -> bytes:
        machine.reset()
        return frame

    cable.begin({("up", at): reset})
    assert outputs_of(board, image) == EXPECTED


def test_resets_again_and_again_are_one_clear_error(board: SerialBoard, cable: Cable, machine: Resident, image: Image) -> None:
    def reset(frame: bytes) -> bytes:
        machine.reset()
        return frame

    cable.begin({("up", at): reset for at in range(15, 1000, 4)})
    with pytest.raises(BoardError, match=r"was reset in the middle of the run|does not answer") as raised:
        board.run(image, SAMPLES)
    assert not isinstance(raised.value, FirmwareError)
    cable.begin()
    assert outputs_of(board, image) == EXPECTED


def test_a_reset_while_the_image_computes_is_told_at_once(board: SerialBoard, cable: Cable, machine: Resident) -> None:
    """Only the first of the runs hangs on the reset; all of them compute for ever."""
    image = board.build(faulty.HANG)
    runs: list[float] = []

    def reset(frame: bytes) -> bytes:
        runs.append(time.monotonic())
        if len(runs) == 1:
            machine.reset()
        return frame

    # The last command before it computes is the answer to its request for the input: the 3rd RESUME (kind 6) of the run.
    resumes = {"count": 0}

    def watch(frame: bytes) -> bytes:
        if frame[frame.index(b"\x7e") + 1] == 0x86:
            resumes["count"] += 1
            if resumes["count"] == 2:
                return reset(frame)
        return frame

    cable.begin({("up", at): watch for at in range(1000)})
    with pytest.raises(FirmwareError, match="did not end within 4 s"):
        board.run(image, SAMPLES, timeout=4)
    assert len(runs) == 1


def test_answers_of_an_earlier_run_are_never_taken_for_this_one_s(board: SerialBoard, cable: Cable, image: Image) -> None:
    """Each frame of the board comes with one of a run on other samples in front of it."""
    others = [{"x": 3 - sample["x"] // 2} for sample in SAMPLES]
    cable.begin()
    board.run(image, others)
    # STARTED (kind 0x41), which belongs to no run, says that the board was reset: that begins the run anew.
    early = [frame for frame in cable.passed["up"] if frame[frame.rindex(b"\x7e", 0, -1) + 1] != 0x41]
    cable.begin({("up", at): (lambda frame, at=at: early[at % len(early)] + frame) for at in range(1000)})
    assert outputs_of(board, image) == EXPECTED


def test_commands_of_an_earlier_run_are_never_obeyed(board: SerialBoard, cable: Cable, image: Image) -> None:
    others = [{"x": 3 - sample["x"] // 2} for sample in SAMPLES]
    cable.begin()
    board.run(image, others)
    early = [frame for frame in cable.passed["down"] if frame[frame.index(b"\x7e") + 1] in (2, 3, 4, 5, 6)]
    cable.begin({("down", at): (lambda frame, at=at: early[at % len(early)] + frame) for at in range(1000)})
    assert outputs_of(board, image) == EXPECTED


def test_a_run_that_had_to_listen_has_no_cycles_and_no_stack(board: SerialBoard, cable: Cable, image: Image) -> None:
    """Noise that reaches the core while it computes is counted, and the run begins anew; with noise every time, it says so."""
    cable.begin()
    quiet = board.run(image, SAMPLES)
    assert quiet.stack is not None
    noisy = {("down", at): (lambda frame: frame + b"\x55" * 400) for at in range(1000)}
    cable.begin(noisy)
    result = board.run(image, SAMPLES)
    assert [outputs["y"].tolist() for outputs in result.outputs] == EXPECTED
    if result.stack is None:
        assert "had to listen to its UART" in result.log


def test_hello_of_another_version() -> None:
    payload = (2).to_bytes(2, "little") + bytes(80)
    with pytest.raises(BoardError, match="has a resident firmware of protocol 2, expected 1"):
        SerialLink("tty", 115200)._hello(payload)
    assert Hello("b", "c", 1, 2, 3, 4, False, 0).board == "b"
