"""The tensors that cross a model's border, with everything that the headers and the entry function say of them."""

from __future__ import annotations

from dataclasses import dataclass

from tvm_tiny.codegen.ctypes import c_type
from tvm_tiny.codegen.names import member_names, microtvm_names
from tvm_tiny.memory.plan import MemoryPlan
from tvm_tiny.model import TensorSpec
from tvm_tiny.program import Program


@dataclass(frozen=True)
class Port:
    """An input or output of a model.

    Attributes
    ----------
    spec : TensorSpec
    kind : str
        "input" or "output".
    member : str
        Its member of ``struct <model>_inputs`` or ``_outputs``.
    microtvm_member : str
        Its member of microTVM's struct.
    c_type : str
    storage : str
        The tensor of the program that holds it: itself, or what it is a view of.
    offset : int or None
        Its place in the arena; None if it has none and the caller must bring memory for it.
    pool : int
        Index of the memory that holds it, where there are several.
    """

    spec: TensorSpec
    kind: str
    member: str
    microtvm_member: str
    c_type: str
    storage: str
    offset: int | None
    pool: int = 0


@dataclass(frozen=True)
class Ports:
    """Inputs and outputs in the order of the model file."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    @property
    def all(self) -> tuple[Port, ...]:
        return self.inputs + self.outputs

    def owner(self, tensor: str, nbytes: int) -> Port | None:
        """The port whose memory a tensor with storage is: the first that is all of it, inputs before outputs."""
        return next((port for port in self.all if port.storage == tensor and port.spec.nbytes == nbytes), None)


def ports_of(program: Program, plan: MemoryPlan) -> Ports:
    """The ports of ``program``, named so that no two members or macros of a header meet."""
    specs = (*program.inputs, *program.outputs)
    tensors = (*program.input_tensors, *program.output_tensors)
    count = len(program.inputs)
    kinds = ["input"] * count + ["output"] * len(program.outputs)
    fallback = [f"input_{i}" for i in range(count)] + [f"output_{i}" for i in range(len(program.outputs))]
    names = [spec.name for spec in specs]
    rows = zip(specs, tensors, kinds, member_names(names, fallback), microtvm_names(names, fallback), strict=True)
    ports = tuple(_port(program, plan, *row) for row in rows)
    return Ports(ports[:count], ports[count:])


def _port(program: Program, plan: MemoryPlan, spec: TensorSpec, tensor: str, kind: str, member: str, microtvm_member: str) -> Port:
    storage = program.aliases.get(tensor, tensor)
    place = plan.placements.get(storage)
    offset, pool = (None, 0) if place is None else (place.offset, place.pool)
    return Port(spec, kind, member, microtvm_member, c_type(spec.dtype), storage, offset, pool)
