"""The command with --tracker, and ``board serve`` where it cannot serve."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import dense_model
from tests.farm.conftest import BOARD, Lab
from tests.farm.farms import free_port
from tvm_tiny.cli import main
from tvm_tiny.farm import tracker
from tvm_tiny.farm.serve import served

NOBODY = "localhost:1"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "dense.tflite"
    path.write_bytes(dense_model(8, 4))
    return path


def result_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    code = main([*(str(each) for each in arguments), "--json", "-"])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    return json.loads(captured.out)


def error_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    code = main([str(each) for each in arguments])
    told = capsys.readouterr().err
    return code, "\n".join(line for line in told.splitlines() if not line.endswith(" ..."))


def test_run_gives_what_it_gives_at_home(lab: Lab, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = result_of(capsys, "run", model, "--board", BOARD, "--samples", 3)
    there = result_of(capsys, "run", model, "--board", BOARD, "--samples", 3, "--tracker", lab.farm.address)
    assert there == here
    assert there["cycles"] > 0


def test_verify_profile_and_bench(lab: Lab, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    farm = ("--board", BOARD, "--tracker", lab.farm.address)
    verified = result_of(capsys, "verify", model, *farm, "--samples", 5, "--layers", "--check-arena")
    assert (verified["board"], verified["mismatches"]) == (BOARD, 0)
    assert verified["arena_check"]["touched"] == []
    profiled = result_of(capsys, "profile", model, *farm)
    assert [layer["cycles"] > 0 for layer in profiled["layers"]] == [True]
    benched = result_of(capsys, "bench", model, *farm)
    assert [each["cycles"] for each in benched["results"]] == [profiled["cycles"]]


def test_boards_lists_what_is_shared(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    found = {each["name"]: each for each in result_of(capsys, "boards", "--tracker", lab.farm.address)}
    assert {name: each["servers"] for name, each in found.items()} == {BOARD: 3, "old": 1, "single": 1}
    assert all(0 <= each["free"] <= each["servers"] for each in found.values())


@pytest.mark.parametrize(
    ("board", "said"),
    [
        ("mps9", "no server shares a board 'mps9' at the tracker"),
        ("old", "is of another version: protocol 0 on the server, 1 on the client"),
        ("no board", "boards cannot be shared under the name 'no board'"),
    ],
)
def test_a_board_that_cannot_be_had(lab: Lab, model: Path, capsys: pytest.CaptureFixture[str], board: str, said: str) -> None:
    code, told = error_of(capsys, "run", model, "--board", board, "--tracker", lab.farm.address)
    assert code == 6
    assert told.startswith("tvm-tiny: error: ")
    assert said in told


@pytest.mark.parametrize(
    "verb", [("run", "MODEL"), ("verify", "MODEL"), ("profile", "MODEL"), ("bench", "MODEL"), ("board", "serve")]
)
def test_no_tracker_answers(model: Path, capsys: pytest.CaptureFixture[str], verb: tuple[str, str]) -> None:
    arguments = [model if each == "MODEL" else each for each in verb]
    code, told = error_of(capsys, *arguments, "--board", BOARD, "--tracker", NOBODY)
    assert code == 6
    assert told.startswith(f"tvm-tiny: error: no tracker answers at {NOBODY}")
    assert told.count("error") == 1


def test_something_else_answers(model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracker, "_PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        code, told = error_of(capsys, "run", model, "--board", BOARD, "--tracker", address)
    assert code == 6
    assert f"what answers at {address} is no RPC tracker" in told


@pytest.mark.parametrize("address", ["localhost", "localhost:", ":9190", "localhost:0", "localhost:65536", "::1:9190"])
def test_what_is_no_address(capsys: pytest.CaptureFixture[str], address: str) -> None:
    code, told = error_of(capsys, "boards", "--tracker", address)
    assert code == 6
    assert "is no address: expected HOST:PORT" in told


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--board", "host"], "'host' is this machine and no board"),
        (["--board", "mps9"], "unknown board 'mps9'"),
        (["--board", BOARD, "--key", "a b"], "boards cannot be shared under the name 'a b'"),
        (["--board", BOARD, "--port", "0"], "--port is 0: expected 1 to 65535"),
    ],
)
def test_what_cannot_be_served(capsys: pytest.CaptureFixture[str], options: list[str], said: str) -> None:
    code, told = error_of(capsys, "board", "serve", "--tracker", NOBODY, *options)
    assert code == 6
    assert said in told


def test_no_port_to_listen_on(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    place = ("--tracker", lab.farm.address, "--host", "192.0.2.1", "--port", free_port())  # an address of documentation
    code, told = error_of(capsys, "board", "serve", "--board", BOARD, *place)
    assert code == 6
    assert "mps2-an386 cannot be served: no port can be had on 192.0.2.1" in told


@pytest.mark.parametrize(
    ("board", "name"),
    [
        (BOARD, BOARD),
        ("nucleo-l4r5zi", "nucleo-l4r5zi"),
        ("gdb:localhost:3334:nucleo-l4r5zi", "nucleo-l4r5zi"),
        ("gdb:localhost:1234:mps2-an386", "gdb/mps2-an386"),  # takes other images than the emulated board
    ],
)
def test_the_name_under_which_a_board_is_shared(board: str, name: str) -> None:
    found = served(board)
    assert found.name == name
    assert found.info.name == name.rpartition("/")[2]
    assert served(board, "mine").name == "mine"
