from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tvm_tiny.board import BoardInfo, list_boards
from tvm_tiny.board.emulated import ICOUNT, PLUGIN, EmulatedBoard
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.errors import BoardError, FirmwareError, ToolchainError

from . import faulty
from .modules import NEGATE, expected, expected_double, samples, twice

EMULATED = {info.name: info for info in list_boards() if info.kind == "qemu"}
M4 = EMULATED["mps2-an386"]


def failure(module: CModule, info: BoardInfo = M4, timeout: float = 30.0) -> FirmwareError:
    board = EmulatedBoard(info)
    with pytest.raises(FirmwareError) as raised:
        board.run(board.build(module), samples(3), timeout=timeout)
    return raised.value


@pytest.mark.parametrize("name", EMULATED)
def test_every_board_computes_and_measures(name: str) -> None:
    board, given = EmulatedBoard(EMULATED[name]), samples(7)
    image = board.build(twice())
    result = board.run(image, given)
    for sample, outputs in zip(given, result.outputs, strict=True):
        np.testing.assert_array_equal(outputs["y"], expected(sample))
        assert outputs["y"].dtype == np.int8
    assert image.weights_size == 8
    assert image.code_size is not None
    assert 100 < image.code_size < 1000
    assert result.stack is not None
    assert 16 <= result.stack <= 64
    assert result.counter == PLUGIN
    assert result.instructions is not None
    layers = [layer.instructions or 0 for layer in result.layers]
    assert min(layers) > 8 * 5
    assert sum(layers) < result.instructions < sum(layers) + 40
    assert result.cycle_model == f"{EMULATED[name].target} zero-wait-state 1"
    cycles = [layer.cycles or 0 for layer in result.layers]
    assert result.cycles is not None
    assert 0 < sum(cycles) < result.cycles < sum(cycles) + 80


def test_traces_every_layer() -> None:
    board, given = EmulatedBoard(M4), samples(4)
    result = board.run(board.build(twice(), trace=True), given)
    for sample, trace in zip(given, result.traces, strict=True):
        np.testing.assert_array_equal(trace[0], expected_double(sample))
        np.testing.assert_array_equal(trace[1], expected(sample))
    assert (result.instructions, result.stack, result.layers) == (None, None, ())


def test_the_stack_is_exact() -> None:
    """A callee that takes 400 bytes more."""
    board = EmulatedBoard(M4)
    plain = board.run(board.build(twice()), samples(1)).stack
    body = f'{NEGATE}\n  __asm volatile("sub sp, #400\\n\\tmov r3, #7\\n\\tstr r3, [sp]\\n\\tadd sp, #400" ::: "r3", "memory");'
    deep = board.run(board.build(twice(body)), samples(1)).stack
    assert plain is not None
    assert deep is not None
    # The layer is a leaf: below the frame of <model>_run, which pushes at most 40 bytes.
    assert 400 <= deep <= 400 + plain
    icount = EmulatedBoard(M4, ICOUNT)
    assert icount.run(icount.build(twice(body)), samples(1)).stack == deep


def test_float_and_libraries() -> None:
    """The FPU is on, and what the model pulls in of libraries is counted to its code."""
    body = f"""volatile float x = (float)in[0];
  {NEGATE}
  out[0] = (int8_t)expf(x * 0.0f);
  memset(out + 1, in[1] == 100 ? 2 : 3, 7u);"""
    module = twice(body, "#include <math.h>\n")
    for name in ("mps2-an386", "mps2-an505", "mps3-an547", "mps2-an385"):
        board = EmulatedBoard(EMULATED[name])
        image = board.build(module)
        assert board.run(image, samples(1)).outputs[0]["y"].tolist() == [1, 3, 3, 3, 3, 3, 3, 3]
        plain = board.build(twice()).code_size
        assert image.code_size is not None
        assert plain is not None
        assert image.code_size > plain + 200


def test_vector_instructions() -> None:
    body = """uint32_t sum;
  __asm volatile("vldrb.u8 q0, [%1]\\n\\tvaddv.u8 %0, q0" : "=Te"(sum) : "r"(in) : "q0");
  out[0] = (int8_t)sum;
  for (int32_t i = 1; i < 8; ++i)
    out[i] = (int8_t)(sum & 1u);"""
    board = EmulatedBoard(EMULATED["mps3-an547"])
    image = board.build(twice(body))
    # Sixteen bytes are read, eight of them behind the layer's input.
    assert len(board.run(image, samples(2)).outputs) == 2


FAULTS = {
    "null write": (faulty.NULL_WRITE, "mps2-an386", r"MemManage fault \(DACCVIOL.*at twice_negate\+.*address 0x00000000"),
    "null write, M7": (faulty.NULL_WRITE, "mps2-an500", r"MemManage fault \(DACCVIOL.*at twice_negate\+.*address 0x00000000"),
    "null write, M33": (faulty.NULL_WRITE, "mps2-an505", r"MemManage fault \(DACCVIOL.*at twice_negate\+.*address 0x00000000"),
    "null write, M0": (faulty.NULL_WRITE, "microbit", r"HardFault .*at twice_negate\+"),
    "null read": (faulty.NULL_READ, "mps2-an386", r"MemManage fault \(DACCVIOL.*at twice_negate\+"),
    "wild write": (faulty.WILD_WRITE, "mps2-an386", r"BusFault \(PRECISERR.*at twice_negate\+.*address 0x70000000"),
    "undefined": (faulty.UNDEFINED, "mps2-an386", r"UsageFault \(UNDEFINSTR.*at twice_negate.*LR twice_run\+"),
    "undefined, M0": (faulty.UNDEFINED, "microbit", r"HardFault .*at twice_negate"),
    "division": (faulty.DIVISION, "mps2-an386", r"UsageFault \(DIVBYZERO: an integer division by zero\), at twice_negate\+"),
    "division, M0": (faulty.DIVISION, "microbit", r"HardFault \(an integer division by zero\)"),
    "long division": (faulty.LONG_DIVISION, "mps2-an386", r"\(an integer division by zero\)"),
    "jump": (faulty.JUMP, "mps2-an386", r"UsageFault \(INVSTATE.*at 0x20000100, LR twice_(run|negate)\+"),
}


@pytest.mark.parametrize(("module", "board", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_told(module: CModule, board: str, message: str) -> None:
    error = failure(module, EMULATED[board])
    assert error.message.startswith(f"twice faulted on {board} at sample 0: ")
    assert re.search(message, error.message), error.message


@pytest.mark.parametrize("name", ["mps2-an386", "mps2-an505", "microbit"])
def test_a_stack_overflow_is_told(name: str) -> None:
    error = failure(faulty.OVERFLOW, EMULATED[name])
    assert "the stack overflowed" in error.message
    assert f"{EMULATED[name].stack:,} bytes for the stack" in error.hint


def test_code_for_another_core_is_told() -> None:
    error = failure(replace(faulty.UNDEFINED, target="cortex-m3"))
    assert error.hint == "the code is compiled for cortex-m3, and the board has a cortex-m4"


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (faulty.BEHIND_ARENA, "at sample 0: it wrote behind the end of its arena"),
        (faulty.IN_FRONT_OF_ARENA, "at sample 0: it wrote in front of its arena"),
        (faulty.STACK_GUARD, "at sample 0: the stack overflowed into the guard below it"),
        (faulty.BESIDE_OUTPUT, "at sample 1: it wrote beside an input or output outside the arena"),
    ],
)
def test_damage_is_told(module: CModule, message: str) -> None:
    assert failure(module).message == f"twice_run damaged memory {message}"


def test_a_changed_input_is_told() -> None:
    module = twice()
    source = module.files["twice.c"].replace("  twice_double(x,", "  ((int8_t *)(uintptr_t)x)[0] = 3;\n  twice_double(x,")
    error = failure(replace(module, files={**module.files, "twice.c": source}))
    assert error.message == "twice_run damaged memory at sample 1: it changed an input outside the arena, which is const"


def test_a_status_is_told() -> None:
    module = twice()
    source = module.files["twice.c"].replace("return TWICE_OK", "return TWICE_ERROR_ALIGNMENT")
    error = failure(replace(module, files={**module.files, "twice.c": source}))
    assert error.message == "twice_run returned status 2 (TWICE_ERROR_ALIGNMENT) at sample 0"


def test_an_unwritten_output_differs_from_run_to_run() -> None:
    """The arena is filled anew before each run: nothing is left over from the last one."""
    board = EmulatedBoard(M4)
    result = board.run(board.build(faulty.UNWRITTEN_OUTPUT), [samples(1)[0]] * 4)
    assert len({outputs["y"].tobytes() for outputs in result.outputs}) > 1


@pytest.mark.parametrize("counter", [PLUGIN, ICOUNT])
def test_a_hang_is_told(counter: str) -> None:
    board = EmulatedBoard(M4, counter)
    image = board.build(faulty.HANG)
    start = time.monotonic()
    with pytest.raises(FirmwareError) as raised:
        board.run(image, samples(3), timeout=1.0)
    assert time.monotonic() - start < 8
    assert raised.value.message.startswith("twice did not end within 1 s on mps2-an386: 0 of 3 samples were done")
    if counter == PLUGIN:
        assert raised.value.message.endswith("(layer 1, negate)")
        assert "last seen in twice_negate" in raised.value.message


def test_a_machine_that_the_emulator_does_not_know() -> None:
    board = EmulatedBoard(replace(M4, name="mine", connection={"machine": "mps2-an999"}))
    with pytest.raises(BoardError, match=r"the run of twice on mine ended with code 1: .*unsupported machine type"):
        board.run(board.build(twice()), samples(1))


def test_a_missing_emulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    board = EmulatedBoard(M4)
    image = board.build(twice())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolchainError, match="looked for qemu-system-arm") as raised:
        board.run(image, samples(1))
    assert "apt-get install qemu-system-arm" in raised.value.hint


def test_an_unknown_counter() -> None:
    with pytest.raises(BoardError, match="unknown counter 'abacus'"):
        EmulatedBoard(M4, "abacus")
