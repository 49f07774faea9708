"""A scheduled model: layers in their order of execution, and the tensors that flow between them.

This is what the rooms after `schedule` share: `memory` places its tensors, `codegen` prints its functions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tvm_tiny.model import TensorSpec

if TYPE_CHECKING:
    from tvm.tirx import PrimFunc


@dataclass(frozen=True)
class Constant:
    """An array in flash: weights, biases, multipliers, tables. ``name`` is a C identifier, unique in the program."""

    name: str
    data: np.ndarray

    @property
    def nbytes(self) -> int:
        return int(self.data.nbytes)

    @property
    def is_kernel(self) -> bool:
        """Whether it is weights, as a schedule has laid them out."""
        return self.name.endswith(("_weight", "_weight_rest"))

    @property
    def is_stream(self) -> bool:
        """Whether it is weights with biases and multipliers between them, in the order in which a kernel reads them."""
        return self.name.endswith("_stream")


@dataclass(frozen=True)
class Tensor:
    """A value in RAM. ``name`` is unique in the program; ``source`` is the tensor's name in the model file, "" if it has none.

    ``layout`` is the order in which the file's axes are stored: (0, 2, 3, 1) when an NCHW tensor of the file is held as NHWC.
    ``offset`` turns a stored value into the file's: file = stored + offset (uint8 tensors of a file are held as int8, offset 128).
    ``channels`` are the indices along the file's last stored axis that this tensor holds, None if it holds all of them.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    source: str = ""
    layout: tuple[int, ...] | None = None
    offset: int = 0
    channels: tuple[int, ...] | None = None

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Scratch:
    """Working memory of a layer while it runs; a parameter of its function after the outputs, as a pointer to ``dtype``."""

    name: str
    nbytes: int
    dtype: str = "int8"


@dataclass(frozen=True)
class Overlap:
    """How far a layer's output may run over one of its inputs, which nothing needs after this layer.

    With both in one memory, the layer stays exact if the first byte of the output lies at least ``before`` bytes before that of the
    input, or at least ``after`` bytes behind it, or, where ``same``, exactly on it. Without any overlap ``before`` is the size of
    the output and ``after`` that of the input; an output that follows the reads may even have a ``before`` of 0 or less.
    """

    input: str
    output: str
    before: int
    after: int
    same: bool = False


@dataclass(frozen=True)
class Layer:
    """One C function: ``func`` takes inputs, constants, outputs and scratch, in this order.

    ``func`` is a lowered TIRx function: loops over flat buffers, no blocks. ``comment`` is one line for the reader of the C.
    Its inputs, outputs and scratch share no byte, except as ``overlaps`` allow. ``node`` is the `op.operator.Node` of the layer,
    None where it is not an operator of ours. A layer with a ``chain`` has no ``func``: it is several layers, run row by row. Nor
    has one that is an ``npu``'s.
    """

    name: str
    op: str
    func: PrimFunc | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: tuple[Constant, ...] = ()
    scratch: tuple[Scratch, ...] = ()
    macs: int = 0
    live_macs: int = 0
    schedule: str = "default"
    offload: str = "cpu"
    integer: bool = True
    comment: str = ""
    overlaps: tuple[Overlap, ...] = ()
    node: Any = None
    chain: Chain | None = None
    npu: NpuJob | None = None

    def role(self, constant: Constant) -> str:
        """What ``constant`` is to this layer: "weight", "bias", "multiplier", ..."""
        return constant.name.removeprefix(f"{self.name}_")


@dataclass(frozen=True)
class NpuJob:
    """What an NPU does for a layer: encoded command streams (:mod:`tvm_tiny.npu.stream`).

    Region 0 of both is ``constants``; those of ``run`` go on with the layer's inputs and its outputs. ``load`` fills the parameter
    cache, which then carries ``token``; empty, with a token of 0, where nothing is cached. ``sram`` is the bytes of on-chip memory
    that activations take, ``report`` what the compiler tells of the job.
    """

    npu: str
    run: bytes
    load: bytes
    constants: np.ndarray
    token: int
    sram: int
    report: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Band:
    """The rows of a tensor that a chain holds at one time, one behind the other.

    ``name`` is that of the scratch buffer. New rows come in at its end, for ``cycle`` firings of its stage one behind the other; at
    the first of them everything moves up by as many rows. The stage's first firing is number ``phase`` in its cycle, and in front
    of its rows are ``top`` rows of padding, filled with ``fill``.
    """

    name: str
    tensor: str
    rows: int
    row_bytes: int
    top: int = 0
    fill: int = 0
    cycle: int = 1
    phase: int = 0

    @property
    def nbytes(self) -> int:
        return self.rows * self.row_bytes


@dataclass(frozen=True)
class Access:
    """Where a stage reads or writes: ``offset`` bytes behind the start of ``buffer``, and ``advance`` more at each firing.

    ``buffer`` is the name of a band or, for a tensor that is there as a whole, the tensor's. What is written into a band advances
    from the first firing of a cycle.
    """

    buffer: str
    offset: int = 0
    advance: int = 0


@dataclass(frozen=True)
class Stage:
    """What a chain does again and again: it fires at the ticks ``first``, ``first + period``, ..., ``count`` times.

    ``layer`` computes ``rows`` rows of ``tensor`` from ``inputs``; None copies them from its one input. Then, for ``padding``
    firings, rows of padding follow. Scratch buffers of the layer lie in the chain's ``work`` memory at ``scratch``.
    """

    tensor: str
    layer: Layer | None
    rows: int
    first: int
    period: int
    count: int
    padding: int
    inputs: tuple[Access, ...]
    output: Access
    scratch: tuple[int, ...] = ()


@dataclass(frozen=True)
class Chain:
    """Layers that run row by row: in each tick those stages that are due fire, in this order.

    ``work`` is the name of the scratch buffer in which the stages' own lie, "" where none needs any. A chain that is a ``stream``
    runs one tick at each call of the model, and has no last tick.
    """

    ticks: int
    stages: tuple[Stage, ...]
    bands: tuple[Band, ...]
    work: str = ""
    stream: Stream | None = None


@dataclass(frozen=True)
class Stream:
    """A model that gets one frame at each call: after ``frames`` of them, and then every ``hop``, its result is new.

    ``clock`` is the name of the scratch buffer, one int32, that counts ticks. When it would come to ``wrap``, it goes back to where
    all is due as it is then.
    """

    frames: int
    hop: int
    clock: str
    wrap: int
    back: int


@dataclass(frozen=True)
class Program:
    """Layers in the order in which they run. ``inputs`` and ``outputs`` are in the order of the model file.

    A tensor in ``aliases`` is a view of another one (a reshape): it has no storage of its own and its value names the tensor that
    has. Names in layers are always those of tensors with storage. Buffers in ``kept``, a tensor or "<layer>.<scratch>", keep what
    they hold from one call of the model to the next.
    """

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    input_tensors: tuple[str, ...]
    output_tensors: tuple[str, ...]
    tensors: dict[str, Tensor]
    layers: tuple[Layer, ...]
    aliases: dict[str, str] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()

    @property
    def stream(self) -> Stream | None:
        """How the model takes frames, None if it takes its whole input at once."""
        return next((layer.chain.stream for layer in self.layers if layer.chain and layer.chain.stream), None)

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def live_macs(self) -> int:
        return sum(layer.live_macs for layer in self.layers)

    @property
    def constants(self) -> tuple[Constant, ...]:
        """Every constant once, in the order of the layers."""
        unique = {constant.name: constant for layer in self.layers for constant in layer.constants}
        return tuple(unique.values())
