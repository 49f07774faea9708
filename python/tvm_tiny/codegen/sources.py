"""The generated C as a value: what every later room (package, board) builds from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tvm_tiny.model import TensorSpec


@dataclass(frozen=True)
class LayerInfo:
    """What a report or a trace needs to know of one layer function."""

    name: str  # of its constants without the model's prefix, and of its C function, unless layers share that
    function: str  # the C function's name; layers may share one
    op: str
    macs: int
    live_macs: int
    schedule: str
    offload: str
    integer: bool
    output: str  # the output tensor's name in the program
    output_shape: tuple[int, ...]
    output_dtype: str
    output_source: str  # the output tensor's name in the model file, "" if it has none
    output_layout: tuple[int, ...] | None
    output_offset: int
    layer_inputs: tuple[str, ...] = ()
    output_channels: tuple[int, ...] | None = None  # those of the file's tensor that are left, None if all are
    kernel_size: int = 0  # bytes of weights
    stream_size: int = 0  # bytes of weights with their biases and multipliers between them
    parameters_size: int = 0  # bytes of biases, multipliers, tables
    stages: tuple[str, ...] = ()  # the layers that it runs row by row, where it is a chain
    scratch: int = 0  # bytes of working memory, part of the arena
    npu: Mapping[str, Any] | None = None  # what the NPU's compiler tells of it: npu/summary.py


@dataclass(frozen=True)
class BufferInfo:
    """A buffer of the arena: where it lies, when it holds something, and which layers write it.

    Attributes
    ----------
    name : str
        The tensor's name in the program, or "<layer>.<scratch>".
    kind : str
        "input", "output", "tensor" or "scratch".
    offset, size : int
        Bytes.
    first, last : int
        The layers between which it is in use, both included.
    writers : tuple of int
        The layers that write it.
    bound : bool
        Whether layers work on the caller's memory instead, where the caller brings some for this input or output.
    source : str
        The tensor's name in the model file, "" if it has none.
    producer : str
        The layer that first writes it, "" if none does.
    pool : int
        Index of the memory that holds it, where there are several.
    """

    name: str
    kind: str
    offset: int
    size: int
    first: int
    last: int
    writers: tuple[int, ...] = ()
    bound: bool = False
    source: str = ""
    producer: str = ""
    pool: int = 0

    @property
    def label(self) -> str:
        """What reports call it: an input or output as in the model file, a tensor between layers by the layer that writes it."""
        if self.kind in ("input", "output"):
            return self.source or self.name
        return self.producer or self.name if self.kind == "tensor" else self.name


@dataclass(frozen=True)
class PoolInfo:
    """A memory that the firmware hands to the model, where there are several: ``size`` bytes, of at most ``capacity``."""

    name: str
    size: int
    capacity: int | None
    cost: int


@dataclass(frozen=True)
class CModule:
    """A compiled model in C.

    Attributes
    ----------
    name : str
        The prefix of every symbol and file: "kws" → kws.h, kws.c, kws_weights.c, tvmgen_kws.h, tvmgen_kws.c.
    target : str
        The target's name, "cortex-m4".
    files : dict of str to str
        Path relative to the output folder → text. Holds everything that is needed to compile: runtime headers included.
    sources : tuple of str
        Those of ``files`` that are compiled.
    inputs, outputs : tuple of TensorSpec
        In the order of the C structs.
    input_members, output_members : tuple of str
        The members' names in ``struct <name>_inputs`` and ``struct <name>_outputs``, in the same order.
    arena_size, arena_alignment : int
        Bytes.
    weights_size : int
        Bytes of constant data.
    layers : tuple of LayerInfo
        In the order of execution; the index is the one that the trace hook reports.
    needs_libm : bool
        True where float operators call <math.h>.
    streaming : bool
        True where each call takes one frame, after ``<name>_reset``, and may have no result yet.
    buffers : tuple of BufferInfo
        What lies in the arena, in the order in which it comes into use.
    pools : tuple of PoolInfo
        The memories, where there are several; ``arena_size`` is then their sum.
    """

    name: str
    target: str
    files: dict[str, str]
    sources: tuple[str, ...]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    input_members: tuple[str, ...]
    output_members: tuple[str, ...]
    arena_size: int
    arena_alignment: int
    weights_size: int
    layers: tuple[LayerInfo, ...]
    needs_libm: bool = False
    streaming: bool = False
    buffers: tuple[BufferInfo, ...] = ()
    pools: tuple[PoolInfo, ...] = ()

    def in_arena(self, member: str) -> bool:
        """Whether that input or output has a place in the arena, or in a pool: the header then gives its offset."""
        return f"#define {self.name.upper()}_{member.upper()}_OFFSET " in self.files[f"{self.name}.h"]

    @property
    def pool_sizes(self) -> list[int]:
        """Bytes of each memory, also where there is but one."""
        return [pool.size for pool in self.pools] or [self.arena_size]
