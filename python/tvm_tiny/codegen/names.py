"""C names for what comes out of a model file: unique, valid in C and in C++, and no macro of the compilers or of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from tvm_tiny.model import c_identifier

_C_KEYWORDS = (
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while asm typeof"
)
_CPP_KEYWORDS = (
    "alignas alignof and and_eq bitand bitor bool catch class compl concept const_cast constexpr consteval constinit "
    "co_await co_return co_yield decltype delete dynamic_cast explicit export false friend mutable namespace new noexcept "
    "not not_eq nullptr operator or or_eq private protected public reinterpret_cast requires static_assert static_cast "
    "template this thread_local throw true try typeid typename using virtual wchar_t xor xor_eq"
)
# What compilers in their gnu modes and the standard headers define as macros, and types that generated code uses; lower case.
_MACROS = "arm complex eof errno far i386 imaginary linux near noreturn null stderr stdin stdout thumb unix"
_TYPES = "int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t intptr_t uintptr_t intmax_t uintmax_t size_t ptrdiff_t"
KEYWORDS = frozenset(f"{_C_KEYWORDS} {_CPP_KEYWORDS} {_MACROS} {_TYPES}".split())

# <MODEL>_<name>_SIZE must not be a macro that stands for something else, now or when the header grows.
_TAKEN_MEMBERS = frozenset(("arena", "weights", "stack", "code", "io"))
_TAKEN_MICROTVM = frozenset(("workspace", "global_workspace_workspace_pool"))

# <model>.h must not hide a header of the C library from the compiler, nor <model>_ be a prefix of the runtime's.
_STANDARD_HEADERS = (
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic "
    "stdbool stddef stdint stdio stdlib stdnoreturn string strings tgmath threads time uchar unistd wchar wctype"
)
_TAKEN_PREFIXES = frozenset(f"{_STANDARD_HEADERS} tvm tvm_tiny tvmgen".split())


_RUNTIME = "tvm_tiny_"  # what the runtime's functions begin with


def c_prefix(model_name: str) -> str:
    """The prefix of a model's files and symbols: its name, or one beside it where the name alone means something else."""
    if model_name.startswith(_RUNTIME):
        return f"m_{model_name}"
    return f"{model_name}_model" if model_name in _TAKEN_PREFIXES else model_name


def member_names(tensors: Sequence[str], fallback: Sequence[str]) -> tuple[str, ...]:
    """Lower-case struct members for ``tensors``, all different: "serving_default_x:0" → "serving_default_x_0".

    ``fallback`` names the tensors whose name has nothing that C could use.
    """
    return _unique(tensors, fallback, c_identifier, _TAKEN_MEMBERS)


def microtvm_names(tensors: Sequence[str], fallback: Sequence[str]) -> tuple[str, ...]:
    """Struct members as microTVM named them: every character that is no letter or digit becomes "_", case is kept.

    Where microTVM's name would be no valid C, or two would be the same macro, it is changed.
    """
    return _unique(tensors, fallback, _microtvm_name, _TAKEN_MICROTVM)


def _microtvm_name(text: str) -> str:
    name = re.sub(r"[^0-9A-Za-z]", "_", text)
    return f"m_{name}" if name[0].isdigit() else name


def _unique(
    tensors: Sequence[str], fallback: Sequence[str], identifier: Callable[[str], str], taken: Collection[str]
) -> tuple[str, ...]:
    """Each name is also the stem of a macro, so two names must differ in more than case."""
    used = set(taken)
    names = []
    for tensor, other in zip(tensors, fallback, strict=True):
        base = identifier(tensor if re.search(r"[0-9A-Za-z]", tensor) else other)
        if base.lower() in KEYWORDS or base.lower() in taken:
            base += "_"
        if base.lower().startswith(_RUNTIME):
            base = f"m_{base}"
        name, count = base, 1
        while name.lower() in used:
            count += 1
            name = f"{base}_{count}"
        used.add(name.lower())
        names.append(name)
    return tuple(names)
