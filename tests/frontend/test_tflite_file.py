from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvm_tiny.errors import ModelError
from tvm_tiny.frontend.tflite_file import Graph, read_graph
from tvm_tiny.testing.tflite_builder import TFLiteBuilder


def model() -> bytes:
    b = TFLiteBuilder()
    x = b.input("x", (1, 6, 6, 4), scale=0.05, zero_point=-3, shape_signature=(-1, 6, 6, 4))
    w = b.constant("w", np.arange(72, dtype=np.int8).reshape(2, 3, 3, 4), [0.1, 0.2])
    return b.build([b.custom(b.conv2d(x, w, np.arange(2, dtype=np.int32), "y", scale=0.1), "MyOp", "z")])


MODEL = model()


def test_records() -> None:
    graph = read_graph(MODEL, "model.tflite")
    x, w, bias, y, z = graph.tensors
    assert (x.name, x.shape, x.signature, x.dtype, x.data) == ("x", (1, 6, 6, 4), (-1, 6, 6, 4), "int8", None)
    assert (x.scale, x.zero_point) == (np.float32(0.05), -3)
    np.testing.assert_array_equal(w.data, np.arange(72).reshape(2, 3, 3, 4))
    np.testing.assert_array_equal(w.scale, np.float32([0.1, 0.2]))
    np.testing.assert_array_equal(bias.data, [0, 1])
    assert [(operator.label, operator.inputs, operator.outputs) for operator in graph.operators] == [
        ("CONV_2D", (0, 1, 2), (y.index,)),
        ("CUSTOM MyOp", (y.index,), (z.index,)),
    ]
    assert (graph.inputs, graph.outputs, graph.subgraphs) == ((x.index,), (z.index,), 1)


@given(st.lists(st.tuples(st.integers(8, len(MODEL) - 1), st.integers(0, 255)), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_any_damage_is_found_or_leaves_a_graph_that_holds_together(changes: list[tuple[int, int]]) -> None:
    data = bytearray(MODEL)
    for position, value in changes:
        data[position] = value
    with contextlib.suppress(ModelError):
        assert_holds_together(read_graph(bytes(data), "model.tflite"))


def assert_holds_together(graph: Graph) -> None:
    indices = range(len(graph.tensors))
    assert all(i in indices for i in (*graph.inputs, *graph.outputs))
    for operator in graph.operators:
        assert all(i in indices or i == -1 for i in operator.inputs)
        assert all(i in indices for i in operator.outputs)
    assert len({tensor.name for tensor in graph.tensors}) == len(graph.tensors)
    for tensor in graph.tensors:
        assert tensor.data is None or tensor.sparse or tensor.data.shape in (tensor.shape, (tensor.data.size,))
        assert tensor.scale.shape == tensor.zero_point.shape
        assert (tensor.scale > 0).all()


def test_operators_in_the_wrong_order() -> None:
    b = TFLiteBuilder()
    x = b.input("x", (1, 4), scale=0.05)
    b.unary("RELU", b.unary("RELU", x, "first"), "second")
    b._operators.reverse()
    with pytest.raises(ModelError, match="operator 0 reads 'first' before it is computed"):
        read_graph(b.build([b._tensors[-1]]), "model.tflite")


def test_a_tensor_that_is_computed_twice() -> None:
    b = TFLiteBuilder()
    y = b.unary("RELU", b.input("x", (1, 4), scale=0.05), "y")
    b._operators.append(b._operators[0])
    with pytest.raises(ModelError, match="operator 1 computes 'y' a second time"):
        read_graph(b.build([y]), "model.tflite")
