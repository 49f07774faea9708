"""Networks whose layers can run row by row, and their programs with and without chains."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tvm_tiny.codegen.module import generate
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.frontend.tflite import load_tflite
from tvm_tiny.memory.check import check_plan
from tvm_tiny.memory.plan import MemoryPlan, Placement
from tvm_tiny.memory.planner import plan_memory
from tvm_tiny.model import Model
from tvm_tiny.op.qdq import Arithmetic
from tvm_tiny.program import Layer, Overlap, Program
from tvm_tiny.schedule.chain import ChainPlan, chain_of, stage_layer
from tvm_tiny.schedule.chain import with_chain as with_chain_of
from tvm_tiny.schedule.program import schedule_program
from tvm_tiny.target import Core, get_core
from tvm_tiny.testing.tflite_builder import TFLiteBuilder
from tvm_tiny.testing.tflite_file import TensorRecord
from tvm_tiny.transform.lower_integer import lower_integer
from tvm_tiny.transform.pipeline import run_passes


class Net:
    """Layers with seeded random weights, padded as TFLite's "SAME"."""

    def __init__(self, shape: tuple[int, int, int], seed: int = 5) -> None:
        self.b = TFLiteBuilder()
        self.rng = np.random.default_rng(seed)
        self.count = 0
        self.x = self.b.input("x", (1, *shape), "int8", scale=0.05, zero_point=-7)

    def conv(self, x: TensorRecord, filters: int, kernel: int, stride: int = 1, padding: str = "SAME") -> TensorRecord:
        depth = x.shape[3]
        weights = self.b.weights(self._name("w"), self._real(filters, kernel, kernel, depth), axis=0)
        bias = self.rng.integers(-500, 500, filters).astype(np.int32)
        scale = 0.02 * kernel * depth**0.5
        return self.b.conv2d(
            x, weights, bias, self._name("conv"), scale=scale, zero_point=3, stride=(stride, stride), padding=padding
        )

    def depthwise(self, x: TensorRecord, kernel: int, stride: int = 1, padding: str = "SAME") -> TensorRecord:
        weights = self.b.weights(self._name("w"), self._real(1, kernel, kernel, x.shape[3]), axis=3)
        bias = self.rng.integers(-500, 500, x.shape[3]).astype(np.int32)
        options = {"stride": (stride, stride), "padding": padding, "activation": "RELU6"}
        return self.b.depthwise_conv2d(x, weights, bias, self._name("depthwise"), scale=0.03 * kernel, zero_point=-128, **options)

    def add(self, x: TensorRecord, y: TensorRecord) -> TensorRecord:
        return self.b.add(x, y, self._name("sum"), scale=0.2, zero_point=-5, activation="RELU")

    def _real(self, *shape: int) -> np.ndarray:
        return self.rng.uniform(-1.0, 1.0, shape).astype(np.float32)

    def _name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"


def residual() -> bytes:
    """A residual block, whose input is needed to its end, between two convolutions."""
    net = Net((12, 12, 3))
    x = net.conv(net.x, 8, 3)
    y = net.conv(net.conv(x, 8, 3), 8, 3)
    return net.b.build([net.conv(net.add(x, y), 4, 1)])


def strided_residual() -> bytes:
    """A residual block of half the height, with a strided convolution around it; 13 rows, so that there is padding above, too."""
    net = Net((13, 12, 4))
    y = net.conv(net.conv(net.x, 8, 3, stride=2), 8, 3)
    return net.b.build([net.add(net.conv(net.x, 8, 1, stride=2), y)])


def separable() -> bytes:
    """Pointwise and depthwise convolutions of 5 and 3 rows, with strides."""
    net = Net((24, 9, 3))
    x = net.depthwise(net.conv(net.x, 8, 1), 5)
    x = net.depthwise(net.conv(x, 6, 3, stride=2), 3, stride=2)
    return net.b.build([net.conv(x, 5, 1)])


def pools() -> bytes:
    """Pooling with and without padding, an elementwise function and windows of 2 and 4 rows."""
    net = Net((21, 10, 4))
    x = net.b.max_pool2d(net.conv(net.x, 6, 4), (3, 3), "pooled", stride=(1, 1), padding="SAME")
    x = net.b.logistic(net.conv(x, 8, 2, padding="VALID"), "logistic")
    return net.b.build([net.b.average_pool2d(x, (2, 2), "average", stride=(2, 2), padding="VALID")])


NETWORKS: dict[str, Callable[[], bytes]] = {
    "residual": residual,
    "strided_residual": strided_residual,
    "separable": separable,
    "pools": pools,
}


def program_of(model: bytes, target: str = "c") -> tuple[Model, Program, Core]:
    """Without chains, rounded as LiteRT rounds."""
    source, core = load_tflite(model, "net", "net.tflite"), get_core(target)
    lowered = lower_integer(source, Arithmetic("litert"))
    return source, schedule_program(run_passes(lowered.mod), source, core), core


def whole_chain(program: Program, rows: int, *, coarse: bool = False) -> ChainPlan:
    """All layers of ``program`` as one chain."""
    plan = chain_of(program, 0, len(program.layers) - 1, rows, coarse=coarse)
    assert plan is not None
    return plan


def with_chain(program: Program, plan: ChainPlan, core: Core) -> Program:
    return with_chain_of(program, plan, lambda layer, rows: stage_layer(layer, rows, core))


def only_chain(program: Program) -> Layer:
    (layer,) = (layer for layer in program.layers if layer.chain is not None)
    return layer


def module_of(program: Program, core: Core) -> CModule:
    plan = plan_memory(program)
    check_plan(program, plan)
    return generate(program, plan, core)


def overlapping_plan(program: Program, overlap: Overlap) -> MemoryPlan:
    """A program of one chain: its output as near in front of its input as ``overlap`` lets it, the rest behind."""
    (layer,) = program.layers
    sizes = {name: program.tensors[name].nbytes for name in (overlap.input, overlap.output)}
    begin = {overlap.output: max(-overlap.before, 0), overlap.input: max(overlap.before, 0)}
    end = max(begin[name] + sizes[name] for name in sizes)
    for scratch in layer.scratch:
        end = -(-end // 16) * 16
        name = f"{layer.name}.{scratch.name}"
        begin[name], sizes[name] = end, scratch.nbytes
        end += scratch.nbytes
    placements = {name: Placement(name, begin[name], sizes[name], 0, 0) for name in begin}
    return MemoryPlan(end, end, 16, placements, "by hand")
