"""Programs for the tests of this room: only names and sizes matter, so the layers have no function."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from tvm_tiny.model import TensorSpec
from tvm_tiny.program import Layer, Overlap, Program, Scratch, Tensor


def layer(name: str, inputs: str, outputs: str, scratch: Sequence[int] = (), overlaps: Sequence[Overlap] = ()) -> Layer:
    """``inputs`` and ``outputs`` are names with spaces between them, ``scratch`` bytes."""
    buffers = tuple(Scratch(f"s{index}", size) for index, size in enumerate(scratch))
    return Layer(name, "op", None, tuple(inputs.split()), tuple(outputs.split()), scratch=buffers, overlaps=tuple(overlaps))


def program(
    sizes: dict[str, int], inputs: str, outputs: str, layers: Sequence[Layer], aliases: dict[str, str] | None = None
) -> Program:
    """A program of int8 tensors of the given sizes in bytes."""
    tensors = {name: Tensor(name, (size,), "int8") for name, size in sizes.items()}

    def specs(names: str) -> tuple[TensorSpec, ...]:
        return tuple(TensorSpec(name, tensors[name].shape, "int8") for name in names.split())

    names = tuple(inputs.split()), tuple(outputs.split())
    return Program("net", specs(inputs), specs(outputs), *names, tensors, tuple(layers), aliases or {})


@st.composite
def programs(draw: st.DrawFn, *, unused_inputs: bool = True, most_layers: int = 12) -> Program:
    """Random graphs: branches, several inputs and outputs, views, scratch, tensors that nobody reads, outputs that are inputs, and
    outputs that may overlap inputs.
    """
    size = st.integers(1, 300)
    sizes = {f"in{index}": draw(size) for index in range(draw(st.integers(1, 3)))}
    inputs = list(sizes)
    aliases: dict[str, str] = {}
    layers = []
    readable = list(inputs)
    for index in range(draw(st.integers(0 if unused_inputs else 1, most_layers))):
        reads = draw(st.lists(st.sampled_from(readable), min_size=1, max_size=3, unique=True))
        if index == 0 and not unused_inputs:
            reads = inputs
        writes = [f"t{index}_{output}" for output in range(draw(st.integers(1, 2)))]
        sizes.update({name: draw(size) for name in writes})
        storage = " ".join(aliases.get(name, name) for name in reads)
        pairs = draw(st.lists(st.tuples(st.sampled_from(storage.split()), st.sampled_from(writes)), max_size=3, unique=True))
        overlaps = [
            Overlap(x, y, draw(st.integers(-sizes[x], sizes[y])), draw(st.integers(0, sizes[x])), draw(st.booleans()))
            for x, y in pairs
        ]
        layers.append(layer(f"layer{index}", storage, " ".join(writes), draw(st.lists(size, max_size=2)), overlaps))
        readable += writes
        if draw(st.booleans()):
            aliases[f"view{index}"] = writes[0]
            sizes[f"view{index}"] = sizes[writes[0]]
            readable.append(f"view{index}")
    outputs = draw(st.lists(st.sampled_from(readable), min_size=1, max_size=3, unique=True))
    return program(sizes, " ".join(inputs), " ".join(outputs), layers, aliases)
