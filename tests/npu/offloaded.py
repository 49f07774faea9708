"""Models compiled for a core with an NPU, and their regions run on the device model against the reference interpreter's tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tvm_tiny.frontend import load
from tvm_tiny.frontend.onnx import load_onnx
from tvm_tiny.frontend.tflite import load_tflite
from tvm_tiny.model import Model
from tvm_tiny.npu.compiler import offload_for
from tvm_tiny.npu.device import Device, Run
from tvm_tiny.npu.partition import Remark, partition
from tvm_tiny.op.qdq import Arithmetic
from tvm_tiny.program import Layer, Program, Tensor
from tvm_tiny.schedule.program import schedule_program
from tvm_tiny.target import get_core
from tvm_tiny.target.npu import Npu
from tvm_tiny.testing.reference import reference_for
from tvm_tiny.testing.samples import random_inputs
from tvm_tiny.transform.lower_integer import lower_integer
from tvm_tiny.transform.pipeline import run_passes


@dataclass(frozen=True)
class Offloaded:
    """A scheduled model of which some layers are the NPU's, and what the partition said of the others."""

    model: Model
    npu: Npu
    program: Program
    remarks: tuple[Remark, ...]

    @property
    def jobs(self) -> list[Layer]:
        return [layer for layer in self.program.layers if layer.npu is not None]


def offloaded(source: bytes | Path, npu: Npu, optimize: str = "speed") -> Offloaded:
    """The model ``source``, TFLite or ONNX, compiled with LiteRT's rounding for a Cortex-M33 with ``npu``."""
    if isinstance(source, Path):
        model = load(source)
    elif source[4:8] == b"TFL3":
        model = load_tflite(source, "net", "net.tflite")
    else:
        model = load_onnx(source, "net", Path("net.onnx"))
    style = "onnx" if model.source_format == "onnx" else "litert"
    cut = partition(run_passes(lower_integer(model, Arithmetic(style)).mod), npu)
    core = get_core("cortex-m33")
    return Offloaded(model, npu, schedule_program(cut.mod, model, core, offload=offload_for(npu, optimize)), cut.remarks)


def stored(tensor: Tensor, values: np.ndarray) -> np.ndarray:
    """``values`` of the file's tensor as the program holds them: its axes, its live channels, int8."""
    if tensor.layout is not None:
        values = values.transpose(tensor.layout)
    if tensor.channels is not None:
        values = values[..., list(tensor.channels)]
    assert values.size == np.prod(tensor.shape)
    return np.ascontiguousarray(values.astype(np.int16) - tensor.offset).astype(np.int8)


def mismatches(of: Offloaded, samples: int = 3, seed: int = 0) -> tuple[int, list[Run]]:
    """Elements in which any job's outputs differ from the reference's tensors of these names, and what the last sample's runs cost.

    Every job gets its inputs from the reference, so that layers between jobs need not run. Jobs that read what the file does not
    know, such as a float input that the core has quantised, are left out.
    """
    reference = reference_for(of.model)
    wrong, runs = 0, []
    devices: dict[str, Device] = {}
    for sample in random_inputs(of.model.inputs, samples, seed):
        known = reference.run_all(sample) | dict(sample)
        runs = [_run(of, layer, known, devices.setdefault(layer.name, Device(of.npu))) for layer in of.jobs if _known(of, layer)]
        assert runs
        wrong += sum(count for _run_, count in runs)
    return wrong, [run for run, _count in runs]


def _known(of: Offloaded, layer: Layer) -> bool:
    return all(of.program.tensors[name].source for name in (*layer.inputs, *layer.outputs))


def _run(of: Offloaded, layer: Layer, known: Mapping[str, Any], device: Device) -> tuple[Run, int]:
    job, tensors = layer.npu, of.program.tensors
    assert job is not None
    inputs = [stored(tensors[name], known[tensors[name].source]) for name in layer.inputs]
    outputs = [np.full(tensors[name].shape, 99, np.int8) for name in layer.outputs]
    if job.token and device.token != job.token:
        device.run(job.load, [job.constants, *inputs, *outputs])
    run = device.run(job.run, [job.constants, *inputs, *outputs])
    wanted = [stored(tensors[name], known[tensors[name].source]) for name in layer.outputs]
    return run, sum(int((got != want).sum()) for got, want in zip(outputs, wanted, strict=True))
