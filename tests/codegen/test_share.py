"""Layers that share a function, on functions written by hand: what becomes a parameter, and what must not."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest

from tvm_tiny.codegen.function import Function
from tvm_tiny.codegen.share import Call, share
from tvm_tiny.program import Constant, Layer

SCALE = """\
  for (int32_t i_0 = 0; i_0 < {rows}; ++i_0) {{
    for (int32_t c = 0; c < {channels}; ++c) {{
      y[i_0 * {channels} + c] = (int8_t)tvm_tiny_clamp(x[i_0 * {channels} + c] * {weight}[c] - {twice}, {low}, 127);
    }}
  }}"""


def layer(index: int, body: str, **arrays: np.ndarray) -> tuple[Layer, Function]:
    """A layer of the operator "scale" with ``body``; ``m_scale_<index>_<role>`` are its arrays."""
    constants = tuple(Constant(f"scale_{index}_{role}", data) for role, data in arrays.items())
    made = Layer(f"scale_{index}", "scale", SimpleNamespace(), ("x",), ("y",), constants)  # type: ignore[arg-type]
    parameters = ("const int8_t *restrict x", "int8_t *restrict y")
    return made, Function(f"m_scale_{index}", parameters, tuple(body.splitlines()), (f"number {index}",))


def shared(*made: tuple[Layer, Function], numbers: bool = True) -> tuple[list[Function], list[Call]]:
    layers, functions = zip(*made, strict=True)
    return share(layers, functions, "m", numbers=numbers)


def scale(index: int, rows: int, channels: int, low: int = 0) -> tuple[Layer, Function]:
    body = SCALE.format(rows=rows, channels=channels, twice=2 * channels, low=low, weight=f"m_scale_{index}_weight")
    return layer(index, body, weight=np.ones(channels, np.int8))


def put_back(function: Function, call: Call) -> str:
    """The function's body with the arguments of ``call`` for its parameters, and sums and products of numbers worked out."""
    names = [re.findall(r"\w+", parameter)[-1] for parameter in function.parameters][-len(call.arguments) :]
    body = "\n".join(function.statements)
    for name, argument in zip(names, call.arguments, strict=True):
        body = re.sub(rf"\b{name}\b", argument, body)
    return re.sub(r"\((\d+) ([*+]) (\d+)\)", lambda found: str(eval(found[0])), body)


def test_with_a_layers_numbers_put_back_the_function_is_its_own() -> None:
    made = [scale(0, 6, 8), scale(1, 3, 16, low=5), scale(4, 9, 7)]
    functions, calls = shared(*made)
    assert [function.name for function in functions] == ["m_scale_like_0"]
    for call, (_, original) in zip(calls, made, strict=True):
        assert call.function == "m_scale_like_0"
        assert put_back(functions[0], call) == "\n".join(original.statements)


def test_numbers_that_depend_on_each_other_are_one_parameter() -> None:
    (function,), calls = shared(scale(0, 6, 8), scale(1, 3, 16), scale(4, 9, 7))
    arrays_and_numbers = ("const int8_t *restrict weight", "int32_t i_count", "int32_t c_count")
    assert sorted(function.parameters[2:]) == sorted(arrays_and_numbers)
    assert "- (c_count * 2), 0, 127)" in function.text
    assert calls[1].arguments[0] == "m_scale_1_weight"
    assert sorted(calls[1].arguments[1:]) == ["16", "3"]


def test_comments_name_every_layer() -> None:
    (function,), _ = shared(scale(0, 6, 8), scale(1, 3, 16), scale(4, 9, 7))
    assert function.comments == ("scale_0: number 0", "scale_1: number 1", "scale_4: number 4")


def test_without_numbers_only_arrays_become_parameters() -> None:
    functions, calls = shared(scale(0, 6, 8), scale(1, 6, 8), scale(2, 6, 9), numbers=False)
    assert [function.name for function in functions] == ["m_scale_like_0", "m_scale_2"]
    assert functions[0].parameters[2:] == ("const int8_t *restrict weight",)
    assert calls == [
        Call("m_scale_like_0", ("m_scale_0_weight",)),
        Call("m_scale_like_0", ("m_scale_1_weight",)),
        Call("m_scale_2"),
    ]


def test_arrays_of_different_types_are_not_shared() -> None:
    narrow, wide = (
        layer(index, SCALE.format(rows=6, channels=8, twice=16, low=0, weight=f"m_scale_{index}_weight"), weight=np.ones(8, dtype))
        for index, dtype in enumerate((np.int8, np.int32))
    )
    assert len(shared(narrow, wide)[0]) == 2


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("int32_t total[{}];", "an array's size is a constant of C99"),
        ("const int32_t row = i / {};", "a division by a constant needs no division"),
        ("y[0] = -{};", "a number that is stored has the type of its place"),
        ("tvm_tiny_dot_3x2(y, x, x, 4, {});", "a number of an inlined kernel may be in its assembly"),
    ],
)
def test_numbers_that_must_stay_constants_stay(statement: str, why: str) -> None:
    filler = "\n".join(f"  y[{at}] = x[{at}];" for at in range(40))
    made = [layer(index, f"  {statement.format(3 + index)}\n{filler}") for index in range(2)]
    functions, _ = shared(*made)
    assert [function.text for function in functions] == [function.text for _, function in made], why


def test_a_parameter_has_a_name_that_is_free() -> None:
    body = "\n".join(["  const int32_t weight = 1;", *(f"  y[{at}] = m_scale_{{0}}_weight[weight];" for at in range(40))])
    (function,), _ = shared(*(layer(index, body.format(index), weight=np.ones(4, np.int8)) for index in range(2)))
    assert function.parameters[2] == "const int8_t *restrict weight_2"
    assert "y[0] = weight_2[weight];" in function.text


def test_a_function_of_a_few_tokens_is_not_worth_its_arguments() -> None:
    made = [layer(index, f"  y[{5 + index}] = x[{9 - 3 * index}];") for index in range(2)]
    functions, calls = shared(*made)
    assert functions == [function for _, function in made]
    assert calls == [Call("m_scale_0"), Call("m_scale_1")]
