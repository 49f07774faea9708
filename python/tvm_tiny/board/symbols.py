"""Names for the addresses of a linked image."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from tvm_tiny.board.toolchain import ARM_GCC, find_tool, run_tool
from tvm_tiny.errors import ToolchainError


@dataclass(frozen=True)
class Symbol:
    """A function or object: ``size`` bytes at ``address``, without the Thumb bit. Size 0: a bare label."""

    name: str
    address: int
    size: int
    is_code: bool


class SymbolTable:
    """The symbols of an image, by name and by address."""

    def __init__(self, symbols: list[Symbol]) -> None:
        self.symbols = sorted(symbols, key=lambda symbol: symbol.address)
        self._functions = [symbol for symbol in self.symbols if symbol.is_code and symbol.size > 0]
        self._starts = [symbol.address for symbol in self._functions]

    def function_at(self, address: int) -> Symbol | None:
        """The function that holds ``address``, None outside of all."""
        index = bisect_right(self._starts, address & ~1) - 1
        if index < 0:
            return None
        function = self._functions[index]
        return function if (address & ~1) < function.address + function.size else None

    def describe(self, address: int) -> str:
        """``address`` for people: kws_conv1+0x12 (0x00001234), or the number alone."""
        function = self.function_at(address)
        if function is None:
            return f"0x{address:08x}"
        return f"{function.name}+0x{(address & ~1) - function.address:x} (0x{address & ~1:08x})"

    def address_of(self, name: str) -> int:
        """The address of ``name``.

        Raises
        ------
        ToolchainError
            The image has no such symbol.
        """
        for symbol in self.symbols:
            if symbol.name == name:
                return symbol.address
        raise ToolchainError(f"the image has no symbol {name!r}: the firmware of tvm_tiny is damaged")

    def variants_of(self, function: str, *, parts: bool = False) -> list[Symbol]:
        """``function`` and the copies that the compiler made of it: "f", "f.constprop.0", "f.isra.0".

        With ``parts`` also what it split off and jumps to: "f.part.0", "f.cold".
        """
        return [
            symbol
            for symbol in self.symbols
            if symbol.is_code
            and (symbol.name == function or symbol.name.startswith(function + "."))
            and (parts or not (".part." in symbol.name or symbol.name.endswith(".cold")))
        ]


def read_symbols(image: Path) -> SymbolTable:
    """The symbols of an Arm ELF file.

    Raises
    ------
    ToolchainError
        The cross compiler's ``nm`` is missing or refuses the file.
    """
    gcc = find_tool(ARM_GCC)
    finished = run_tool([gcc.with_name(gcc.name.replace("gcc", "nm")), "--defined-only", "--format=posix", image])
    if finished.returncode != 0:
        raise ToolchainError(f"the symbols of {image} cannot be read: {finished.stderr.strip()}")
    symbols = []
    for line in finished.stdout.splitlines():
        name, kind, value, *size = line.split()
        is_code = kind in "tTwW"
        symbols.append(Symbol(name, int(value, 16) & ~int(is_code), int(size[0], 16) if size else 0, is_code))
    return SymbolTable(symbols)
