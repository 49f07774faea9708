"""Which of the runtime's headers a model needs.

The headers themselves say what they hold: a symbol ``tvm_tiny_*`` or ``TVM_TINY_*`` belongs to the header that defines it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from tvm_tiny.resources import runtime_dir

FOLDER = "tvm_tiny/runtime"
BASIC = (f"{FOLDER}/compiler.h", f"{FOLDER}/trace.h")
"""Headers that every model includes."""

_FUNCTION = re.compile(r"^\s*static (?:inline|TVM_TINY_KERNEL|TVM_TINY_NAKED) [\w\s*]+?\b(tvm_tiny_\w+)(##)?", re.MULTILINE)
_ALWAYS_INLINED = re.compile(r"\bTVM_TINY_ALWAYS_INLINE\s+[\w\s*]*?\b(tvm_tiny_\w+)(##\w+)?\(")
_SIGNATURE = re.compile(r"\b(tvm_tiny_\w+)\(([^()]*)\) \{")
_MACRO = re.compile(r"^\s*#\s*define (TVM_TINY_\w+)", re.MULTILINE)
_USE = re.compile(r"\b(?:tvm_tiny|TVM_TINY)_\w+(?!\w*[./])")
_INCLUDE = re.compile(rf'^\s*#\s*include "({FOLDER}/[^"]+)"', re.MULTILINE)


def headers_for(text: str) -> tuple[str, ...]:
    """Paths of the headers that C ``text`` must include, sorted; :data:`BASIC` are among them.

    Raises
    ------
    LookupError
        The text uses a symbol of the runtime that no header defines.
    """
    headers = set(BASIC)
    for symbol in set(_USE.findall(text)):
        headers.add(_home(symbol))
    return tuple(sorted(headers))


def header_files(headers: Iterable[str]) -> dict[str, str]:
    """Path → text of ``headers`` and of all that they include, in the order of their paths."""
    texts: dict[str, str] = {}
    pending = list(headers)
    while pending:
        path = pending.pop()
        if path not in texts:
            texts[path] = _headers()[path]
            pending += _INCLUDE.findall(texts[path])
    return dict(sorted(texts.items()))


def is_always_inlined(symbol: str) -> bool:
    """Whether ``symbol`` is a function of the runtime that is part of each caller: it may need its numbers as constants."""
    exact, stems = _always_inlined(runtime_dir())
    return symbol in exact or symbol.startswith(stems)


def parameter_name(symbol: str, index: int) -> str:
    """What the header calls parameter number ``index`` of a function; "" where it cannot be told."""
    names = _parameters(runtime_dir()).get(symbol, ())
    return names[index] if index < len(names) else ""


@cache
def _parameters(folder: Path) -> dict[str, tuple[str, ...]]:
    found = [match for text in _read(folder).values() for match in _SIGNATURE.findall(text)]
    return {name: tuple(re.findall(r"(\w+)\s*(?:,|$)", parameters)) for name, parameters in found}


@cache
def _always_inlined(folder: Path) -> tuple[frozenset[str], tuple[str, ...]]:
    found = [match for text in _read(folder).values() for match in _ALWAYS_INLINED.findall(text)]
    return frozenset(name for name, pasted in found if not pasted), tuple(name for name, pasted in found if pasted)


def _home(symbol: str) -> str:
    exact, stems = _symbols(runtime_dir())
    if symbol in exact:
        return exact[symbol]
    for stem, path in stems.items():
        if symbol.startswith(stem):
            return path
    raise LookupError(f"no header of the runtime defines {symbol}")


def _headers() -> dict[str, str]:
    return _read(runtime_dir())


@cache
def _read(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*.h"))}


@cache
def _symbols(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Symbol → header; and stem → header for functions that a macro defines for several types (``tvm_tiny_min_##suffix``)."""
    exact: dict[str, str] = {}
    stems: dict[str, str] = {}
    for path, text in _read(folder).items():
        for name, pasted in _FUNCTION.findall(text):
            (stems if pasted else exact)[name] = path
        for name in _MACRO.findall(text):
            exact.setdefault(name, path)
    return exact, stems
