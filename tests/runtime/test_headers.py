"""Every header stands alone, in C99 and in C++, without a warning."""

import re
from pathlib import Path

import pytest

from ..codegen.compilers import C_COMPILERS, CPP_COMPILERS, Compiler, name_of
from .kernels import KERNELS
from .mve_calls import CALLS
from .native import RUNTIME, SIGNATURES

# Inner loops of one kind of core: the emulated boards test them, with the schedules that call them.
INSTRUCTION_SETS = ("dsp",)
# Parts of functions for MVE that have no portable twin: those functions are tested, with their twins.
PARTS = {f"tvm_tiny_mve_small_{part}" for part in ("scale", "groups", "sum", "windows")}
HEADERS = sorted(path.relative_to(RUNTIME).as_posix() for path in RUNTIME.rglob("*.h"))


@pytest.mark.parametrize("compiler", [*C_COMPILERS, *CPP_COMPILERS], ids=name_of)
def test_each_header_alone_and_twice(compiler: Compiler, tmp_path: Path) -> None:
    sources = []
    for index, header in enumerate(HEADERS):
        sources.append(tmp_path / f"header_{index}.c")
        sources[-1].write_text(f'#include "{header}"\n#include "{header}"\nextern int something;\n')
    compiler.check(sources, [RUNTIME])
    compiler.check(sources, [RUNTIME], "-DTVM_TINY_TRACE", '-DTVM_TINY_WEIGHTS_SECTION=".extflash"')


def test_every_function_is_tested() -> None:
    """A function that a macro makes for several types counts by its stem."""
    texts = [path.read_text() for path in RUNTIME.rglob("*.h") if not path.name.startswith(INSTRUCTION_SETS)]
    kinds = r"static (?:inline|TVM_TINY_KERNEL) [\w\s*]+?\b(tvm_tiny_\w+?)((?:##\w+)?)\("
    functions = {found for text in texts for found in re.findall(kinds, text) if found[0] not in PARTS}
    tested = {*SIGNATURES, *KERNELS, *(name for calls in CALLS.values() for call in calls() for name in call.functions)}
    untested = {
        name for name, rest in functions if name not in tested and not (rest and any(each.startswith(name) for each in tested))
    }
    assert untested == set()
