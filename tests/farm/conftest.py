"""One farm for all tests of this folder: three servers of one board, one of another name, and one of another version."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.farm.farms import OLD_WORKER, Farm, Process, free_port, wait_for
from tvm_tiny.board.catalogue import board_info
from tvm_tiny.farm.wire import info_values

BOARD = "mps2-an386"


@dataclass(frozen=True)
class Lab:
    farm: Farm
    three: tuple[Process, ...]  # servers of mps2-an386
    single: Process  # the only server of "single", an mps2-an386 too


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Farm(tmp_path_factory.mktemp("farm")) as farm:
        three = tuple(farm.serve("--board", BOARD) for _ in range(3))
        single = farm.serve("--board", BOARD, "--key", "single")
        order = {
            "board": info_values(board_info(BOARD)),
            "name": "old",
            "tracker": [farm.address.host, farm.address.port],
            "host": "127.0.0.1",
            "port": free_port(),
            "address": None,
        }
        farm.run_python(OLD_WORKER, order=(json.dumps(order) + "\n").encode())
        wait_for(
            lambda: (farm.serving(BOARD), farm.serving("single"), farm.serving("old")) == (3, 1, 1), "the start of all servers"
        )
        yield Lab(farm, three, single)
