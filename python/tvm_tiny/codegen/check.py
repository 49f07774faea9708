"""What must hold of a program and its plan before C is made of them. A failure is a mistake of the compiler, never of the user."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from tvm_tiny.memory.plan import MemoryPlan
from tvm_tiny.model import TensorSpec
from tvm_tiny.program import Program, Tensor

_IDENTIFIER = re.compile(r"[A-Za-z_][0-9A-Za-z_]*")


def check_program(program: Program, plan: MemoryPlan) -> None:
    """Refuse what would become wrong C.

    Raises
    ------
    ValueError
        Two symbols have one name or one is no C identifier; a layer reads or writes what has no place in the arena; a tensor is not
        aligned to its element; a tensor at the border is held otherwise than the caller is told.
    """
    _check_symbols(program)
    for spec, name in zip((*program.inputs, *program.outputs), (*program.input_tensors, *program.output_tensors), strict=True):
        _check_border(spec, program.tensors[name])
    _check_places(program, plan)


def _check_symbols(program: Program) -> None:
    if not program.outputs:
        raise ValueError(f"program {program.name!r} has no output")
    stages = [stage.layer for layer in program.layers if layer.chain for stage in layer.chain.stages if stage.layer]
    names = ["run", *(layer.name for layer in (*program.layers, *stages)), *(constant.name for constant in program.constants)]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ValueError(f"program {program.name!r} has more than one symbol called {', '.join(twice)}")
    for name in (program.name, *names):
        if not _IDENTIFIER.fullmatch(name):
            raise ValueError(f"{name!r} is no C identifier")
    for constant in program.constants:
        if constant.data.size == 0:
            raise ValueError(f"constant {constant.name!r} is empty, which no C array may be")
        for layer in program.layers:
            for other in layer.constants:
                if other.name == constant.name and other is not constant and not np.array_equal(other.data, constant.data):
                    raise ValueError(f"two different constants are called {constant.name!r}")


def _check_border(spec: TensorSpec, tensor: Tensor) -> None:
    if spec.dtype != tensor.dtype or spec.size != int(np.prod(tensor.shape)):
        raise ValueError(
            f"tensor {spec.name!r} is {spec.shape} {spec.dtype} to the caller, but held as {tensor.shape} {tensor.dtype}"
        )
    if tensor.offset:
        raise ValueError(f"tensor {spec.name!r} is held with an offset of {tensor.offset}, of which the caller is not told")
    if tensor.layout is not None and _reorders(tensor.shape, tensor.layout):
        raise ValueError(
            f"tensor {spec.name!r} is held with its axes in the order {tensor.layout}, of which the caller is not told"
        )


def _reorders(shape: tuple[int, ...], layout: tuple[int, ...]) -> bool:
    """True if the order of axes ``layout`` moves elements; axes of length 1 may go anywhere."""
    long = [axis for axis, extent in zip(layout, shape, strict=True) if extent > 1]
    return long != sorted(long)


def _check_places(program: Program, plan: MemoryPlan) -> None:
    border = {program.aliases.get(name, name): name for name in (*program.input_tensors, *program.output_tensors)}
    for storage, name in border.items():
        if storage not in plan.placements and program.tensors[storage].nbytes != program.tensors[name].nbytes:
            raise ValueError(f"tensor {storage!r} has no place in the arena, and {name!r} is only a part of it")
    for layer in program.layers:
        if not layer.outputs:
            raise ValueError(f"layer {layer.name!r} has no output")
        for name in (*layer.inputs, *layer.outputs):
            if name in program.aliases or name not in program.tensors:
                raise ValueError(f"layer {layer.name!r} uses {name!r}, which is no tensor with storage")
            if name not in plan.placements and name not in border:
                raise ValueError(f"tensor {name!r} has no place in the arena")
            _check_alignment(plan, name, program.tensors[name].dtype)
        for scratch in layer.scratch:
            name = f"{layer.name}.{scratch.name}"
            if name not in plan.placements:
                raise ValueError(f"scratch buffer {name!r} has no place in the arena")
            _check_alignment(plan, name, scratch.dtype)


def _check_alignment(plan: MemoryPlan, name: str, dtype: str) -> None:
    place, unit = plan.placements.get(name), np.dtype(dtype).itemsize
    if place is not None and (place.offset % unit or plan.alignment % unit):
        raise ValueError(f"{name!r} of {dtype} lies at offset {place.offset} of an arena aligned to {plan.alignment} bytes")
