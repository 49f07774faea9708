"""Every layer whose C has a floating-point number is told with its reason; all others are integer, whoever made their loops."""

from __future__ import annotations

import re

import pytest

from tests.cli.tflite_models import tflite_model
from tests.op.helpers import compile_onnx, compile_tflite
from tvm_tiny.compiled import CompiledModel
from tvm_tiny.report.floats import CONVERSIONS, NO_FORM, RESCALED, UNQUANTISED
from tvm_tiny.testing.networks import float_net, residual_net
from tvm_tiny.testing.onnx_builder import OnnxBuilder

FLOATING = re.compile(r"\b(float|double)\b|_f(32|64)\b|\d\.\d")


def functions(compiled: CompiledModel) -> dict[str, str]:
    """Layer → the text of its C function."""
    source = compiled.module.files[f"{compiled.module.name}.c"]
    found = {}
    for layer in compiled.module.layers:
        (text,) = re.findall(rf"^static TVM_TINY_NOINLINE void {layer.function}\(.*?^}}$", source, re.DOTALL | re.MULTILINE)
        found[layer.name] = text
    return found


def reasons(compiled: CompiledModel) -> dict[str, tuple[str, str, str]]:
    """Layer → (operator, tensor, reason)."""
    return {each["layer"]: (each["operator"], each["tensor"], each["reason"]) for each in compiled.report["float_layers"]}


def models() -> dict[str, CompiledModel]:
    operators = "ARG_MAX CONV_2D DIV EQUAL FULLY_CONNECTED GATHER LOG_SOFTMAX SELECT SPLIT TRANSPOSE TRANSPOSE_CONV".split()
    found = {name: compile_tflite(tflite_model(name, "int8"), "tflite-micro") for name in operators}
    return found | {"float": compile_onnx(float_net()), "residual": compile_onnx(residual_net())}


def test_a_layer_is_integer_exactly_where_its_c_has_no_floating_point_number():
    kinds = set()
    for name, compiled in models().items():
        texts = functions(compiled)
        for layer in compiled.module.layers:
            # Weights are read by name: what type they have, their declaration says.
            assert layer.integer == (not FLOATING.search(texts[layer.name])), (name, texts[layer.name])
            kinds.add(layer.integer)
        assert set(reasons(compiled)) == {layer.name for layer in compiled.module.layers if not layer.integer}
    assert kinds == {True, False}


@pytest.mark.parametrize("operator", ["ARG_MAX", "TRANSPOSE", "SPLIT", "GATHER", "SELECT"])
def test_moves_of_stored_values_are_integer(operator: str):
    assert reasons(compile_tflite(tflite_model(operator, "int8"))) == {}


@pytest.mark.parametrize("operator", ["EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL"])
def test_comparisons_of_int8_are_told(operator: str):
    found = list(reasons(compile_tflite(tflite_model(operator, "int8"))).values())
    assert [(name, reason) for name, _, reason in found[:-1]] == [("dequantize", CONVERSIONS["dequantize"])] * 2
    assert found[-1][2] == NO_FORM


def test_reason_of_the_lowering_goes_to_the_layer_that_computes_it():
    found = reasons(compile_tflite(tflite_model("DIV", "int8")))
    assert found["divide_1"] == ("divide", "y", "no integer form is known for it")
    assert found["quantize_2"] == ("quantize", "y", CONVERSIONS["quantize"])


def test_reason_goes_to_every_float_layer_behind_the_quantisation_but_not_beyond_an_integer_one():
    b = OnnxBuilder()
    first = b.operator("LogSoftmax", [b.input("x", (1, 4, 16), 0.05, 3)], "y", 0.05, 120, {"axis": -1})
    compiled = compile_onnx(b.build([b.operator("LogSoftmax", [b.operator("Relu", [first], "z", 0.05, 0)], "w", 0.05, 120)]))
    found = [(operator, tensor) for operator, tensor, _ in reasons(compiled).values() if operator not in CONVERSIONS]
    assert sorted({tensor for _, tensor in found}) == ["w", "y"]


def test_float_model_computes_in_float_because_it_is_one():
    found = reasons(compile_onnx(float_net()))
    assert found
    assert {reason for _, _, reason in found.values()} == {UNQUANTISED}


def test_litert_rescales_fully_connected_layers_in_double():
    model = tflite_model("FULLY_CONNECTED", "int8")
    assert [reason for _, _, reason in reasons(compile_tflite(model, "litert")).values()] == [RESCALED]
    assert reasons(compile_tflite(model, "tflite-micro")) == {}
