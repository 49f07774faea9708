"""What ``<model>_run`` passes to its layers, where pointers to every tensor would take too much code: the memory alone.

With many layers the pointers are most of ``<model>_run``, which is to stay below :data:`LIMIT`. A layer then becomes two functions.
The one that is called knows where in the memory the layer's tensors lie, and calls the other, which computes with pointers as ever.
Where the loops of a layer call kernels, C compilers are left to make one of both: they keep what ``restrict`` says of parameters,
which gcc would forget of local pointers. Loops that are a layer's own become up to a tenth slower that way, for compilers then keep
fewer pointers in registers, knowing that all come from one: there the two stay apart. Models of few layers stay as they are.

Tensors at the model's border, whose place the caller chooses, and those of a function that several layers share, where they lie in
different places, stay arguments.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import replace

from tvm_tiny.codegen.addresses import Address
from tvm_tiny.codegen.function import Function
from tvm_tiny.codegen.share import Call

LIMIT = 300
"""Bytes of code on a Cortex-M4 that ``<model>_run`` should not exceed."""
_FRAME = 80  # of its checks, entry and exit
_CALL, _MOVE, _ADD, _LOAD = 4, 2, 4, 6  # a call; a register, a place in the memory, and the address of an array as its argument


def fold(
    functions: Sequence[Function], calls: Sequence[Call], addresses: Sequence[Sequence[Address]], keep: Set[str], *, inline: bool
) -> tuple[list[Function], list[Call]]:
    """The functions to print, and the calls with all of their arguments.

    ``addresses`` is what each call passes for inputs, outputs and scratch memory, in front of the arguments that it has. Functions
    of ``keep`` are called by others too, and stay as they are. With ``inline``, C compilers may make one of a layer's two.
    """
    found: dict[str, list[Sequence[Address]]] = defaultdict(list)
    for call, passed in zip(calls, addresses, strict=True):
        found[call.function].append(passed)
    many = _code_of(calls, addresses) > LIMIT
    fixed = {name: _fixed(passed) if many and name not in keep else {} for name, passed in found.items()}
    printed = [each for function in functions for each in _with_fixed(function, fixed.get(function.name, {}), inline=inline)]
    arguments = [_arguments(call, passed, fixed[call.function]) for call, passed in zip(calls, addresses, strict=True)]
    return printed, [Call(call.function, texts) for call, texts in zip(calls, arguments, strict=True)]


def _code_of(calls: Sequence[Call], addresses: Sequence[Sequence[Address]]) -> int:
    """About how many bytes of code the calls take if every pointer is passed. A place stays in its register for the next layer."""
    code, before = _FRAME, set[tuple[str, int | None]]()
    for call, passed in zip(calls, addresses, strict=True):
        places = {(each.base, each.offset) for each in passed}
        code += _CALL + _MOVE * len(passed) + _LOAD * len(call.arguments)
        code += _ADD * sum(1 for place in places - before if place[1])
        before = places
    return code


def _fixed(passed: Sequence[Sequence[Address]]) -> dict[int, Address]:
    """Which pointers lie at the same place of a memory in all calls; none of them where passing the memory would save nothing."""
    columns = enumerate(zip(*passed, strict=True))
    fixed = {at: column[0] for at, column in columns if len(set(column)) == 1 and column[0].offset is not None}
    return fixed if len(fixed) > len(_memories(fixed)) or any(each.offset for each in fixed.values()) else {}


def _memories(fixed: dict[int, Address]) -> list[str]:
    """The memories that the pointers point into, each once."""
    return list(dict.fromkeys(each.base for each in fixed.values()))


def _with_fixed(function: Function, fixed: dict[int, Address], *, inline: bool) -> list[Function]:
    """``function``; where some of its pointers are ``fixed``, behind it the one that passes these to it."""
    if not fixed:
        return [function]
    names = [parameter.split()[-1].lstrip("*") for parameter in function.parameters]
    others = [
        (parameter, name) for at, (parameter, name) in enumerate(zip(function.parameters, names, strict=True)) if at not in fixed
    ]
    memories: dict[str, str] = {}
    for memory in _memories(fixed):
        memories[memory] = memory
        while memories[memory] in (name for _, name in others):
            memories[memory] += "_"
    passed = [fixed[at].text(memories[fixed[at].base]) if at in fixed else name for at, name in enumerate(names)]
    body = replace(function, name=f"{function.name}_body", inline=inline)
    return [
        body,
        replace(
            function,
            parameters=(*(f"int8_t *{name}" for name in memories.values()), *(parameter for parameter, _ in others)),
            statements=(f"  {body.name}({', '.join(passed)});",),
            comments=(),
            needs_libm=False,
        ),
    ]


def _arguments(call: Call, passed: Sequence[Address], fixed: dict[int, Address]) -> tuple[str, ...]:
    others = [each.text() for at, each in enumerate(passed) if at not in fixed]
    return (*_memories(fixed), *others, *call.arguments)
