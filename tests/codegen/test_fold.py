"""Layers that find their tensors by themselves, on functions written by hand; and a model of so many layers, built and run."""

from __future__ import annotations

import re

import pytest

from tvm_tiny.codegen.addresses import Address
from tvm_tiny.codegen.fold import fold
from tvm_tiny.codegen.function import Function
from tvm_tiny.codegen.share import Call

X, Y, ROWS = "const int8_t *restrict x", "int8_t *restrict y", "int32_t *restrict rows"
MANY = 30


def at(offset: int, c_type: str = "int8_t", base: str = "memory") -> Address:
    return Address(base, c_type, offset)


def border(name: str) -> Address:
    return Address(name, "int8_t", None)


def layers(count: int) -> tuple[list[Function], list[Call], list[tuple[Address, ...]]]:
    """``count`` layers that each read at 64, write at the memory's start, and have scratch memory of their own."""
    functions = [Function(f"m_layer_{index}", (X, Y, ROWS), ("  y[0] = x[0];",), (f"number {index}",)) for index in range(count)]
    addresses = [(at(64), at(0), at(96 + 4 * index, "int32_t")) for index in range(count)]
    return functions, [Call(function.name) for function in functions], addresses


def test_a_layer_is_given_the_memory_and_knows_its_places() -> None:
    functions, calls = fold(*layers(MANY), set(), inline=True)
    assert calls[1] == Call("m_layer_1", ("memory",))
    body, called = functions[2:4]
    assert body.text == f"/* number 1 */\nstatic void m_layer_1_body({X}, {Y}, {ROWS}) {{\n  y[0] = x[0];\n}}\n"
    assert called.text == (
        "static TVM_TINY_NOINLINE void m_layer_1(int8_t *memory) {\n"
        "  m_layer_1_body(memory + 64, memory, (int32_t *)(void *)(memory + 100));\n}\n"
    )


def test_loops_of_a_layer_may_stay_a_function_of_their_own() -> None:
    functions, _ = fold(*layers(MANY), set(), inline=False)
    assert [each.text.split(" {")[0] for each in functions[:2]] == [
        f"/* number 0 */\nstatic TVM_TINY_NOINLINE void m_layer_0_body({X}, {Y}, {ROWS})",
        "static TVM_TINY_NOINLINE void m_layer_0(int8_t *memory)",
    ]


def test_a_model_of_few_layers_passes_pointers() -> None:
    functions, calls, addresses = layers(8)
    printed, found = fold(functions, calls, addresses, set(), inline=True)
    assert printed == functions
    assert found[1].arguments == ("memory + 64", "memory", "(int32_t *)(void *)(memory + 100)")


def folded(first: Function, *passed: tuple[Address, ...], keep: bool = False) -> tuple[list[Function], list[Call]]:
    """``first`` called with each of ``passed``, before many layers: the functions made of it, and its calls."""
    functions, calls, addresses = layers(MANY)
    own = [Call(first.name, ("m_weight",))] * len(passed)
    made, found = fold([first, *functions], [*own, *calls], [*passed, *addresses], {first.name} if keep else set(), inline=True)
    return made[: len(made) - 2 * MANY], found[: len(passed)]


SHARED = Function("m_shared", (X, Y, ROWS, "const int8_t *restrict weight"), ("  y[0] = x[weight[0]];",))


def test_of_a_shared_function_what_is_the_same_in_all_calls_is_no_argument() -> None:
    rows = at(96, "int32_t")
    (_, called), calls = folded(SHARED, (at(8), at(0), rows), (at(16), at(0), rows))
    assert called.parameters == ("int8_t *memory", X, "const int8_t *restrict weight")
    assert called.statements == ("  m_shared_body(x, memory, (int32_t *)(void *)(memory + 96), weight);",)
    assert [call.arguments for call in calls] == [("memory", "memory + 8", "m_weight"), ("memory", "memory + 16", "m_weight")]


@pytest.mark.parametrize(
    ("passed", "keep", "why"),
    [
        (((at(8), at(0), at(16, "int32_t")), (at(0), at(8), at(32, "int32_t"))), False, "no place is the same in both calls"),
        (((border("x"), at(0), border("z")),), False, "the memory itself is as much to pass as the only pointer"),
        (((at(8), at(0), at(16, "int32_t")),), True, "another function calls it too"),
    ],
)
def test_functions_that_stay_as_they_are(passed: tuple[tuple[Address, ...], ...], keep: bool, why: str) -> None:
    functions, calls = folded(SHARED, *passed, keep=keep)
    assert functions == [SHARED], why
    assert [call.arguments for call in calls] == [(*(each.text() for each in one), "m_weight") for one in passed]


def test_a_tensor_at_the_border_stays_an_argument() -> None:
    (_, called), (call,) = folded(SHARED, (border("input"), at(32), at(96, "int32_t")))
    assert called.parameters == ("int8_t *memory", X, "const int8_t *restrict weight")
    assert call.arguments == ("memory", "input", "m_weight")


def test_a_memory_has_a_name_that_is_free() -> None:
    function = Function("m_first", ("const int8_t *restrict memory", Y), ("  y[0] = memory[0];",))
    (_, called), _ = folded(function, (border("memory_"), at(32)))
    assert called.parameters == ("int8_t *memory_", "const int8_t *restrict memory", "const int8_t *restrict weight")[:2]
    assert called.statements == ("  m_first_body(memory, memory_ + 32);",)


def test_every_memory_that_a_layer_uses_is_passed() -> None:
    (_, called), (call,) = folded(SHARED, (at(8, base="fast_pool"), at(0, base="slow_pool"), at(16, "int32_t", "fast_pool")))
    assert call.arguments == ("fast_pool", "slow_pool", "m_weight")
    assert re.findall(r"\w+_pool", " ".join(called.statements)) == ["fast_pool", "slow_pool", "fast_pool"]
