"""The networks that a compiler is verified with: what they have in them, and that they are worth verifying with."""

from collections import Counter

import numpy as np
import pytest

from tvm_tiny.model import TensorSpec
from tvm_tiny.testing.networks import depthwise_net, float_net, residual_net
from tvm_tiny.testing.onnx_reference import OnnxRuntimeReference, load_onnx
from tvm_tiny.testing.samples import random_inputs


def spec_of(source):
    value = load_onnx(source).graph.input[0]
    return TensorSpec(value.name, tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim), "float32")


def test_operators():
    counts = Counter(node.op_type for node in load_onnx(depthwise_net()).graph.node)
    assert (counts["Conv"], counts["Softmax"], counts["Relu"]) == (7, 1, 0)
    groups = [
        attribute.i for node in load_onnx(depthwise_net()).graph.node for attribute in node.attribute if attribute.name == "group"
    ]
    assert sorted(groups)[-3:] == [8, 16, 24]
    counts = Counter(node.op_type for node in load_onnx(residual_net()).graph.node)
    assert (counts["Conv"], counts["Add"]) == (6, 2)
    assert not {node.op_type for node in load_onnx(float_net()).graph.node} & {"QuantizeLinear", "DequantizeLinear"}


@pytest.mark.parametrize(("net", "dtype"), [(depthwise_net, "int8"), (residual_net, "uint8")])
def test_activations_use_their_range_without_saturating(net, dtype):
    reference = OnnxRuntimeReference(net())
    runs = [reference.run_all(sample) for sample in random_inputs([spec_of(net())], 20, seed=77)]
    activations = [name for name, array in runs[0].items() if array.dtype == dtype]
    assert len(activations) == 12
    for name in activations[1:]:  # the first is the input itself, which has extremes by design
        values = np.stack([run[name] for run in runs])
        limits = np.iinfo(dtype)
        assert len(np.unique(values)) > 50 or values.size < 300, name
        assert np.ptp(values.astype(int)) > 60, name
        assert np.mean(values == limits.max) < 0.02, name


def test_weights_are_per_channel():
    model = load_onnx(residual_net())
    scales = {tensor.name: tensor for tensor in model.graph.initializer if tensor.name.endswith("weights_scale")}
    assert sorted(tuple(tensor.dims) for tensor in scales.values()) == [(10,), (16,), (16,), (16,), (24,), (24,), (24,)]


def test_quantization_stays_near_the_float_network():
    quantized, real = OnnxRuntimeReference(residual_net()), OnnxRuntimeReference(float_net())
    for sample in random_inputs([spec_of(float_net())], 10, seed=5):
        (expected,), (found,) = real.run(sample).values(), quantized.run(sample).values()
        assert np.abs(expected - found).max() < 0.05 * np.ptp(expected)
