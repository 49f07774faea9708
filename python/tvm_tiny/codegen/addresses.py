"""Where the tensors and the scratch memory of a program lie, as ``<model>_run`` writes it."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from tvm_tiny.codegen.ctypes import c_type
from tvm_tiny.codegen.ports import Port, Ports
from tvm_tiny.memory.plan import MemoryPlan
from tvm_tiny.program import Layer, Program


@dataclass(frozen=True)
class Address:
    """A pointer that a layer is given.

    Attributes
    ----------
    base : str
        The local variable of ``<model>_run`` that it starts from: a memory, or the pointer to a tensor at the border.
    c_type : str
        Of what it points at.
    offset : int or None
        Bytes from the beginning of the memory; None where ``base`` is a tensor's own pointer.
    """

    base: str
    c_type: str
    offset: int | None

    def text(self, base: str | None = None) -> str:
        """The C expression, with ``base`` for the name of the memory.

        The way over void keeps compilers from doubting an alignment that the plan has seen to.
        """
        base = base or self.base
        if self.offset is None:
            return base
        place = f"{base} + {self.offset}" if self.offset else base
        if self.c_type == "int8_t":
            return place
        return f"({self.c_type} *)(void *)({place})" if self.offset else f"({self.c_type} *)(void *){place}"


@dataclass(frozen=True)
class Addresses:
    """``local`` is the local variable of each port, by its member."""

    program: Program
    plan: MemoryPlan
    ports: Ports
    local: Mapping[str, str]

    def of_layer(self, layer: Layer) -> tuple[Address, ...]:
        """What a layer's function is given: inputs, outputs, scratch memory."""
        tensors = [self.tensor(name) for name in (*layer.inputs, *layer.outputs)]
        return (*tensors, *(self.placed(c_type(each.dtype), f"{layer.name}.{each.name}") for each in layer.scratch))

    def tensor(self, name: str) -> Address:
        """Where a layer finds a tensor."""
        kind, owner = c_type(self.program.tensors[name].dtype), self.owner(name)
        return Address(self.local[owner.member], kind, None) if owner else self.placed(kind, name)

    def owner(self, tensor: str) -> Port | None:
        """The port whose memory a tensor is."""
        return self.ports.owner(tensor, self.program.tensors[tensor].nbytes)

    def placed(self, kind: str, buffer: str) -> Address:
        """The place that the plan gives a tensor or scratch buffer."""
        place = self.plan.placements[buffer]
        return self.at(kind, place.offset, place.pool)

    def at(self, kind: str, offset: int, pool: int) -> Address:
        """A place in a memory."""
        return Address(memory_name(self.plan, pool), kind, offset)


def memory_name(plan: MemoryPlan, pool: int) -> str:
    """The local variable that points at a memory."""
    return f"{plan.pools[pool].name}_pool" if plan.pools else "memory"


def addresses_of(program: Program, plan: MemoryPlan, ports: Ports, globals_: Set[str]) -> Addresses:
    """The addresses of ``program``; no local variable gets a name of ``globals_``."""
    pools = {"pools", *(f"{pool.name}_pool" for pool in plan.pools)} if plan.pools else set()
    taken = {"arena", "inputs", "outputs", "memory", "memcpy", "tick", *pools, *globals_}
    return Addresses(program, plan, ports, _local_names(ports, taken))


def _local_names(ports: Ports, taken: Set[str]) -> dict[str, str]:
    """Member → the local variable that points at the tensor: the same name, unless that means something else in the function."""
    members = {port.member for port in ports.all}
    names: dict[str, str] = {}
    for member in (port.member for port in ports.all):
        name = member
        while name in taken or name in names.values() or (name != member and name in members):
            name += "_"
        names[member] = name
    return names
