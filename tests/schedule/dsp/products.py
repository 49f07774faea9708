"""Convolutions and fully connected layers for a core with the DSP extension, computed twice: by the portable twins on this machine,
and by the inner loops in assembly on emulated cores. Many layers stand side by side in a model, each with an input of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import numpy as np
import tvm

import tvm_tiny
from tests.op.helpers import Sample, assert_equals, random_samples
from tvm_tiny.board import get_board
from tvm_tiny.compiled import CompiledModel
from tvm_tiny.frontend.onnx import load_onnx
from tvm_tiny.frontend.tflite import load_tflite
from tvm_tiny.model import Model
from tvm_tiny.program import Program
from tvm_tiny.schedule.implementation import Decide, Decision
from tvm_tiny.schedule.program import Offload, schedule_program
from tvm_tiny.target import Core
from tvm_tiny.testing.litert_reference import LiteRTReference
from tvm_tiny.testing.onnx_builder import OnnxBuilder
from tvm_tiny.testing.onnx_reference import OnnxRuntimeReference
from tvm_tiny.testing.tflite_builder import TFLiteBuilder
from tvm_tiny.testing.tflite_graph import TensorRecord

M4, M7, M33 = "mps2-an386", "mps2-an500", "mps2-an505"
_CORES = {M4: "cortex-m4", M7: "cortex-m7", M33: "cortex-m33"}


def stored_weights(rng: np.random.Generator, shape: Sequence[int], lowest: int = -127) -> np.ndarray:
    """int8 weights, most of them small, both ends of the range among them."""
    weights = np.clip(np.rint(rng.normal(0, 25, shape)), -127, 127).astype(np.int8)
    ends = rng.random(shape) < 0.05
    weights[ends] = rng.choice([lowest, 127, -1], np.count_nonzero(ends))
    return weights


def scales(rng: np.random.Generator, channels: int, per_channel: bool) -> float | list[float]:
    if not per_channel:
        return 0.003
    return [float(np.float32(each)) for each in 0.003 * 10.0 ** rng.uniform(-1.5, 0.5, channels)]


Layer = Callable[[TFLiteBuilder, str], TensorRecord]
"""Adds a layer to a model; its input is called "x <name>", its output "y <name>"."""


def convolution(
    shape: tuple[int, int, int, int],
    filters: int,
    kernel: tuple[int, int] = (1, 1),
    *,
    x_zero: int = 7,
    per_channel: bool = True,
    lowest: int = -127,
    **options: object,
) -> Layer:
    """``lowest``: of the weights; TFLite's own converter stops at -127."""

    def add(b: TFLiteBuilder, name: str) -> TensorRecord:
        rng = np.random.default_rng(filters)
        x = b.input(f"x {name}", shape, "int8", scale=0.04, zero_point=x_zero)
        stored = stored_weights(rng, (filters, *kernel, shape[3]), lowest)
        weights = b.constant(f"w {name}", stored, scales(rng, filters, per_channel))
        bias = rng.integers(-3000, 3000, filters).astype(np.int32)
        given = {"scale": 0.05, "zero_point": -11} | options
        return b.conv2d(x, weights, bias, f"y {name}", **given)  # type: ignore[arg-type]

    return add


def connected(
    depth: int, units: int, *, batch: int = 1, x_zero: int = 7, per_channel: bool = False, lowest: int = -127, **options: object
) -> Layer:
    def add(b: TFLiteBuilder, name: str) -> TensorRecord:
        rng = np.random.default_rng(units)
        x = b.input(f"x {name}", (batch, depth), "int8", scale=0.04, zero_point=x_zero)
        weights = b.constant(f"w {name}", stored_weights(rng, (units, depth), lowest), scales(rng, units, per_channel))
        bias = rng.integers(-3000, 3000, units).astype(np.int32)
        given = {"scale": 0.05, "zero_point": -11} | options
        return b.fully_connected(x, weights, bias, f"y {name}", **given)  # type: ignore[arg-type]

    return add


def model_of(layers: Mapping[str, Layer]) -> bytes:
    b = TFLiteBuilder()
    return b.build([layer(b, name) for name, layer in layers.items()])


def onnx_convolution(
    shape: tuple[int, int, int, int], filters: int, kernel: tuple[int, int] = (1, 1), pads: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> bytes:
    """An ONNX model of one convolution; ``shape`` is channels-first. Weights go down to -128."""
    rng, b = np.random.default_rng(filters), OnnxBuilder()
    x = b.input("x", shape, scale=0.04, zero_point=7)
    stored = stored_weights(rng, (filters, shape[1], *kernel), -128)
    weights = b.quantized_constant("w", stored, np.asarray(scales(rng, filters, True), np.float32))
    bias = rng.integers(-3000, 3000, filters).astype(np.int32)
    return b.build([b.conv(x, weights, bias, "y", scale=0.05, zero_point=-11, pads=pads)])


def onnx_gemm(depth: int, units: int, batch: int = 1) -> bytes:
    rng, b = np.random.default_rng(units), OnnxBuilder()
    x = b.input("x", (batch, depth), scale=0.04, zero_point=7)
    weights = b.quantized_constant("w", stored_weights(rng, (units, depth), -128), np.float32(0.003))
    bias = rng.integers(-3000, 3000, units).astype(np.int32)
    return b.build([b.gemm(x, weights, bias, "y", scale=0.05, zero_point=-11)])


def compiled_for(layers: Mapping[str, Layer], core: str = "cortex-m4", decision: Decision | None = None) -> CompiledModel:
    """With ``decision``, if given, for every layer that it fits."""
    source = load_tflite(model_of(layers), "model", "model.tflite")

    def decided(mod: tvm.IRModule, model: Model, core: Core, _decide: Decide, offload: Offload | None) -> Program:
        return schedule_program(mod, model, core, lambda _node, _core: decision, offload)

    with mock.patch("tvm_tiny.schedule.program.schedule_program", decided):
        return tvm_tiny.compile(source, target=core, rounding="litert")


def assert_equals_litert(
    layers: Mapping[str, Layer], *functions: str, board: str = M4, scalar: Collection[str] = (), decision: Decision | None = None
) -> None:
    """Bit for bit LiteRT's reference kernels, on ``board`` and by the twins.

    Every layer calls one of ``functions``, if given, but for those named ``scalar``: blocks of theirs would hold too many zeros.
    """
    compiled = compiled_for(layers, _CORES[board], decision)
    reference = LiteRTReference(model_of(layers))
    samples = _samples(compiled)
    _assert_equal(compiled, board, functions, samples, [reference.run(sample) for sample in samples], scalar)


def assert_equals_onnxruntime(model: bytes, *functions: str, board: str = M4, scalar: Collection[str] = ()) -> None:
    """Element for element what ONNX Runtime computes in float32 between dequantize and quantize."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model)
        compiled = tvm_tiny.compile(load_onnx(model, "model", path), target="cortex-m4")
    reference = OnnxRuntimeReference(model)
    samples = _samples(compiled)
    _assert_equal(compiled, board, functions, samples, [reference.run(sample) for sample in samples], scalar)


def _without(compiled: CompiledModel, functions: Sequence[str]) -> set[str]:
    """The layers of products whose C calls none of ``functions``, by the names of their outputs without the "y"."""
    texts = re.split(
        r"^static (?:TVM_TINY_NOINLINE )?void ", compiled.module.files[f"{compiled.module.name}.c"], flags=re.MULTILINE
    )[1:]
    bodies = {text.partition("(")[0]: text for text in texts}
    products = [each for each in compiled.module.layers if each.op in ("conv2d", "depthwise_conv2d", "fully_connected")]
    assert products, "the generated C has no products"
    return {
        each.output_source.removeprefix("y").strip()
        for each in products
        if not any(f"{function}(" in bodies.get(f"{each.function}_body", bodies[each.function]) for function in functions)
    }


def _samples(compiled: CompiledModel) -> list[dict[str, np.ndarray]]:
    """Noise over the whole range, both ends of it throughout, and both in turn."""
    shapes = {spec.name: spec.shape for spec in compiled.inputs}
    turns = {name: np.where(np.indices(shape).sum(axis=0) % 2, 127, -128).astype(np.int8) for name, shape in shapes.items()}
    return [*random_samples(shapes, 1), turns]


def _assert_equal(
    compiled: CompiledModel,
    board: str,
    functions: Sequence[str],
    samples: Sequence[Sample],
    expected: Sequence[Mapping[str, np.ndarray]],
    scalar: Collection[str] = (),
) -> None:
    if functions:
        assert _without(compiled, functions) == set(scalar), f"these layers call none of {functions}"
    host = get_board("host")
    assert_equals(host.run(host.build(compiled.module, sanitize=True), samples).outputs, expected)
    assert_equals(compiled.run(samples, board=board).outputs, expected)


def scratch_bytes(layer: Layer) -> int:
    """What the arena holds besides the input and the output of a model of one layer, which share no byte here."""
    source = load_tflite(model_of({"layer": layer}), "model", "model.tflite")
    compiled = tvm_tiny.compile(source, target="cortex-m4", rounding="litert", memory=tvm_tiny.Memory(overlap=False))
    ends = sum(spec.nbytes for spec in (*compiled.inputs, *compiled.outputs))
    return int(compiled.report["ram"]["arena"]) - ends
