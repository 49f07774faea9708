"""What a package is made of: compiled models, each with a sample, and the hardware that its firmware is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tvm_tiny.codegen.sources import CModule

Files = Mapping[str, str | bytes]
"""Path inside the package, with slashes → what the file holds."""


@dataclass(frozen=True)
class Facts:
    """What a build of a model and some runs on ``board`` have shown.

    Attributes
    ----------
    compiler : str
        Its name and version.
    flags : tuple of str
    code : int
        Bytes.
    stack : int or None
        Bytes, a bound; None where there is none.
    cycles, instructions : int or None
        Of the slowest of ``samples`` inferences, cycles by the cycle model ``model``; None where the board does not count.
    """

    board: str
    compiler: str
    flags: tuple[str, ...]
    code: int
    stack: int | None
    cycles: int | None
    instructions: int | None
    samples: int
    model: str


@dataclass(frozen=True)
class Part:
    """One model of a package.

    Attributes
    ----------
    module : CModule
    report : dict
        What ``report.json`` holds.
    optimize : str
        "speed", "size" or "ram": how its C is to be compiled.
    flags : tuple of str
        The C compiler's options that this means.
    sample : dict of str to array
        Input name → one input of the model.
    expected : dict of str to array
        Output name → what the model makes of it.
    graph : str
        The model's operators as text, for people who debug.
    facts : Facts or None
        None where no board with the target's core can be emulated here.
    """

    module: CModule
    report: Mapping[str, Any]
    optimize: str
    flags: tuple[str, ...]
    sample: Mapping[str, np.ndarray]
    expected: Mapping[str, np.ndarray]
    graph: str = ""
    facts: Facts | None = None

    @property
    def name(self) -> str:
        return self.module.name


@dataclass(frozen=True)
class Hardware:
    """A board with a memory map, for formats that write a whole firmware.

    Attributes
    ----------
    name, description : str
    target : str
        The target that its firmware is compiled for: "cortex-m4".
    linker_script : str
    support : dict of str to str
        Start-up code and console: file name → text.
    emulator : tuple of str
        The command that runs a firmware on the emulated board, without the firmware's path; empty if there is none.
    """

    name: str
    description: str
    target: str
    linker_script: str
    support: Mapping[str, str] = field(default_factory=dict)
    emulator: tuple[str, ...] = ()
