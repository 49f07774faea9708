"""A TIRx function goes in, the C that a person would write comes out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tvm import te, tirx

from tvm_tiny.codegen.printer import print_layer
from tvm_tiny.errors import UnsupportedOperatorError
from tvm_tiny.program import Constant, Layer, Overlap
from tvm_tiny.schedule.floats import schedule_float
from tvm_tiny.schedule.lower import lower_function
from tvm_tiny.schedule.scratch import scratch_of
from tvm_tiny.target import get_core


def printed(inputs: list[te.Tensor], output: te.Tensor, constants: tuple[Constant, ...] = (), comment: str = "") -> str:
    """The C of a layer called "m_layer" that computes ``output`` from ``inputs``; the last of them are the constants."""
    func = te.create_prim_func([*inputs, output]).with_attr("global_symbol", "main")
    lowered = lower_function(schedule_float(func), get_core("cortex-m4"))
    names = tuple(str(tensor.op.name) for tensor in inputs[: len(inputs) - len(constants)])
    layer = Layer("layer", "op", lowered, names, ("y",), constants, scratch_of(lowered), comment=comment)
    return print_layer(layer, "m").text


def test_an_elementwise_function() -> None:
    x = te.placeholder((4, 8), "int8", "x")
    y = te.compute((4, 8), lambda i, j: (x[i, j].astype("int32") * 2 - 5).astype("int8"), "y")
    assert printed([x], y, comment="doubles") == (
        "/* doubles */\n"
        "static TVM_TINY_NOINLINE void m_layer(const int8_t *restrict x, int8_t *restrict y) {\n"
        "  for (int32_t i = 0; i < 4; ++i) {\n"
        "    for (int32_t j = 0; j < 8; ++j) {\n"
        "      const int32_t v1 = i * 8 + j;\n"
        "      y[v1] = (int8_t)(x[v1] * 2 - 5);\n"
        "    }\n"
        "  }\n"
        "}\n"
    )


def test_a_sum_is_kept_in_a_local_variable_and_constants_are_global_names() -> None:
    x = te.placeholder((16,), "int8", "x")
    weight = te.placeholder((3, 16), "int8", "weight")
    k = te.reduce_axis((0, 16), "k")
    acc = te.compute((3,), lambda i: te.sum(x[k].astype("int32") * weight[i, k].astype("int32"), axis=k), "acc")
    y = te.compute((3,), lambda i: acc[i] + 7, "y")
    text = printed([x, weight], y, (Constant("layer_weight", np.zeros((3, 16), np.int8)),))
    assert "int32_t acc = 0;" in text
    assert "acc += x[" in text
    assert "* m_layer_weight[i * 16 +" in text
    assert "weight" not in text.split(")")[0]  # not a parameter


def test_a_float_function_says_that_it_needs_libm() -> None:
    x = te.placeholder((4,), "float32", "x")
    y = te.compute((4,), lambda i: te.exp(x[i]) / 3.0, "y")
    func = lower_function(te.create_prim_func([x, y]), get_core("c"))
    result = print_layer(Layer("layer", "op", func, ("x",), ("y",)), "m")
    assert result.needs_libm
    assert "expf(x[" in result.text
    assert "/ 3.0f;" in result.text


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (lambda a, b: (a + b) * b, "(a[i] + b[i]) * b[i]"),
        (lambda a, b: tirx.truncdiv(a, tirx.truncdiv(b, 3)), "a[i] / (b[i] / 3)"),
        (lambda a, b: a + (-3), "a[i] - 3"),
        (
            lambda a, b: tirx.Select(tirx.all(a > 1, tirx.any(b < 2, b > 9)), a, b),
            "1 < a[i] && (b[i] < 2 || 9 < b[i]) ? a[i] : b[i]",
        ),
        (lambda a, b: te.max(a, b), "tvm_tiny_max_i32(a[i], b[i])"),
        (lambda a, b: te.floordiv(a, 3), "tvm_tiny_floor_div_i32(a[i], 3)"),
        (lambda a, b: (a + b) >> 3, "(a[i] + b[i]) >> 3"),
        (lambda a, b: (a & 7) | (b << 2), "(a[i] & 7) | (b[i] << 2)"),
    ],
)
def test_an_expression_has_the_parentheses_that_it_needs_and_no_more(expression: object, text: str) -> None:
    a, b = (te.placeholder((4,), "int32", name) for name in "ab")
    y = te.compute((4,), lambda i: expression(a[i], b[i]), "y")  # type: ignore[operator]
    func = lower_function(te.create_prim_func([a, b, y]), get_core("c"))
    body = print_layer(Layer("layer", "op", func, ("a", "b"), ("y",)), "m").text
    assert body.replace("i0", "i").split("y[i] = ")[1].split(";")[0] == text


def test_narrow_arithmetic_is_cast_back_to_its_type() -> None:
    a = te.placeholder((4,), "uint8", "a")
    y = te.compute((4,), lambda i: a[i] + a[i], "y")
    assert "y[i] = (uint8_t)(a[i] + a[i]);" in printed([a], y)


def test_a_long_name_or_a_keyword_becomes_a_valid_identifier() -> None:
    x = te.placeholder((4,), "int32", "double")
    y = te.compute((4,), lambda i: x[i], "T_y/out")
    assert "const int32_t *restrict double_, int32_t *restrict y_out" in printed([x], y)


def test_what_c_does_not_have_is_refused_by_name() -> None:
    x = te.placeholder((4,), "float16", "x")
    y = te.compute((4,), lambda i: x[i], "y")
    with pytest.raises(UnsupportedOperatorError, match="float16"):
        printed([x], y)


def test_only_pointers_that_may_overlap_are_not_restrict() -> None:
    x, z = (te.placeholder((8,), "int8", name) for name in "xz")
    func = te.create_prim_func([x, z, te.compute((8,), lambda i: x[i] + z[i], "y")]).with_attr("global_symbol", "main")
    layer = Layer("layer", "op", lower_function(schedule_float(func), get_core("c")), ("x", "z"), ("y",))
    assert "m_layer(const int8_t *restrict x, const int8_t *restrict z, int8_t *restrict y)" in print_layer(layer, "m").text
    layer = replace(layer, overlaps=(Overlap("z", "y", 0, 8, True),))
    assert "m_layer(const int8_t *restrict x, const int8_t *z, int8_t *y)" in print_layer(layer, "m").text
