"""What a Cortex-M's fault registers say, in words.

Bits: Armv7-M Architecture Reference Manual (DDI 0403E.e), B3.2.15 (CFSR) and B3.2.16 (HFSR); Armv8-M (DDI 0553B), D1.2 (STKOF and
SFSR).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tvm_tiny.board.symbols import SymbolTable

_EXCEPTIONS = {2: "NMI", 3: "HardFault", 4: "MemManage fault", 5: "BusFault", 6: "UsageFault", 7: "SecureFault"}

_CFSR = {
    0: ("IACCVIOL", "an instruction was fetched from memory that must not be executed"),
    1: ("DACCVIOL", "data was read or written where that is forbidden"),
    3: ("MUNSTKERR", "returning from an exception touched forbidden memory"),
    4: ("MSTKERR", "the stack overflowed into forbidden memory"),
    5: ("MLSPERR", "saving the FPU's state touched forbidden memory"),
    8: ("IBUSERR", "an instruction was fetched from where no memory is"),
    9: ("PRECISERR", "data was read or written where no memory is"),
    10: ("IMPRECISERR", "an earlier write went to where no memory is"),
    11: ("UNSTKERR", "returning from an exception left the memory"),
    12: ("STKERR", "the stack overflowed out of RAM"),
    13: ("LSPERR", "saving the FPU's state left the memory"),
    16: ("UNDEFINSTR", "an instruction that this core does not know"),
    17: ("INVSTATE", "a jump to an address that is no Thumb code"),
    18: ("INVPC", "a return to an invalid address"),
    19: ("NOCP", "a coprocessor or FPU instruction on a core without the unit"),
    20: ("STKOF", "the stack overflowed its limit"),
    24: ("UNALIGNED", "an unaligned access that this core cannot do"),
    25: ("DIVBYZERO", "an integer division by zero"),
}
_HFSR = {1: ("VECTTBL", "the vector table could not be read"), 31: ("DEBUGEVT", "a breakpoint without a debugger")}
_SFSR = {
    0: ("INVEP", "invalid entry to secure code"),
    1: ("INVIS", "invalid integrity signature"),
    2: ("INVER", "invalid exception return"),
    3: ("AUVIOL", "an access that the security attribution forbids"),
    4: ("INVTRAN", "invalid transition out of secure code"),
    5: ("LSPERR", "saving the FPU's state was refused"),
    7: ("LSERR", "the FPU's lazy state was inconsistent"),
}
# Where libgcc's division goes with a divisor of 0: src/firmware/fault.c traps there.
_DIVISIONS = ("__aeabi_idiv0", "__aeabi_ldiv0")
_MMARVALID, _BFARVALID = 1 << 7, 1 << 15
_STACKING_FAILED = 1 << 4 | 1 << 12 | 1 << 20

_LINE = re.compile(r"tvm_tiny: fault (.*)")


@dataclass(frozen=True)
class Fault:
    """The registers as ``src/firmware/fault.c`` printed them."""

    exception: int
    cfsr: int
    hfsr: int
    sfsr: int
    mmfar: int
    bfar: int
    framed: int
    pc: int
    lr: int
    sp: int

    @property
    def undefined_instruction(self) -> bool:
        return bool(self.cfsr & (1 << 16 | 1 << 19))

    @property
    def stack_overflow(self) -> bool:
        """Without saved registers there was no stack to save them on, whatever else the core says."""
        return not self.framed or bool(self.cfsr & _STACKING_FAILED)

    def causes(self, symbols: SymbolTable) -> list[str]:
        """A clause for each bit that is set: "DIVBYZERO: an integer division by zero"."""
        function = symbols.function_at(self.pc) if self.framed else None
        if function is not None and function.name in _DIVISIONS:
            return ["an integer division by zero"]
        registers = ((self.cfsr, _CFSR), (self.hfsr, _HFSR), (self.sfsr, _SFSR))
        found = [f"{name}: {text}" for value, bits in registers for bit, (name, text) in bits.items() if value >> bit & 1]
        if not found and self.stack_overflow:
            return ["the stack overflowed out of RAM"]
        return found or ["this core does not tell the cause"]

    def describe(self, symbols: SymbolTable) -> str:
        """One sentence: the fault, its causes, and where."""
        words = [f"{_EXCEPTIONS.get(self.exception, f'exception {self.exception}')} ({'; '.join(self.causes(symbols))})"]
        if self.framed:
            words.append(f"at {symbols.describe(self.pc)}, LR {symbols.describe(self.lr)}")
        else:
            words.append(f"at an unknown place, as the stack at 0x{self.sp:08x} could not take the registers")
        if self.cfsr & _MMARVALID:
            words.append(f"address 0x{self.mmfar:08x}")
        if self.cfsr & _BFARVALID:
            words.append(f"address 0x{self.bfar:08x}")
        return ", ".join(words) + f" [CFSR 0x{self.cfsr:08x}, HFSR 0x{self.hfsr:08x}]"


def parse_fault(console: str) -> Fault | None:
    """The fault that the firmware reported on its console, None if it reported none."""
    line = _LINE.search(console)
    if line is None:
        return None
    fields = dict(re.findall(r"(\w+)=([0-9a-f]{8})", line.group(1)))
    if not set(Fault.__dataclass_fields__) <= fields.keys():
        return None
    return Fault(**{name: int(fields[name], 16) for name in Fault.__dataclass_fields__})
