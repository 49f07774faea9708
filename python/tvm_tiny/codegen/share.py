"""Layers of one kind share a function: what differs between them becomes its parameters.

Two layers whose functions are the same but for the arrays that they read, or also but for their numbers, are printed once. This
works on the C text, when all that follows from a layer's numbers has been simplified. Its safety is plain: with a layer's numbers
put back for the parameters, the shared function is the layer's own, token by token.

Numbers stay where C, or the code made of it, needs them: sizes of local arrays, divisors, and whole arguments of functions that are
always inlined, which may stand in the text of an ``asm`` statement.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from tvm_tiny.codegen.ctypes import c_type
from tvm_tiny.codegen.function import Function
from tvm_tiny.codegen.names import KEYWORDS
from tvm_tiny.codegen.runtime import is_always_inlined, parameter_name
from tvm_tiny.program import Layer

_TOKEN = re.compile(r"[A-Za-z_]\w*|\d(?:[\w.]|(?<=[eE])[+-])*|\s+|.")
_NUMBER = re.compile(r"\d+")
_LOCAL_ARRAY = re.compile(r"\s*(?:const )?\w+ \w+\[\d+\]")
_INT32 = range(-(2**31), 2**31)

_WORTH = 5
"""Bytes of code for an argument of a call, about; a token of a function's body is about one."""


@dataclass(frozen=True)
class Call:
    """How ``<model>_run`` calls a layer: the function, and what it passes behind the layer's tensors and scratch memory."""

    function: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Slot:
    """A place in a function's text where another layer's may differ.

    ``value`` is what stands there in this layer: a number, or an array's name. ``kind`` is the type of the array's elements and its
    name as a parameter, or what a number is used for.
    """

    kind: str
    value: str
    role: str = ""

    @property
    def is_array(self) -> bool:
        return bool(self.role)


_Piece = str | _Slot


def share(
    layers: Sequence[Layer], functions: Sequence[Function], prefix: str, *, numbers: bool
) -> tuple[list[Function], list[Call]]:
    """The functions to print, and for each layer the call of one of them.

    ``numbers`` says whether layers that differ in their numbers share too: less code, which computes with parameters where it would
    with constants. Without it, only arrays become parameters. Arguments and functions are those of ``layers``, in their order.
    """
    pieces = [_pieces(layer, function, prefix, numbers) for layer, function in zip(layers, functions, strict=True)]
    alike: dict[object, list[int]] = defaultdict(list)
    for index, (layer, function) in enumerate(zip(layers, functions, strict=True)):
        parameters = tuple(map(_unrestricted, function.parameters)) if numbers else function.parameters
        alike[(layer.op, parameters, *map(_pattern, pieces[index]))].append(index)
    printed: list[Function] = []
    calls: dict[int, Call] = {}
    for members in alike.values():
        shared = _Shared.of([functions[index] for index in members], [pieces[index] for index in members])
        if not shared.pays(len(members)):
            printed += [functions[index] for index in members]
            calls |= {index: Call(functions[index].name) for index in members}
            continue
        name = f"{prefix}_{layers[members[0]].op}_like_{members[0]}"
        comments = tuple(f"{layers[index].name}: {text}" for index in members for text in functions[index].comments)
        printed.append(shared.function(name, comments))
        calls |= {index: Call(name, shared.arguments(at)) for at, index in enumerate(members)}
    return printed, [calls[index] for index in range(len(layers))]


def _unrestricted(parameter: str) -> str:
    """The declaration of a pointer whose memory another may share, as in a layer whose output lies over its input."""
    return parameter.replace("*restrict ", "*")


def _pattern(piece: _Piece) -> object:
    """What must be the same in two layers that share a function."""
    return piece if isinstance(piece, str) else (piece.kind, piece.role)


# ---- Reading a function ----------------------------------------------------------------------------------------------------------


def _pieces(layer: Layer, function: Function, prefix: str, numbers: bool) -> list[_Piece]:
    arrays = {f"{prefix}_{constant.name}": constant for constant in layer.constants}
    pieces: list[_Piece] = []
    for line in function.statements:
        tokens = _TOKEN.findall(line + "\n")
        callers = _callers(tokens)
        fixed = _fixed(tokens) if numbers and not _LOCAL_ARRAY.match(line) else set(range(len(tokens)))
        for at, token in enumerate(tokens):
            if token in arrays:
                constant = arrays[token]
                pieces.append(_Slot(c_type(str(constant.data.dtype)), token, layer.role(constant)))
            elif at not in fixed and _NUMBER.fullmatch(token) and int(token) in _INT32:
                pieces.append(_Slot(_use_of(tokens, at, callers[at]), token))
            else:
                pieces.append(token)
    return pieces


def _near(tokens: Sequence[str], at: int, step: int) -> str:
    """The next token before (``step`` -1) or behind (1) that is not space."""
    at += step
    while 0 <= at < len(tokens) and tokens[at].isspace():
        at += step
    return tokens[at] if 0 <= at < len(tokens) else ""


def _callers(tokens: Sequence[str]) -> list[tuple[str, int]]:
    """For each token the innermost call that it is an argument of: the function's name, "" outside of all, and which argument."""
    open_: list[tuple[str, int]] = [("", 0)]
    found = []
    for at, token in enumerate(tokens):
        if token in ")]":
            open_.pop()
        elif token == ",":
            open_[-1] = (open_[-1][0], open_[-1][1] + 1)
        found.append(open_[-1])
        if token in ("(", "["):
            open_.append((_near(tokens, at, -1) if token == "(" else "", 0))
    return found


def _fixed(tokens: Sequence[str]) -> set[int]:
    """The numbers that must stay as they are: divisors, values that are stored as they are, and arguments of inlined functions."""
    fixed: set[int] = set()
    callers = _callers(tokens)
    for at, token in enumerate(tokens):
        if _NUMBER.fullmatch(token):
            before, behind = _ends(tokens, at)
            argument = before in ("(", ",") and behind in (")", ",")
            if before in ("/", "%") or (before == "=" and behind == ";") or (argument and is_always_inlined(callers[at][0])):
                fixed.add(at)
    return fixed


def _ends(tokens: Sequence[str], at: int) -> tuple[str, str]:
    """What stands before the number at ``at``, its sign apart, and behind it."""
    start = at - 1 if tokens[at - 1 : at] == ["-"] else at
    before = _near(tokens, start, -1)
    return (before if start == at or before in ("(", ",", "=") else "-"), _near(tokens, at, 1)


def _use_of(tokens: Sequence[str], at: int, caller: tuple[str, int]) -> str:
    """What a number is for, as the stem of a parameter's name."""
    before, behind = _near(tokens, at, -1), _near(tokens, at, 1)
    loop = re.match(r"\s*for \(\w+ (\w+?)(?:_\d+)? = ", "".join(tokens))
    if loop and before == "<" and behind == ";":
        return f"{loop[1]}_count"
    if before in ("(", ",") and behind in (")", ","):
        return parameter_name(*caller) or "number"
    return "step" if before == "*" else "number"


# ---- Writing one for several -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Shared:
    """One function for the layers whose pieces are ``members``; ``first`` is that of the first, as all can use it.

    ``roles`` is the role of an array → the name of the parameter for it; ``bases`` the numbers of all layers → likewise.
    """

    first: Function
    members: Sequence[Sequence[_Piece]]
    roles: dict[str, str]
    bases: dict[tuple[int, ...], str]

    @classmethod
    def of(cls, functions: Sequence[Function], members: Sequence[Sequence[_Piece]]) -> _Shared:
        first, slots = functions[0], list(_slots(members))
        if any(each.parameters != first.parameters for each in functions):
            first = replace(first, parameters=tuple(map(_unrestricted, first.parameters)))
        taken = {piece for piece in members[0] if isinstance(piece, str)} | {*KEYWORDS, *_TOKEN.findall(" ".join(first.parameters))}
        roles: dict[str, str] = {}
        for slot in slots:
            if slot[0].is_array and slot[0].role not in roles:
                roles[slot[0].role] = _fresh(slot[0].role, taken)
        bases: dict[tuple[int, ...], str] = {}
        uses = {_values(slot): slot[0].kind for slot in reversed(slots) if not slot[0].is_array}
        for values in sorted(uses):
            if len(set(values)) > 1 and _in_terms_of(bases, values) is None:
                bases[values] = _fresh(uses[values], taken)
        return cls(first, members, roles, bases)

    def pays(self, count: int) -> bool:
        """Whether one function and its arguments are less code than ``count`` functions."""
        tokens = sum(1 for piece in self.members[0] if not (isinstance(piece, str) and piece.isspace()))
        return (count - 1) * tokens > count * _WORTH * (len(self.roles) + len(self.bases))

    def function(self, name: str, comments: tuple[str, ...]) -> Function:
        """The function that they share."""
        slots = {slot.role: slot for slot in self.members[0] if isinstance(slot, _Slot) and slot.is_array}
        arrays = [f"const {slots[role].kind} *restrict {parameter}" for role, parameter in self.roles.items()]
        values = iter(_slots(self.members))
        body = "".join(piece if isinstance(piece, str) else self._written(next(values)) for piece in self.members[0])
        parameters = (*self.first.parameters, *arrays, *(f"int32_t {parameter}" for parameter in self.bases.values()))
        return replace(self.first, name=name, comments=comments, parameters=parameters, statements=tuple(body.splitlines()))

    def arguments(self, at: int) -> tuple[str, ...]:
        """What the layer number ``at`` of these passes."""
        slots = {slot.role: slot.value for slot in self.members[at] if isinstance(slot, _Slot)}
        return (*(slots[role] for role in self.roles), *(str(values[at]) for values in self.bases))

    def _written(self, slot: tuple[_Slot, ...]) -> str:
        if slot[0].is_array:
            return self.roles[slot[0].role]
        values = _values(slot)
        if len(set(values)) == 1:
            return slot[0].value
        text = _in_terms_of(self.bases, values)
        assert text is not None
        return text


def _slots(members: Sequence[Sequence[_Piece]]) -> Iterable[tuple[_Slot, ...]]:
    """The same slot of every layer, one after the other."""
    for pieces in zip(*members, strict=True):
        slots = tuple(piece for piece in pieces if isinstance(piece, _Slot))
        if slots:
            yield slots


def _values(slot: tuple[_Slot, ...]) -> tuple[int, ...]:
    return tuple(int(each.value) for each in slot)


def _in_terms_of(bases: dict[tuple[int, ...], str], values: tuple[int, ...]) -> str | None:
    """An expression of the parameters that has the ``values``: a parameter, a multiple of one, one plus a number, or a product."""
    if values in bases:
        return bases[values]
    for base, name in bases.items():
        factor = _common(values, base, lambda value, part: value // part if part and value % part == 0 else None)
        if factor is not None:
            return f"({name} * {factor})"
    for base, name in bases.items():
        added = _common(values, base, lambda value, part: value - part)
        if added is not None:
            return f"({name} + {added})"
    for base, name in bases.items():
        for other, other_name in bases.items():
            if all(value == first * second for value, first, second in zip(values, base, other, strict=True)):
                return f"({name} * {other_name})"
    return None


def _common(values: Sequence[int], base: Sequence[int], relation: Callable[[int, int], int | None]) -> int | None:
    """What ``relation`` gives for every value and its base, None unless that is one positive number."""
    results = {relation(value, part) for value, part in zip(values, base, strict=True)}
    result = results.pop() if len(results) == 1 else None
    return result if result is not None and result > 0 else None


def _fresh(name: str, taken: set[str]) -> str:
    """``name``, or one beside it that is not taken; taken from now on."""
    fresh, count = name, 1
    while fresh in taken:
        count += 1
        fresh = f"{name}_{count}"
    taken.add(fresh)
    return fresh
