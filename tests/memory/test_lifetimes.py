"""When a buffer is alive."""

from dataclasses import replace

import pytest
from hypothesis import given

from tvm_tiny.memory.lifetimes import lifetimes, lower_bound, usable_overlaps
from tvm_tiny.program import Overlap, Program

from .programs import layer, program, programs


def spans(net: Program) -> dict[str, tuple[int, int]]:
    return {buffer.name: (buffer.first, buffer.last) for buffer in lifetimes(net)}


def test_chain_with_residual():
    net = program(
        {"x": 8, "a": 16, "b": 16, "y": 16},
        "x",
        "y",
        [layer("conv", "x", "a", [32]), layer("depthwise", "a", "b"), layer("add", "a b", "y")],
    )
    assert spans(net) == {"x": (0, 0), "a": (0, 2), "conv.s0": (0, 0), "b": (1, 2), "y": (2, 2)}
    assert lower_bound(lifetimes(net)) == 8 + 16 + 32


def test_output_lives_to_the_end_of_the_program():
    net = program({"x": 1, "y": 1, "z": 1}, "x", "y z", [layer("first", "x", "y"), layer("second", "y", "z")])
    assert spans(net) == {"x": (0, 0), "y": (0, 1), "z": (1, 1)}


def test_view_keeps_its_storage_alive():
    net = program(
        {"x": 4, "a": 4, "flat": 4, "y": 4, "z": 4}, "x", "flat", [layer("p", "x", "a"), layer("q", "x", "y")], {"flat": "a"}
    )
    assert spans(net)["a"] == (0, 1)


def test_input_that_is_also_an_output_lives_all_the_time():
    net = program({"x": 4, "y": 4, "z": 4}, "x", "x z", [layer("p", "x", "y"), layer("q", "y", "z")])
    assert spans(net)["x"] == (0, 1)


def test_output_that_is_a_view_of_an_input_of_a_program_without_layers():
    net = program({"x": 4, "flat": 4}, "x", "flat", [], {"flat": "x"})
    assert spans(net) == {"x": (0, 0)}


def test_unread_input_and_unread_output_of_a_layer_need_room_for_a_moment():
    net = program(
        {"x": 1, "unused": 1, "a": 1, "dead": 1, "y": 1}, "x unused", "y", [layer("p", "x", "a dead"), layer("q", "a", "y")]
    )
    assert spans(net)["unused"] == (0, 0)
    assert spans(net)["dead"] == (0, 0)


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (program({"x": 1, "a": 1, "y": 1}, "x", "y", [layer("p", "a", "y"), layer("q", "x", "a")]), "'p' reads tensor 'a'"),
        (program({"x": 1, "y": 1}, "x", "y", []), "output tensor 'y' is written by no layer"),
        (program({"x": 1, "y": 1}, "x", "y", [layer("p", "x", "y", [1]), layer("p", "x", "y", [1])]), r"called 'p.s0'"),
        (program({"x": 4, "big": 8}, "x", "big", [], {"big": "x"}), "'big' is a view of 'x', which is smaller"),
        (program({"x": 4, "a": 4, "b": 4}, "x", "a", [], {"a": "b", "b": "a"}), "'a' has no storage"),
    ],
)
def test_malformed_programs_are_refused(net: Program, message: str):
    with pytest.raises(ValueError, match=message):
        lifetimes(net)


@given(programs())
def test_lower_bound_is_the_largest_sum_over_all_steps(net: Program):
    buffers = lifetimes(net)
    steps = range(max(len(net.layers), 1))
    assert lower_bound(buffers) == max(sum(b.size for b in buffers if b.first <= step <= b.last) for step in steps)


def test_only_an_input_that_dies_may_be_overwritten():
    into = {name: [Overlap(name, out, 0, 8, True)] for name, out in (("x", "a"), ("a", "b"), ("b", "y"))}
    sizes = dict.fromkeys(("x", "a", "b", "y", "flat"), 8)

    def usable(outputs: str, aliases: dict[str, str], *, last: str = "b") -> list[str]:
        layers = [layer("p", "x", "a", (), into["x"]), layer("q", "a", "b", (), into["a"]), layer("r", last, "y", (), into["b"])]
        return [each.input for each in usable_overlaps(program(sizes, "x", outputs, layers, aliases))]

    assert usable("y", {}) == ["x", "a", "b"]
    assert usable("y b", {}) == ["x", "a"]  # an output of the model, even where it is read by the last layer
    assert usable("flat", {"flat": "b"}) == ["x", "a"]  # a view of it
    assert usable("x y", {}) == ["a", "b"]
    assert usable("y", {}, last="b a") == ["x", "b"]  # read again later


def test_what_is_kept_from_call_to_call_is_never_overwritten():
    layers = [layer("p", "x", "a", (), [Overlap("x", "a", 0, 8)]), layer("q", "a", "y", (), [Overlap("a", "y", 0, 8)])]
    net = program(dict.fromkeys("xay", 8), "x", "y", layers)
    assert len(usable_overlaps(net)) == 2
    assert usable_overlaps(replace(net, kept=frozenset({"a"}))) == ()
