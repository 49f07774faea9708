"""What a core is to the compiler: frozen data, interpreted elsewhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Core:
    """A processor core.

    Attributes
    ----------
    name : str
        The target's name, "cortex-m4"; its TVM target tag is "tiny/<name>".
    mcpu : str
        The value of the compilers' ``-mcpu``; "" for a generic C compiler.
    isa : str
        The instruction set that the schedules of an integer model use: "scalar", "dsp" or "mve".
    fpu : str
        "" without one, else "single" or "double".
    cflags : tuple of str
        What selects the core for arm-none-eabi-gcc.
    unroll : int
        Words of weights that a schedule writes out in one turn of its inner loop, at most: the size of code against its speed.
    """

    name: str
    mcpu: str
    isa: str
    fpu: str
    cflags: tuple[str, ...]
    unroll: int = 16

    @property
    def tag(self) -> str:
        return f"tiny/{self.name}"
