"""The deepest stack that a function of an image can need, from its machine code: no run, no input can need more.

Every function's own need is the sum of all that its instructions take from the stack pointer, as if none gave anything back
and every branch were taken. Along the deepest chain of calls these add up. Code that goes where it cannot be told (a call through a
pointer, a stack pointer moved by a register) has no bound, and is an error; so is recursion.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tvm_tiny.board.toolchain import ARM_GCC, find_tool, run_tool
from tvm_tiny.errors import BoardError

_FUNCTION = re.compile(r"^[0-9a-f]+ <([^>]+)>:$")
_INSTRUCTION = re.compile(r"^\s*[0-9a-f]+:\t(\S+)\t?([^;@]*)")
_TARGET = re.compile(r"[0-9a-f]+ <([^>+]+)(\+0x[0-9a-f]+)?>")
_JUMP = re.compile(r"b(?:eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?|cbn?z")
_RANGE = re.compile(r"([rsd])(\d+)-[rsd](\d+)")
_STORES = {"str": 4, "strb": 4, "strh": 4, "strd": 8, "vstr": 8}
_BYTES = {"r": 4, "s": 4, "d": 8}


@dataclass
class _Function:
    """``own`` bytes of stack, and the functions that it calls; ``doubt`` says why there is no bound, "" if there is.

    A function that takes addresses of its own code (an addition to pc) jumps to them: the kernels enter their loops in the midst.
    """

    own: int = 0
    calls: set[str] = field(default_factory=set)
    doubt: str = ""
    finds_itself: bool = False


def stack_bound(elf: Path, function: str) -> int:
    """Bytes of stack that ``function`` of the image ``elf`` needs at most, with all that it calls; its return address counts.

    Raises
    ------
    BoardError
        There is no bound: recursion, a call through a pointer, a stack of variable size; says where.
    ToolchainError
        There is no disassembler for Arm.
    """
    return deepest(disassembly(elf), function)


def disassembly(elf: Path) -> dict[str, _Function]:
    """What every function of an image takes and calls by itself.

    Raises
    ------
    BoardError
        The image cannot be read.
    ToolchainError
        There is no disassembler for Arm.
    """
    objdump = find_tool(ARM_GCC).with_name(find_tool(ARM_GCC).name.replace("gcc", "objdump"))
    finished = run_tool([objdump, "-d", "--no-show-raw-insn", elf])
    if finished.returncode != 0:
        raise BoardError(f"{elf} cannot be disassembled: {finished.stderr.strip()}")
    return parse(finished.stdout.splitlines())


def parse(lines: Iterable[str]) -> dict[str, _Function]:
    """The functions of a disassembly as ``objdump -d --no-show-raw-insn`` prints it."""
    functions: dict[str, _Function] = {}
    current, name = _Function(), ""
    for line in lines:
        if head := _FUNCTION.match(line):
            name = head[1]
            current = functions.setdefault(name, _Function())
        elif instruction := _INSTRUCTION.match(line):
            _follow(instruction[1].split(".")[0], instruction[2].strip(), name, current)
    return functions


def _follow(mnemonic: str, operands: str, name: str, function: _Function) -> None:
    """Add what one instruction takes from the stack, or calls, to ``function``."""
    function.own += _taken(mnemonic, operands, function)
    target = _TARGET.search(operands)
    function.finds_itself |= mnemonic in ("adr", "addw", "subw", "add") and re.search(r"\bpc\b", operands) is not None
    if mnemonic == "blx" or (mnemonic == "bx" and operands != "lr" and not function.finds_itself):
        function.doubt = f"{name} calls through a pointer"
    elif mnemonic == "bl" and target:
        function.calls.add(target[1])
    elif _JUMP.fullmatch(mnemonic) and target and target[1] != name:
        function.calls.add(target[1])  # a jump to another function: what is called last


def _taken(mnemonic: str, operands: str, function: _Function) -> int:
    if mnemonic in ("push", "vpush"):
        return _list_bytes(operands)
    if mnemonic in ("stmdb", "stmfd", "vstmdb") and operands.startswith("sp!"):
        return _list_bytes(operands)
    if mnemonic in _STORES and "[sp, #-" in operands and operands.endswith("]!"):
        return int(re.search(r"\[sp, #-(\d+)\]!", operands)[1])  # type: ignore[index]
    if mnemonic in ("sub", "subw") and operands.startswith("sp"):
        amount = re.search(r"#(\d+)$", operands)
        if amount is None:
            function.doubt = f"the stack of a function moves by a register: {mnemonic} {operands}"
            return 0
        return int(amount[1])
    if mnemonic == "add" and re.match(r"sp, (sp, )?r\d+$", operands):
        function.doubt = f"the stack of a function moves by a register: {mnemonic} {operands}"
    if mnemonic == "add" and (negative := re.match(r"sp, (?:sp, )?#-(\d+)$", operands)):
        return int(negative[1])
    return 0


def _list_bytes(operands: str) -> int:
    registers = operands[operands.index("{") + 1 : operands.index("}")]
    total = 0
    for each in registers.split(","):
        item = each.strip()
        if several := _RANGE.fullmatch(item):
            total += (int(several[3]) - int(several[2]) + 1) * _BYTES[several[1]]
        else:
            total += _BYTES.get(item[0], 4) if item[1:].isdigit() else 4
    return total


def deepest(functions: Mapping[str, _Function], start: str) -> int:
    """The largest sum of ``own`` along a chain of calls that begins at ``start``.

    Raises
    ------
    BoardError
        ``start`` is not there, or some chain has no bound.
    """
    known: dict[str, int] = {}

    def depth(name: str, chain: tuple[str, ...]) -> int:
        if name in chain:
            raise BoardError(f"the stack has no bound: {' calls '.join((*chain[chain.index(name) :], name))}")
        if name not in functions:
            raise BoardError(f"the stack has no bound: the image has no function {name}")
        if name not in known:
            function = functions[name]
            if function.doubt:
                raise BoardError(f"the stack has no bound: {function.doubt}")
            below = [depth(callee, (*chain, name)) for callee in sorted(function.calls)]
            known[name] = function.own + max(below, default=0)
        return known[name]

    return depth(start, ())
