from __future__ import annotations

from tvm_tiny.board.fault import parse_fault
from tvm_tiny.board.symbols import Symbol, SymbolTable

SYMBOLS = SymbolTable(
    [Symbol("kws_conv", 0x400, 0x40, True), Symbol("kws_run", 0x500, 0x40, True), Symbol("__aeabi_idiv0", 0x600, 2, True)]
)


def line(**registers: int) -> str:
    """What the firmware prints."""
    names = ("exception", "cfsr", "hfsr", "sfsr", "mmfar", "bfar", "framed", "pc", "lr", "sp", "xpsr", "exc_return")
    values = {"framed": 1, "pc": 0x410, "lr": 0x513, "sp": 0x20000800, **registers}
    return "tvm_tiny: fault " + " ".join(f"{name}={values.get(name, 0):08x}" for name in names) + "\n"


def described(**registers: int) -> str:
    fault = parse_fault("noise\n" + line(**registers))
    assert fault is not None
    return fault.describe(SYMBOLS)


def test_division_by_zero() -> None:
    assert described(exception=6, cfsr=1 << 25) == (
        "UsageFault (DIVBYZERO: an integer division by zero), at kws_conv+0x10 (0x00000410), LR kws_run+0x12 (0x00000512) "
        "[CFSR 0x02000000, HFSR 0x00000000]"
    )


def test_addresses_are_told_where_they_are_valid() -> None:
    assert "BusFault (PRECISERR: data was read or written where no memory is)" in described(
        exception=5, cfsr=0x8200, bfar=0x50000000
    )
    assert "address 0x50000000" in described(exception=5, cfsr=0x8200, bfar=0x50000000)
    assert "address" not in described(exception=5, cfsr=0x400, bfar=0x50000000)
    assert "address 0x00000004" in described(exception=4, cfsr=0x82, mmfar=4)


def test_every_bit_is_told() -> None:
    text = described(exception=3, cfsr=1 << 16 | 1 << 24, hfsr=1 << 1)
    assert all(name in text for name in ("HardFault", "UNDEFINSTR", "UNALIGNED", "VECTTBL"))


def test_a_stack_that_took_no_registers() -> None:
    fault = parse_fault(line(exception=6, cfsr=1 << 20, framed=0, sp=0x20000010))
    assert fault is not None
    assert fault.stack_overflow
    text = fault.describe(SYMBOLS)
    assert "STKOF: the stack overflowed its limit" in text
    assert "unknown place, as the stack at 0x20000010" in text


def test_a_core_without_fault_registers() -> None:
    assert "HardFault (this core does not tell the cause), at kws_conv+0x10" in described(exception=3)
    assert "HardFault (the stack overflowed out of RAM)" in described(exception=3, framed=0)
    assert "an integer division by zero" in described(exception=3, pc=0x600)


def test_no_fault() -> None:
    assert parse_fault("all is well") is None
    assert parse_fault("tvm_tiny: fault exception=0000") is None
