"""Which operators go to the NPU, why others do not, and what becomes of a model with one of those in the middle."""

from __future__ import annotations

import numpy as np
import pytest
import tvm

from tests.npu.bench import ETPU_16, ETPU_64
from tests.npu.offloaded import mismatches, offloaded
from tvm_tiny.frontend.tflite import load_tflite
from tvm_tiny.npu.byoc import register
from tvm_tiny.npu.partition import CODEGEN, partition, register_patterns
from tvm_tiny.npu.support import CHECKS, NO_OPERATOR
from tvm_tiny.op.qdq import Arithmetic
from tvm_tiny.testing.networks import residual_net
from tvm_tiny.testing.tflite_builder import TFLiteBuilder
from tvm_tiny.transform.lower_integer import lower_integer
from tvm_tiny.transform.pipeline import run_passes

RNG = np.random.default_rng(5)


def convolution(b, x, filters, name, size=3, **options):
    weights = b.weights(f"{name}/w", RNG.normal(0, 0.3, (filters, size, size, x.shape[3])), axis=0)
    bias = RNG.integers(-500, 500, filters).astype(np.int32)
    return b.conv2d(x, weights, bias, name, **({"scale": 0.05, "zero_point": -4} | options))


def depthwise(b, x, multiplier, name):
    weights = b.weights(f"{name}/w", RNG.normal(0, 0.3, (1, 3, 3, x.shape[3] * multiplier)), axis=3)
    return b.depthwise_conv2d(x, weights, np.zeros(weights.shape[3], np.int32), name, scale=0.05, zero_point=2)


def test_an_operator_that_is_refused_in_the_middle_splits_the_model():
    b = TFLiteBuilder()
    x = b.input("x", (1, 8, 8, 4), scale=0.05, zero_point=3)
    y = convolution(b, x, 6, "first")
    y = depthwise(b, y, 2, "refused")
    y = convolution(b, y, 5, "second", activation="RELU")
    compiled = offloaded(b.build([y]), ETPU_16)
    assert [(layer.op, layer.offload) for layer in compiled.program.layers] == [
        ("etpu-16", "npu"),
        ("depthwise_conv2d", "cpu"),
        ("etpu-16", "npu"),
    ]
    (remark,) = compiled.remarks
    assert (remark.operator, remark.tensor, remark.reason) == ("depthwise_conv2d", "refused", "a depth multiplier other than 1")
    first, middle, second = compiled.program.layers
    assert first.outputs == middle.inputs  # handed over where it is
    assert middle.outputs == second.inputs
    wrong, _runs = mismatches(compiled)
    assert wrong == 0


def test_a_branch_on_the_core_gets_its_tensor_from_the_middle_of_a_region():
    b = TFLiteBuilder()
    x = b.input("x", (1, 6, 6, 4), scale=0.05, zero_point=3)
    y = convolution(b, x, 4, "first")
    z = depthwise(b, y, 3, "refused")
    w = convolution(b, y, 12, "second")
    compiled = offloaded(b.build([b.add(z, w, "sum", scale=0.1, zero_point=0)]), ETPU_16)
    assert [layer.offload for layer in compiled.program.layers].count("cpu") == 1
    wrong, _runs = mismatches(compiled)
    assert wrong == 0


def test_onnx_s_rounding_is_proved_to_be_the_same():
    """Convolutions, sums and the mean of a residual network; what stays on the core are its floats."""
    compiled = offloaded(residual_net(), ETPU_16)
    reasons = {remark.operator: remark.reason for remark in compiled.remarks}
    assert reasons == dict.fromkeys(["quantize", "transpose", "dequantize"], NO_OPERATOR)
    assert [layer.offload for layer in compiled.program.layers].count("npu") == 1


def test_a_view_stays_where_its_tensor_is_made():
    b = TFLiteBuilder()
    x = b.input("x", (1, 8, 8, 4), scale=0.05, zero_point=3)
    y = b.reshape(depthwise(b, x, 2, "refused"), (1, 512), "flat")
    y = b.fully_connected(y, b.weights("w", RNG.normal(0, 0.1, (7, 512)), axis=None), None, "dense", scale=0.5, zero_point=1)
    compiled = offloaded(b.build([y]), ETPU_16)
    assert [layer.offload for layer in compiled.program.layers] == ["cpu", "npu"]


@pytest.mark.parametrize("name", CHECKS)
def test_tvm_knows_the_pattern_of_each_operator(name):
    from tvm.relax.backend.pattern_registry import get_patterns_with_prefix

    register_patterns()
    assert f"{CODEGEN}.{name}" in {pattern.name for pattern in get_patterns_with_prefix(CODEGEN)}


def test_tvm_generates_code_of_a_region_through_its_own_interface():
    b = TFLiteBuilder()
    x = b.input("x", (1, 8, 8, 4), scale=0.05, zero_point=3)
    model = load_tflite(b.build([convolution(b, x, 6, "y")]), "net", "net.tflite")
    cut = partition(run_passes(lower_integer(model, Arithmetic("litert")).mod), ETPU_64)
    register()
    generated = tvm.relax.transform.RunCodegen({"etpu": {"npu": "etpu-64"}})(cut.mod)
    (module,) = generated.attrs["external_mods"]
    text = module.inspect_source()
    assert "etpu-64" in text
    assert "convolution" in text.lower()


def test_each_check_tells_a_reason():
    checks = {check for checks in CHECKS.values() for check in checks}
    assert all(check.__doc__ and not check.__doc__.strip().endswith(".") for check in checks)
