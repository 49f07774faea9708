"""Probe boards: pyOCD's API, of which a stand-in works on QEMU; where pyOCD is installed, that API is held against it."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tvm_tiny.board import BoardInfo, list_boards
from tvm_tiny.board.attached import SYSTICK
from tvm_tiny.board.base import Image
from tvm_tiny.board.catalogue import board_info
from tvm_tiny.board.probe import ProbeBoard
from tvm_tiny.board.probe_target import USED, chosen
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.errors import BoardError, FirmwareError

from . import faulty
from .fake_pyocd import FakeLoader, FakeSession, FakeTarget, package
from .gdb_proxy import Emulator, emulator
from .modules import expected, samples, twice

SAMPLES = samples(3)
EXPECTED = [expected(sample).tolist() for sample in SAMPLES]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Emulator]:
    with emulator("mps2-an386", tmp_path) as started:
        yield started


@pytest.fixture(scope="module")
def image() -> Image:
    return ProbeBoard(board_info("probe:mps2-an386")).build(twice())


def behind(session: FakeSession) -> ProbeBoard:
    return ProbeBoard(board_info("probe:mps2-an386"), package=package(session))


def outputs_of(board: ProbeBoard, image: Image) -> list[list[int]]:
    return [outputs["y"].tolist() for outputs in board.run(image, SAMPLES, timeout=30).outputs]


def test_computes_and_counts(machine: Emulator, image: Image) -> None:
    """QEMU has no DWT: SysTick counts, which it has."""
    result = behind(FakeSession(machine.port)).run(image, SAMPLES)
    assert [outputs["y"].tolist() for outputs in result.outputs] == EXPECTED
    assert result.counter == SYSTICK
    assert result.cycles is not None
    assert result.stack is not None


def test_flash_is_programmed_where_it_holds_something_else(machine: Emulator, image: Image) -> None:
    first, second = FakeSession(machine.port, 0x40_0000), FakeSession(machine.port, 0x40_0000)
    assert outputs_of(behind(first), image) == outputs_of(behind(second), image) == EXPECTED
    assert (first.programmed, second.programmed) == (1, 0)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (faulty.NULL_WRITE, r"faulted on probe:.* at sample 0: MemManage fault \(DACCVIOL.*at twice_negate\+"),
        (faulty.HANG, r"did not end within 1 s on probe:.*: 0 of 3 samples were done, last seen in twice_negate\+"),
    ],
)
def test_what_the_model_does_wrong_is_told(machine: Emulator, image: Image, module: CModule, message: str) -> None:
    board = behind(FakeSession(machine.port))
    with pytest.raises(FirmwareError) as raised:
        board.run(board.build(module), SAMPLES, timeout=1 if module is faulty.HANG else 20)
    assert re.search(message, raised.value.message), raised.value.message
    assert outputs_of(board, image) == EXPECTED


def test_a_probe_that_is_unplugged_is_one_clear_error(machine: Emulator, image: Image) -> None:
    whole = FakeSession(machine.port)
    assert outputs_of(behind(whole), image) == EXPECTED
    assert whole.target.calls > 40
    for at in range(0, whole.target.calls, whole.target.calls // 8):
        with pytest.raises(BoardError, match=r"the probe of probe:mps2-an386 (failed to|cannot be used)") as raised:
            behind(FakeSession(machine.port, fails_at=at)).run(image, SAMPLES)
        assert not isinstance(raised.value, FirmwareError)
    assert outputs_of(behind(FakeSession(machine.port)), image) == EXPECTED


def test_names() -> None:
    info = board_info("probe:0672FF:nucleo-l4r5zi")
    assert (info.kind, info.target, info.memory) == ("probe", "cortex-m4", board_info("nucleo-l4r5zi").memory)
    assert info.connection["uid"] == "0672FF"
    assert "uid" not in (board_info("probe:nucleo-l4r5zi").connection or {})
    with pytest.raises(BoardError, match="the host is no board behind a probe"):
        board_info("probe:host")
    with pytest.raises(BoardError, match=r"expected probe\[:UID\]:BOARD"):
        board_info("probe:")


def test_the_probe_is_chosen() -> None:
    one, other = SimpleNamespace(unique_id="0A", description="ST-Link"), SimpleNamespace(unique_id="0B", description="DAPLink")
    assert chosen([one], "b", None) is one
    with pytest.raises(BoardError, match=r"2 debug probes are attached: 0A \(ST-Link\), 0B \(DAPLink\)"):
        chosen([one, other], "b", None)
    with pytest.raises(BoardError, match="no debug probe with '0C' in its unique ID is attached for b"):
        chosen([], "b", "0C")


def test_pyocd_is_missing(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.partition(".")[0] == "pyocd"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyocd", None)
    with pytest.raises(BoardError, match="needs the package pyocd") as raised:
        ProbeBoard(board_info("probe:mps2-an386")).run(image, SAMPLES)
    assert "tvm-tiny[probe]" in raised.value.hint


def test_no_probe_is_attached(image: Image) -> None:
    """With the real package, which looks at the machine's USB."""
    pytest.importorskip("pyocd")
    with pytest.raises(BoardError, match="no debug probe with 'no such probe' in its unique ID"):
        ProbeBoard(board_info("probe:no such probe:mps2-an386")).run(image, SAMPLES)


@pytest.mark.parametrize("place", USED)
def test_pyocd_has_what_is_used_of_it(place: str) -> None:
    pytest.importorskip("pyocd")
    module, name = place.split(":")
    owner = getattr(importlib.import_module(module), name)
    for attribute in USED[place]:
        # What __init__ sets is no attribute of the class: then its source has to name it.
        assert hasattr(owner, attribute) or re.search(rf"\bself\.{attribute}\b|['\"]{attribute}['\"]", source_of(owner)), attribute


def source_of(owner: type) -> str:
    return "".join(inspect.getsource(each) for each in owner.__mro__ if each is not object and each.__module__.startswith("pyocd"))


def test_the_stand_in_takes_what_pyocd_takes() -> None:
    pytest.importorskip("pyocd")
    from pyocd.core.soc_target import SoCTarget
    from pyocd.flash.loader import MemoryLoader

    for fake, real in ((FakeTarget, SoCTarget), (FakeLoader, MemoryLoader)):
        for name, method in inspect.getmembers(fake, inspect.isfunction):
            if not name.startswith("_"):
                given, taken = inspect.signature(method).parameters, inspect.signature(getattr(real, name)).parameters
                assert len(given) <= len(taken), name
                required = [each for each in taken.values() if each.default is each.empty]
                assert len(given) >= len(required), name


@pytest.mark.parametrize("info", [info for info in list_boards() if info.kind == "gdb"], ids=lambda info: info.name)
def test_pyocd_s_memory_map_of_the_known_boards_is_ours(info: BoardInfo) -> None:
    pytest.importorskip("pyocd")
    from pyocd.target import TARGET

    part = info.connection["part"]
    if part not in TARGET:
        pytest.skip(f"{part} is in a CMSIS pack, not built into pyOCD")
    regions = TARGET[part].MEMORY_MAP.regions
    for name, kind in (("flash", "is_flash"), ("ram", "is_ram")):
        memory = info.region(name)
        if memory.origin >= 0x2000_0000 and name == "flash":
            continue  # an image in RAM
        assert any(getattr(region, kind) and region.start <= memory.origin <= region.end for region in regions), (name, regions)
