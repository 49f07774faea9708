"""A model for boards with an NPU: the device turns bytes by a table that lies in its parameter cache."""

from __future__ import annotations

import numpy as np

from tvm_tiny.codegen.module import generate
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.memory.order import plan_in_order
from tvm_tiny.model import TensorSpec
from tvm_tiny.npu.commands import Command, Lookup, Map, Region, Stream, Transfer, Waits
from tvm_tiny.npu.stream import encode
from tvm_tiny.npu.summary import LayerFacts, summarise
from tvm_tiny.program import Constant, Layer, NpuJob, Program, Tensor
from tvm_tiny.target import get_npu, get_target

SIZE = 96
TABLE = np.random.default_rng(5).permutation(256).astype(np.uint8).view(np.int8)
TOKEN = 0xC0FFEE


def turned(x: np.ndarray) -> np.ndarray:
    """What the model computes."""
    return TABLE[x.astype(np.int32) + 128]


def job(npu: str, *, broken: bool = False) -> NpuJob:
    """Input in, through the table, output out; ``broken`` waits for a command that never comes."""
    sram = get_npu(npu).sram
    cache, row = sram - 256, Map(0, SIZE, 1, 1)
    load: tuple[Command, ...] = (Transfer(0, True, 0, 0, 0, Map(cache, 256, 1, 1), 0, 1, 256),)
    run: tuple[Command, ...] = (
        Transfer(0, True, 1, 0, 0, row, 0, 1, SIZE),
        Lookup(0, row, row, SIZE, 1, 0, 1, cache, Waits(dma=1)),
        Transfer(0, False, 2, 0, 0, row, 0, 1, SIZE, Waits(vector=2 if broken else 1)),
    )
    regions = (Region("constants", 256), Region("x", SIZE), Region("y", SIZE, written=True))
    streams = (
        encode(Stream(npu, run, regions, sram, cache, TOKEN)),
        encode(Stream(npu, load, regions, sram, cache, TOKEN, load=True)),
    )
    facts = [LayerFacts("turn", "lookup", (1, SIZE))]
    report = {} if broken else summarise(get_npu(npu), *streams, facts, sram=SIZE, cache=256)
    return NpuJob(npu, *streams, TABLE, TOKEN, SIZE, report)


def module(target: str, *, broken: bool = False) -> CModule:
    """The model "turn", compiled for ``target``, a core with an NPU."""
    found = get_target(target)
    assert found.npu is not None
    one = job(found.npu.name, broken=broken)
    constants = tuple(
        Constant(f"etpu_0_{role}", np.frombuffer(data, np.uint8))
        for role, data in (("constants", one.constants.tobytes()), ("run", one.run), ("load", one.load))
    )
    layer = Layer("etpu_0", "etpu", None, ("x",), ("y",), constants, offload="npu", comment="lookup on the NPU", npu=one)
    specs = (TensorSpec("x", (SIZE,), "int8", 1.0, 0),), (TensorSpec("y", (SIZE,), "int8", 1.0, 0),)
    tensors = {name: Tensor(name, (SIZE,), "int8", name) for name in "xy"}
    program = Program("turn", *specs, ("x",), ("y",), tensors, (layer,))
    program, plan = plan_in_order(program)
    return generate(program, plan, found.core, target=found.name)
