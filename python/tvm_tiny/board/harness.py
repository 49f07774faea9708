"""The Python side of ``src/firmware/harness``: samples into its input file, results out of its output files.

The layout of the files is told in ``src/firmware/harness/harness.h``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tvm_tiny.codegen.sources import CModule
from tvm_tiny.errors import FirmwareError, InputError
from tvm_tiny.model import TensorSpec

INPUT, OUTPUT, TRACE = "input.bin", "output.bin", "trace.bin"

_INPUT_MAGIC, _RECORD_MAGIC, _TRACE_MAGIC = 0x4E495454, 0x54554F54, 0x43525454
_HEADER = struct.Struct("<3I")
_RECORD = struct.Struct("<8I")
_TRACE_HEADER = struct.Struct("<4I")
_TICKS_OPTION = 1
_UNKNOWN = 0xFFFFFFFF
_TICK_PERIOD = 1 << 24

_STATUS = {1: "ERROR_NULL", 2: "ERROR_ALIGNMENT"}
_NOT_READY = 3
DAMAGE = {  # enum harness_damage
    1: "it wrote in front of its arena",
    2: "it wrote behind the end of its arena",
    4: "the stack overflowed into the guard below it",
    8: "it changed an input outside the arena, which is const",
    16: "it wrote beside an input or output outside the arena",
}


@dataclass(frozen=True)
class Record:
    """One inference: its outputs by name, the stack it used and the SysTick ticks it took (None where unknown).

    A frame that completes no window has no outputs.
    """

    outputs: dict[str, np.ndarray]
    stack: int | None
    ticks: int


def _checked(tensor: TensorSpec, sample: Mapping[str, np.ndarray], number: int) -> bytes:
    if tensor.name not in sample:
        given = ", ".join(repr(name) for name in sample) or "nothing"
        raise InputError(f"sample {number} has no input {tensor.name!r}: it has {given}")
    array = np.asarray(sample[tensor.name])
    if array.shape != tensor.shape:
        raise InputError(f"input {tensor.name!r} of sample {number}: expected shape {tensor.shape}, found {array.shape}")
    if array.dtype != np.dtype(tensor.dtype):
        raise InputError(f"input {tensor.name!r} of sample {number}: expected {tensor.dtype}, found {array.dtype}")
    return array.astype(array.dtype.newbyteorder("<")).tobytes()


def write_inputs(folder: Path, module: CModule, samples: Sequence[Mapping[str, np.ndarray]], *, ticks: bool) -> None:
    """Write the input file; ``ticks`` lets SysTick run.

    Raises
    ------
    InputError
        No samples, an input is missing, or has a wrong shape or dtype.
    """
    if not samples:
        raise InputError(f"no samples to run {module.name} on: expected at least one")
    known = {tensor.name for tensor in module.inputs}
    parts = [_HEADER.pack(_INPUT_MAGIC, len(samples), _TICKS_OPTION if ticks else 0)]
    for number, sample in enumerate(samples):
        foreign = [name for name in sample if name not in known]
        if foreign:
            raise InputError(f"sample {number} has {foreign[0]!r}, which is no input of {module.name}: it has {sorted(known)}")
        parts += [_checked(tensor, sample, number) for tensor in module.inputs]
    (folder / INPUT).write_bytes(b"".join(parts))


def completed_samples(folder: Path, module: CModule) -> int:
    """How many samples were finished, also where the run was cut off."""
    path = folder / OUTPUT
    size = _RECORD.size + sum(tensor.nbytes for tensor in module.outputs)
    return path.stat().st_size // size if path.exists() else 0


def _split(tensors: Sequence[TensorSpec], data: memoryview) -> dict[str, np.ndarray]:
    arrays, start = {}, 0
    for tensor in tensors:
        stored = np.frombuffer(data, np.dtype(tensor.dtype).newbyteorder("<"), tensor.size, start)
        arrays[tensor.name] = stored.astype(tensor.dtype).reshape(tensor.shape)
        start += tensor.nbytes
    return arrays


def _refuse(module: CModule, sample: int, status: int, damage: int) -> None:
    if damage:
        found = "; ".join(text for bit, text in DAMAGE.items() if damage & bit)
        raise FirmwareError(f"{module.name}_run damaged memory at sample {sample}: {found}")
    if status:
        name = f" ({module.name.upper()}_{_STATUS[status]})" if status in _STATUS else ""
        raise FirmwareError(f"{module.name}_run returned status {status}{name} at sample {sample}")


def read_records(folder: Path, module: CModule, samples: int) -> list[Record]:
    """The results of ``samples`` inferences.

    Raises
    ------
    FirmwareError
        A run returned an error status or damaged memory, or results are missing.
    """
    path = folder / OUTPUT
    data = memoryview(path.read_bytes() if path.exists() else b"")
    size = sum(tensor.nbytes for tensor in module.outputs)
    records = []
    for number in range(samples):
        start = number * (_RECORD.size + size)
        if len(data) < start + _RECORD.size + size:
            raise FirmwareError(f"the run of {module.name} ended after {number} of {samples} samples without saying why")
        magic, sample, status, damage, stack, tick_start, tick_end, wraps = _RECORD.unpack_from(data, start)
        if magic != _RECORD_MAGIC or sample != number:
            raise FirmwareError(f"the results of {module.name} are garbled at sample {number}")
        ready = not (module.streaming and status == _NOT_READY)
        _refuse(module, number, status if ready else 0, damage)
        # An interrupt in the middle of the run has left its frame on the stack.
        known = stack != _UNKNOWN and wraps == 0
        outputs = _split(module.outputs, data[start + _RECORD.size : start + _RECORD.size + size]) if ready else {}
        records.append(Record(outputs, stack if known else None, wraps * _TICK_PERIOD + tick_start - tick_end))
    return records


def read_traces(folder: Path, module: CModule, samples: int) -> list[dict[int, np.ndarray]]:
    """For each sample, index of a layer → the flat array that it wrote.

    Raises
    ------
    FirmwareError
        The trace is garbled, or has not every layer of every sample.
    """
    path = folder / TRACE
    data = memoryview(path.read_bytes() if path.exists() else b"")
    traces: list[dict[int, np.ndarray]] = [{} for _ in range(samples)]
    start = 0
    while start < len(data):
        if len(data) < start + _TRACE_HEADER.size:
            raise FirmwareError(f"the trace of {module.name} is cut off")
        magic, sample, layer, size = _TRACE_HEADER.unpack_from(data, start)
        start += _TRACE_HEADER.size
        if magic != _TRACE_MAGIC or sample >= samples or layer >= len(module.layers) or len(data) < start + size:
            raise FirmwareError(f"the trace of {module.name} is garbled at byte {start}")
        dtype = np.dtype(module.layers[layer].output_dtype)
        if size % dtype.itemsize:
            raise FirmwareError(f"the trace of {module.name}: layer {layer} wrote {size} bytes, no multiple of {dtype.itemsize}")
        traces[sample][layer] = np.frombuffer(data[start : start + size], dtype.newbyteorder("<")).astype(dtype)
        start += size
    for sample, trace in enumerate(traces):
        if len(trace) != len(module.layers):
            raise FirmwareError(f"the trace of {module.name} has {len(trace)} of {len(module.layers)} layers at sample {sample}")
    return traces
