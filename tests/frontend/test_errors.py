"""Files that cannot be compiled, and what a user is told about each."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.frontend.imported import imported
from tvm_tiny.errors import ModelError, UnsupportedOperatorError
from tvm_tiny.frontend import load
from tvm_tiny.testing.onnx_builder import OnnxBuilder
from tvm_tiny.testing.tflite_builder import TFLiteBuilder


def tflite_model() -> bytes:
    b = TFLiteBuilder()
    x = b.input("x", (1, 6, 6, 4), scale=0.05)
    w = b.weights("w", np.random.default_rng(0).normal(size=(3, 3, 3, 4)))
    return b.build([b.conv2d(x, w, np.arange(3, dtype=np.int32), "y", scale=0.1)])


def onnx_model(opset: int = 13) -> bytes:
    b = OnnxBuilder(opset=opset)
    x = b.input("x", (1, 4), 0.05)
    return b.build([b.gemm(x, b.weights("w", np.eye(4)), np.arange(4, dtype=np.int32), "y", scale=0.1)])


def refused(tmp_path: Path, data: bytes, name: str, *told: str, error: type[ModelError] = ModelError) -> str:
    """The message with which the file is refused, after checking that it is one a user can read and has ``told`` in it."""
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ModelError) as caught:
        load(path)
    assert type(caught.value) is error
    message = str(caught.value)
    assert caught.value.message.startswith(f"{path}: ")
    assert not re.search(r"Traceback|File \"|/tvm/|Check failed|ValueError|0x[0-9a-f]{6}", message), message
    for text in told:
        assert text in message, message
    return message


# The file itself.


def test_missing_file_names_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "kws.tflite").write_bytes(tflite_model())
    with pytest.raises(ModelError, match=r"(?s)kwz.tflite: no such file.*kws\.tflite"):
        load(tmp_path / "kwz.tflite")


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"(?s)no such file.*no folder"):
        load(tmp_path / "nowhere" / "model.onnx")


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="found a folder"):
        load(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    with pytest.raises(ModelError, match=r"(?s)SavedModel folder.*from_saved_model"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["m.tflite", "m.onnx", "m"])
@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "the file is empty"),
        (b"layer,weights\nconv,3\n", "a text file"),
        ("# modèle\n".encode(), "a text file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(64), "Keras"),
        (b"PK\x03\x04" + bytes(64), "ZIP archive"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
        (b"<!DOCTYPE html><html></html>", "web page"),
    ],
)
def test_other_files(tmp_path: Path, name: str, data: bytes, told: str) -> None:
    refused(tmp_path, data, name, told)


def test_other_flatbuffers(tmp_path: Path) -> None:
    data = bytearray(tflite_model())
    data[4:8] = b"ARRW"
    refused(tmp_path, bytes(data), "m.tflite", "flatbuffer with the identifier 'ARRW', expected 'TFL3'")
    data[4:8] = b"TFL2"
    refused(tmp_path, bytes(data), "m.tflite", "'TFL2', expected 'TFL3'")


def test_binary_noise(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, 4096, np.uint8).tobytes()
    for name in ("m.tflite", "m.onnx", "m.bin"):
        refused(tmp_path, noise, name, "truncated or damaged" if name != "m.onnx" else "truncated, damaged")


def test_the_name_of_the_other_format(tmp_path: Path) -> None:
    refused(tmp_path, tflite_model(), "model.onnx", "but the content is a TensorFlow Lite model", "rename it to model.tflite")
    refused(tmp_path, onnx_model(), "model.tflite", "but the content is an ONNX model", "rename it to model.onnx")


def test_any_other_name_will_do(tmp_path: Path) -> None:
    for data, source_format in ((tflite_model(), "tflite"), (onnx_model(), "onnx")):
        path = tmp_path / "My Model.v2"
        path.write_bytes(data)
        model = load(path)
        assert (model.name, model.source_format) == ("my_model", source_format)
        assert load(path, name="Keyword-Spotter").name == "keyword_spotter"


# Truncated files: wherever they end.


def test_truncated_tflite(tmp_path: Path) -> None:
    data = tflite_model()
    for size in range(8, len(data), 7):
        refused(tmp_path, data[:size], "m.tflite")


def test_truncated_onnx(tmp_path: Path) -> None:
    data = onnx_model()
    for size in range(2, len(data), 7):
        refused(tmp_path, data[:size], "m.onnx")


@pytest.mark.parametrize("source_format", ["tflite", "onnx"])
def test_damaged_files_load_or_are_refused(tmp_path: Path, source_format: str, capfd: pytest.CaptureFixture[str]) -> None:
    data, rng = tflite_model() if source_format == "tflite" else onnx_model(), np.random.default_rng(0)
    path, outcomes = tmp_path / f"m.{source_format}", {"loaded": 0, "refused": 0}
    for _ in range(100):
        damaged = bytearray(data)
        for position in rng.integers(8, len(data), 2):
            damaged[position] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            load(path)
            outcomes["loaded"] += 1
        except ModelError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 0, outcomes
    assert capfd.readouterr() == ("", "")


# Shapes.


@pytest.mark.parametrize(
    ("shape", "signature", "axis"), [((1, 1, 1, 4), (1, -1, -1, 4), 1), ((1, -1, 8, 4), (), 1), ((-1, 8, 8, 4), (), 0)]
)
def test_open_shapes_in_tflite(tmp_path: Path, shape: tuple[int, ...], signature: tuple[int, ...], axis: int) -> None:
    b = TFLiteBuilder()
    x = b.input("image", shape, scale=0.05, shape_signature=signature)
    data = b.build([b.unary("RELU", x, "y")])
    refused(tmp_path, data, "m.tflite", f"dimension {axis} of tensor 'image' is not fixed", "batch_size=1")


def test_an_open_batch_of_keras_is_one(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    x = b.input("image", (1, 8, 8, 4), scale=0.05, shape_signature=(-1, 8, 8, 4))
    model = imported(tmp_path, b.build([b.unary("RELU", x, "y")]))
    assert model.inputs[0].shape == (1, 8, 8, 4)


def test_dynamic_batch_in_onnx(tmp_path: Path) -> None:
    b = OnnxBuilder()
    y = b.operator("Relu", [b.input("image", ("N", 3))], "y")
    refused(
        tmp_path,
        b.build([y]),
        "m.onnx",
        "dimension 0 (N) of input 'image' is not fixed",
        "make_dynamic_shape_fixed --dim_param N --dim_value 1",
    )


def test_unknown_dimension_in_onnx(tmp_path: Path) -> None:
    model = onnx.ModelProto.FromString(onnx_model())
    model.graph.input[0].type.tensor_type.shape.dim[1].Clear()
    refused(tmp_path, model.SerializeToString(), "m.onnx", "dimension 1 of input 'x' is not fixed")
    model.graph.input[0].type.tensor_type.ClearField("shape")
    refused(tmp_path, model.SerializeToString(), "m.onnx", "has no shape")


# Numbers.


def test_float16_tflite(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    x = b.input("x", (1, 4), "float32")
    w = b.dequantize(b.constant("half", np.eye(4, dtype=np.float16)), "w")
    y = b.operator("FULLY_CONNECTED", [x, w], (1, 4), "y", options="FullyConnectedOptions")
    refused(tmp_path, b.build([y]), "m.tflite", "a float16 model", "'half'")


def test_float16_onnx(tmp_path: Path) -> None:
    b = OnnxBuilder()
    x = b.input("x", (1, 4), dtype="float16")
    data = b.build([b.operator("Relu", [x], "y")])
    refused(tmp_path, data, "m.onnx", "a float16 model", "'x'")


def test_16_bit_activations(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    data = b.build([b.unary("RELU", b.input("x", (1, 4), "int16", 0.05), "y")])
    refused(tmp_path, data, "m.tflite", "16-bit activations", "full int8")


def test_hybrid_quantisation(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    x = b.input("x", (1, 4), "float32")
    y = b.fully_connected(x, b.weights("w", np.eye(4), None), np.zeros(4, np.float32), "y")
    refused(tmp_path, b.build([y]), "m.tflite", "FULLY_CONNECTED", "hybrid", error=UnsupportedOperatorError)


def test_int8_without_scale(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    x = b.input("x", (1, 4))
    y = b.operator("ADD", [x, x], (1, 4), "y", 0.1, options="AddOptions")
    refused(tmp_path, b.build([y]), "m.tflite", "'x' is int8 without a scale", error=UnsupportedOperatorError)


# Operators: all of them at once.


def test_every_unsupported_tflite_operator_is_listed(tmp_path: Path) -> None:
    b = TFLiteBuilder()
    x = b.unary("RELU", b.input("x", (1, 4), scale=0.05), "first")
    for i in range(3):
        x = b.custom(x, "FlexErf", f"erf{i}")
    x = b.custom(x, "MyOp", "mine")
    x = b.unary("CEIL", x, "ceil", scale=0.1)
    y = b.operator(
        "CONCATENATION", [x, b.unary("RELU", x, scale=0.3)], (1, 8), "both", options="ConcatenationOptions", fields={"Axis": 1}
    )
    refused(
        tmp_path,
        b.build([y]),
        "m.tflite",
        "6 of the 8 operators cannot be compiled",
        "CUSTOM FlexErf, 3 times, first as operator 1 (output 'erf0'): custom operators have no public definition",
        "CUSTOM MyOp, first as operator 4 (output 'mine')",
        "CEIL, first as operator 5 (output 'ceil'): it has no quantised form here",
        "CONCATENATION, first as operator 7 (output 'both'): its inputs and its output have different scales",
        error=UnsupportedOperatorError,
    )


def test_every_unsupported_onnx_operator_is_listed(tmp_path: Path) -> None:
    nodes = [
        onnx.helper.make_node("Relu", ["x"], ["relu"]),
        onnx.helper.make_node("QLinearAdd", ["relu"], ["sum"], domain="com.microsoft"),
        onnx.helper.make_node("Det", ["x"], ["det"]),
        onnx.helper.make_node("Hardmax", ["x"], ["hard"]),
        onnx.helper.make_node("Det", ["hard"], ["det2"]),
        onnx.helper.make_node("Det", ["x"], ["nobody reads this"]),
    ]
    data = graph_of(nodes, {"det": (1,), "det2": (1,), "sum": (1, 4, 4)})
    message = refused(
        tmp_path,
        data,
        "m.onnx",
        "3 of the 6 operators cannot be compiled",
        "com.microsoft.QLinearAdd, first as operator 1 (output 'sum'): the quantised operators of ONNX's QOperator format",
        "Det, 2 times, first as operator 2 (output 'det'): no importer exists for it",
        error=UnsupportedOperatorError,
    )
    assert "Hardmax" not in message


def graph_of(nodes: list[onnx.NodeProto], outputs: dict[str, tuple[int, ...]]) -> bytes:
    """An ONNX file that computes ``outputs`` from "x" (1, 4, 4)."""

    def value(name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
        return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    zero = onnx.numpy_helper.from_array(np.zeros((), np.int8), "zero")
    graph = onnx.helper.make_graph(nodes, "main", [value("x", (1, 4, 4))], [value(*item) for item in outputs.items()], [zero])
    opsets = [onnx.helper.make_opsetid(domain, 13 if domain == "" else 1) for domain in ("", "com.microsoft", "com.example")]
    data: bytes = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    return data


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (onnx.helper.make_node("DynamicQuantizeLinear", ["x"], ["y", "s", "z"]), "dynamic quantisation is not supported"),
        (onnx.helper.make_node("LSTM", ["x", "x", "x"], ["y"], hidden_size=1), "recurrent layers are not supported"),
        (onnx.helper.make_node("MyOp", ["x"], ["y"], domain="com.example"), "operators of this domain have no public definition"),
        (onnx.helper.make_node("Conv", ["x"], ["y"], domain="com.example"), "operators of this domain have no public definition"),
        (onnx.helper.make_node("MaxPool", ["x"], ["y", "where"], kernel_shape=(2,)), "its second output, the indices"),
        (onnx.helper.make_node("Pad", ["x", "x"], ["y"]), "its padding is computed, expected a constant"),
        (onnx.helper.make_node("QuantizeLinear", ["x", "x", "zero"], ["y"]), "its scale is computed, expected a constant"),
        (onnx.helper.make_node("Cast", ["x"], ["y"], to=onnx.TensorProto.DOUBLE), "its output is float64"),
    ],
)
def test_onnx_operators_with_their_reasons(tmp_path: Path, node: onnx.NodeProto, told: str) -> None:
    refused(tmp_path, graph_of([node], {"y": (1, 4, 4)}), "m.onnx", told, error=UnsupportedOperatorError)


def test_several_subgraphs(tmp_path: Path) -> None:
    import flatbuffers
    import tflite

    b = flatbuffers.Builder(256)

    def vector(items: list[int]) -> int:
        b.StartVector(4, len(items), 4)
        for item in reversed(items):
            b.PrependUOffsetTRelative(item)
        return b.EndVector()

    shape = b.CreateNumpyVector(np.int32([1, 4]))
    tflite.TensorStart(b)
    tflite.TensorAddShape(b, shape)
    tensor = tflite.TensorEnd(b)
    tensors, border = vector([tensor]), b.CreateNumpyVector(np.int32([0]))
    graphs = []
    for _ in range(2):
        tflite.SubGraphStart(b)
        tflite.SubGraphAddTensors(b, tensors)
        tflite.SubGraphAddInputs(b, border)
        tflite.SubGraphAddOutputs(b, border)
        graphs.append(tflite.SubGraphEnd(b))
    tflite.BufferStart(b)
    buffer = tflite.BufferEnd(b)
    subgraphs, buffers = vector(graphs), vector([buffer])
    tflite.ModelStart(b)
    tflite.ModelAddVersion(b, 3)
    tflite.ModelAddSubgraphs(b, subgraphs)
    tflite.ModelAddBuffers(b, buffers)
    b.Finish(tflite.ModelEnd(b), file_identifier=b"TFL3")
    refused(tmp_path, bytes(b.Output()), "m.tflite", "expected one graph, found 2")


def test_old_and_new_opsets(tmp_path: Path) -> None:
    model = onnx.ModelProto.FromString(onnx_model())
    model.opset_import[0].version = 9
    refused(tmp_path, model.SerializeToString(), "m.onnx", "ONNX opset 9, expected 13 or later")
    model.opset_import[0].version = 999
    refused(tmp_path, model.SerializeToString(), "m.onnx", "ONNX opset 999, but the installed onnx package knows only")


def test_weights_in_a_file_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    onnx.save(onnx.ModelProto.FromString(onnx_model()), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    data = path.read_bytes()
    assert load(path).tensor_names["y"] == "y"
    (tmp_path / "weights.bin").write_bytes(b"")
    refused(tmp_path, data, "m.onnx", "cannot be read")
    (tmp_path / "weights.bin").unlink()
    refused(tmp_path, data, "m.onnx", "its weights lie in 'weights.bin', which is not beside it")


def test_a_graph_that_is_not_valid(tmp_path: Path) -> None:
    model = onnx.ModelProto.FromString(onnx_model())
    model.graph.node[-2].input[0] = "nobody"
    refused(tmp_path, model.SerializeToString(), "m.onnx", "not a valid ONNX graph")
