"""From when to when each buffer of a program holds something that is still needed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from tvm_tiny.program import Overlap, Program


@dataclass(frozen=True)
class Lifetime:
    """A buffer of ``size`` bytes in use from layer ``first`` to layer ``last``, both included, as in `plan.Placement`."""

    name: str
    size: int
    first: int
    last: int


def storage_name(program: Program, tensor: str) -> str:
    """The tensor whose bytes ``tensor`` are: itself, or what it is a view of.

    Raises
    ------
    ValueError
        A view of something that has no storage, or that is larger than what it views: the compiler made a mistake.
    """
    name = program.aliases.get(tensor, tensor)
    if name in program.aliases or name not in program.tensors:
        raise ValueError(f"tensor {tensor!r} has no storage: {name!r} is not a tensor of its own in program {program.name!r}")
    if tensor in program.tensors and program.tensors[tensor].nbytes > program.tensors[name].nbytes:
        raise ValueError(f"tensor {tensor!r} is a view of {name!r}, which is smaller")
    return name


def scratch_name(layer: str, scratch: str) -> str:
    """The name under which a plan knows the scratch buffer ``scratch`` of ``layer``."""
    return f"{layer}.{scratch}"


def lifetimes(program: Program) -> tuple[Lifetime, ...]:
    """The lifetimes of all tensors that have storage and of all scratch buffers, in the order in which they begin.

    An input lives from the start, for the caller has written it before the first layer; also one that no layer reads, so that
    writing it harms no other input. An output lives to the end, an input that is an output all the time. A tensor that a layer
    writes and nobody reads still needs room while that layer runs.

    Raises
    ------
    ValueError
        A layer reads what nothing has written, or two buffers have one name: the compiler made a mistake.
    """
    end = max(len(program.layers) - 1, 0)
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    sizes: dict[str, int] = {}

    def use(name: str, time: int) -> None:
        first.setdefault(name, time)
        last[name] = max(time, last.get(name, time))

    for name in program.input_tensors:
        use(storage_name(program, name), 0)
    for time, layer in enumerate(program.layers):
        for name in layer.inputs:
            if storage_name(program, name) not in first:
                raise ValueError(f"layer {layer.name!r} reads tensor {name!r}, which nothing has written before")
            use(storage_name(program, name), time)
        for name in layer.outputs:
            use(storage_name(program, name), time)
        for scratch in layer.scratch:
            name = scratch_name(layer.name, scratch.name)
            if name in first or name in program.tensors:
                raise ValueError(f"two buffers of program {program.name!r} are called {name!r}")
            use(name, time)
            sizes[name] = scratch.nbytes
    for name in program.output_tensors:
        if storage_name(program, name) not in first:
            raise ValueError(f"output tensor {name!r} is written by no layer")
        use(storage_name(program, name), end)

    for name in program.kept:
        first[name], last[name] = 0, end
    sizes.update({name: program.tensors[name].nbytes for name in first if name in program.tensors})
    return tuple(Lifetime(name, sizes[name], first[name], last[name]) for name in first)


def usable_overlaps(program: Program) -> tuple[Overlap, ...]:
    """The overlaps of all layers that a plan may use: the input dies in the layer, and the output is born there.

    Both then are storages that nothing else needs: an input that is read again later, through whatever view, or is an output of the
    model, keeps its bytes, and so does what is kept from call to call.
    """
    span = {buffer.name: buffer for buffer in lifetimes(program)}
    kept = {storage_name(program, name) for name in program.output_tensors} | program.kept
    given = {storage_name(program, name) for name in program.input_tensors} | program.kept
    return tuple(
        overlap
        for time, layer in enumerate(program.layers)
        for overlap in layer.overlaps
        if span[overlap.input].last == time
        and span[overlap.output].first == time
        and overlap.input not in kept
        and overlap.output not in given
        and overlap.input not in layer.outputs
    )


def border_storage(program: Program) -> frozenset[str]:
    """The tensors with storage that are inputs or outputs as a whole: those that can lie in the caller's memory."""
    views: dict[str, list[str]] = {}
    for name in (*program.input_tensors, *program.output_tensors):
        views.setdefault(storage_name(program, name), []).append(name)
    sizes = {name: tensor.nbytes for name, tensor in program.tensors.items()}
    return frozenset(storage for storage, names in views.items() if all(sizes[name] == sizes[storage] for name in names))


def lower_bound(buffers: tuple[Lifetime, ...]) -> int:
    """The largest number of bytes alive at one time. Without overlap of an operator's output and input no plan is smaller."""
    if not buffers:
        return 0
    changes = [0] * (max(buffer.last for buffer in buffers) + 2)
    for buffer in buffers:
        changes[buffer.first] += buffer.size
        changes[buffer.last + 1] -= buffer.size
    return max(accumulate(changes))
