"""The reference interpreters: what they give, and what they say when they cannot."""

import sys

import numpy as np
import pytest

from tvm_tiny.errors import InputError, ModelError, ToolchainError
from tvm_tiny.model import Model
from tvm_tiny.testing.litert_reference import LiteRTReference
from tvm_tiny.testing.networks import depthwise_net, residual_net
from tvm_tiny.testing.onnx_builder import OnnxBuilder
from tvm_tiny.testing.onnx_reference import OnnxRuntimeReference, load_onnx, subgraph
from tvm_tiny.testing.reference import reference_for
from tvm_tiny.testing.tflite_builder import TFLiteBuilder


def model_of(source, source_format):
    return Model("m", None, (), (), source_format, source, {})


def tflite_chain():
    """x → ADD itself → MUL itself: y = (2 x) ** 2, with scales at which the arithmetic is exact."""
    b = TFLiteBuilder()
    x = b.input("x", (1, 4), scale=0.5)
    double = b.add(x, x, "double", scale=1.0, zero_point=0)
    return b.build([b.mul(double, double, "square", scale=1.0, zero_point=0)])


def onnx_chain():
    """The same in ONNX, with the output in float."""
    b = OnnxBuilder()
    x = b.input("x", (1, 4), scale=0.5)
    double = b.operator("Add", [x, x], "double", scale=1.0)
    return b.build([b.operator("Mul", [double, double], "square", scale=1.0)])


X = {"x": np.array([[-3, 0, 2, 100]], np.int8)}


@pytest.mark.parametrize(
    ("source", "source_format", "name"), [(tflite_chain(), "tflite", "LiteRT"), (onnx_chain(), "onnx", "ONNX Runtime")]
)
def test_every_tensor_by_its_name(source, source_format, name):
    reference = reference_for(model_of(source, source_format))
    assert reference.name.startswith(name)
    assert reference.name[-1].isdigit()
    outputs = reference.run(X)
    assert list(outputs) == ["square"]
    assert outputs["square"].tolist() == [[9, 0, 4, 127]]
    tensors = reference.run_all(X)
    assert tensors["x"].tolist() == X["x"].tolist()
    assert tensors["double"].tolist() == [[-3, 0, 2, 100]]
    assert tensors["square"].tolist() == [[9, 0, 4, 127]]


def test_results_outlive_the_next_run():
    for reference in (LiteRTReference(tflite_chain()), OnnxRuntimeReference(onnx_chain())):
        first = reference.run_all(X)
        reference.run_all({"x": np.zeros((1, 4), np.int8)})
        assert first["square"].tolist() == [[9, 0, 4, 127]]


def test_weights_are_no_inner_tensors():
    tensors = OnnxRuntimeReference(depthwise_net()).run_all({"image": np.zeros((1, 3, 24, 24), np.float32)})
    weights = {tensor.name for tensor in load_onnx(depthwise_net()).graph.initializer}
    assert len(tensors) > 20
    assert not weights & set(tensors)
    assert not [name for name in tensors if "weights" in name]


def test_outputs_of_one_name_are_refused():
    b = TFLiteBuilder()
    x = b.input("x", (1, 4), scale=0.5)
    source = b.build([b.unary("RELU", x, "same"), b.unary("RELU6", x, "same")])
    with pytest.raises(ModelError, match=r"same name: \['same', 'same'\]"):
        LiteRTReference(source)


def test_tensors_of_one_name_are_left_out():
    b = TFLiteBuilder()
    x = b.input("x", (1, 4), scale=0.5)
    y = b.unary("RELU", b.unary("RELU", x, "same"), "same")
    assert list(LiteRTReference(b.build([b.unary("RELU", y, "y")])).run_all(X)) == ["x", "y"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "no data for the input 'x'"),
        ({"x": np.zeros((1, 4), np.int8), "y": np.zeros(1)}, "no input 'y'"),
        ({"x": np.zeros((2, 4), np.int8)}, r"expected shape \(1, 4\) of int8, found shape \(2, 4\)"),
        ({"x": np.zeros((1, 4), np.float32)}, "of int8, found shape .* of float32"),
    ],
)
@pytest.mark.parametrize("reference", [LiteRTReference(tflite_chain()), OnnxRuntimeReference(onnx_chain())], ids=["tflite", "onnx"])
def test_wrong_inputs(reference, inputs, message):
    with pytest.raises(InputError, match=message):
        reference.run(inputs)


@pytest.mark.parametrize("source", [b"", b"hello, this is no model"])
@pytest.mark.parametrize("source_format", ["tflite", "onnx"])
def test_a_file_that_is_no_model(source, source_format):
    with pytest.raises(ModelError):
        reference_for(model_of(source, source_format))


def test_a_format_without_a_reference():
    with pytest.raises(ModelError, match="'torch'"):
        reference_for(model_of(b"", "torch"))


@pytest.mark.parametrize(("source_format", "package"), [("tflite", "ai_edge_litert.interpreter"), ("onnx", "onnxruntime")])
def test_a_missing_package_names_the_extra(monkeypatch, source_format, package):
    monkeypatch.setitem(sys.modules, package, None)
    source = tflite_chain() if source_format == "tflite" else onnx_chain()
    with pytest.raises(ToolchainError, match=r"tvm-tiny\[verify\]"):
        reference_for(model_of(source, source_format))


def quantized_tensors(source):
    """Names of the tensors that a QuantizeLinear makes, in the order of execution."""
    return [node.output[0] for node in load_onnx(source).graph.node if node.op_type == "QuantizeLinear"]


@pytest.mark.parametrize("source", [depthwise_net(), residual_net()], ids=["depthwise", "residual"])
def test_a_layer_fed_with_the_references_own_inputs_gives_its_output(source):
    model = load_onnx(source)
    shape = tuple(axis.dim_value for axis in model.graph.input[0].type.tensor_type.shape.dim)
    tensors = OnnxRuntimeReference(source).run_all({"image": np.random.default_rng(0).normal(0, 0.5, shape).astype(np.float32)})
    checked = 0
    for inputs, output in layers(model):
        part = OnnxRuntimeReference(subgraph(source, inputs, output))
        np.testing.assert_array_equal(part.run({name: tensors[name] for name in inputs})[output], tensors[output])
        checked += 1
    assert checked == len(quantized_tensors(source))


def layers(model):
    """(input names, output name) of what lies between two quantised tensors."""
    producer = {name: node for node in model.graph.node for name in node.output}
    boundaries = {"image", *(name for name, node in producer.items() if node.op_type == "QuantizeLinear")}

    def sources(name):
        if name in boundaries:
            return [name]
        return [found for operand in producer[name].input for found in sources(operand)] if name in producer else []

    for output in sorted(boundaries - {"image"}):
        yield list(dict.fromkeys(found for operand in producer[output].input for found in sources(operand))), output


def test_a_subgraph_that_needs_more_inputs():
    b = OnnxBuilder()
    x, y = b.input("x", (1, 4), scale=0.5), b.input("y", (1, 4), scale=0.5)
    source = b.build([b.operator("Add", [x, y], "sum", scale=1.0)])
    assert subgraph(source, ["x", "y"], "sum")
    with pytest.raises(ModelError, match=r"does not follow from \['x'\] alone: it needs 'y' too"):
        subgraph(source, ["x"], "sum")


@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
        (["x"], "nowhere", "no tensor 'nowhere'"),
        (["nowhere"], "square", "no tensor 'nowhere'"),
        (["x", "double"], "square", "does not depend on 'x'"),
        (["square"], "square", "no operator computes"),
    ],
)
def test_a_subgraph_that_cannot_be_cut(inputs, output, message):
    with pytest.raises(ModelError, match=message):
        subgraph(onnx_chain(), inputs, output)


def test_an_operator_that_fails_is_named():
    """An index that lies outside of the tensor is only found when the model runs."""
    b = TFLiteBuilder()
    x, indices = b.input("x", (1, 4), scale=0.5), b.input("indices", (2,), "int32")
    fields = {"Axis": 1, "BatchDims": 0}
    y = b.operator("GATHER", [x, indices], (1, 2), "y", options="GatherOptions", fields=fields)
    reference = LiteRTReference(b.build([y]))
    with pytest.raises(ModelError, match=r"LiteRT cannot run the model: .*GATHER"):
        reference.run({"x": X["x"], "indices": np.array([0, 9], np.int32)})
