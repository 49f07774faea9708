"""Layers for Cortex-M55, computed twice: by the portable twins on this machine, and by the MVE forms on the emulated core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np

import tvm_tiny
from tests.op.helpers import Sample, assert_equals, random_samples
from tvm_tiny.api import Optimize
from tvm_tiny.board import get_board
from tvm_tiny.compiled import CompiledModel
from tvm_tiny.frontend.tflite import load_tflite
from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.implementation import Decision
from tvm_tiny.schedule.select import implementations
from tvm_tiny.target import Core
from tvm_tiny.testing.litert_reference import LiteRTReference
from tvm_tiny.testing.tflite_builder import TFLiteBuilder
from tvm_tiny.testing.tflite_file import TensorRecord
from tvm_tiny.tune.decide import Decisions

BOARD = "mps3-an547"

Layer = Callable[[TFLiteBuilder, str], TensorRecord]
"""Adds a layer of this name, with inputs of its own, to a model; gives its output."""


def model_of(layers: Mapping[str, Layer]) -> bytes:
    """One model of many layers that have nothing to do with each other, each an output of its name."""
    builder = TFLiteBuilder()
    return builder.build([layer(builder, name) for name, layer in layers.items()])


def per_channel(rng: np.random.Generator, shape: Sequence[int], axis: int) -> np.ndarray:
    """Real weights whose channels along ``axis`` differ in size by up to a hundred times."""
    sizes = 0.5 * 10.0 ** rng.uniform(-2, 0, shape[axis])
    return (rng.normal(0, 1, shape) * sizes.reshape([-1 if each == axis else 1 for each in range(len(shape))])).astype(np.float32)


def extremes(compiled: CompiledModel, seed: int, count: int = 3) -> list[dict[str, np.ndarray]]:
    """Noise over the whole range, then the lowest and the highest value throughout, then both in turn."""
    shapes = {spec.name: spec.shape for spec in compiled.inputs}
    turns = {name: np.where(np.indices(shape).sum(axis=0) % 2, 127, -128).astype(np.int8) for name, shape in shapes.items()}
    return [*random_samples(shapes, seed, count), turns]


def computed_twice(compiled: CompiledModel, samples: Sequence[Sample], *functions: str) -> Sequence[Sample]:
    """What the emulated core computes, which must be what the twins do under sanitizers; each layer calls one of ``functions``."""
    text = compiled.module.files[f"{compiled.module.name}.c"]
    layers = [each for each in text.split("\n/* ") if "TVM_TINY_NOINLINE void " in each]
    for layer in layers if functions else ():
        assert any(function in layer for function in functions), f"none of {functions} in {layer}"
    host = get_board("host")
    twins = host.run(host.build(compiled.module, sanitize=True), samples).outputs
    found = compiled.run(samples, board=BOARD).outputs
    assert_equals(found, twins)
    return found


@contextmanager
def decided(choices: Mapping[str, int]) -> Iterator[None]:
    """Whatever is compiled in here has these values of its knobs, as far as its layers have such."""

    def decide(node: Node, core: Core) -> Decision:
        implementation = implementations(node, core)[0]
        knobs = {knob.name: knob.values for knob in implementation.knobs(node, core)}
        values = {name: value for name, value in choices.items() if value in knobs.get(name, ())}
        return Decision(implementation.name, values)

    with patch.object(Decisions, "__call__", lambda _decisions, node, core: decide(node, core)):
        yield


def assert_equal_litert(
    layers: Mapping[str, Layer], *functions: str, optimize: Optimize = "speed", choices: Mapping[str, int] | None = None
) -> CompiledModel:
    """Bit for bit what LiteRT's reference kernels compute, on the emulated core and by the twins."""
    model = model_of(layers)
    with decided(choices or {}):
        compiled = tvm_tiny.compile(
            load_tflite(model, "model", "model.tflite"), target="cortex-m55", rounding="litert", optimize=optimize
        )
    samples = extremes(compiled, seed=1)
    reference = LiteRTReference(model)
    assert_equals(computed_twice(compiled, samples, *functions), [reference.run(sample) for sample in samples])
    return compiled
