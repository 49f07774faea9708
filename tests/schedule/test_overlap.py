"""How far outputs may run over inputs: numbers found by hand on small functions, and the C run with both in one memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tvm import te, tirx
from tvm.script import tirx as T

from tests.golden.layers import LAYERS
from tests.schedule.overlapped import Library, pairs, program_of, random_values
from tvm_tiny.program import Overlap
from tvm_tiny.schedule.accesses import IN_ORDER
from tvm_tiny.schedule.floats import schedule_float
from tvm_tiny.schedule.lower import lower_function
from tvm_tiny.schedule.overlap import overlaps_of
from tvm_tiny.target import get_core
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

TARGETS = ("c", "cortex-m3", "cortex-m4", "cortex-m55")


def found(func: tirx.PrimFunc, inputs: tuple[str, ...] = ("x",)) -> list[tuple[int, int, bool]]:
    return [(each.before, each.after, each.same) for each in overlaps_of(func, inputs, ("y",))]


def computed(inputs: list[te.Tensor], shape: tuple[int, ...], element: Callable[..., tirx.Expr]) -> tirx.PrimFunc:
    return schedule_float(te.create_prim_func([*inputs, te.compute(shape, element, "y")]))


# ---- by hand ---------------------------------------------------------------------------------------------------------------------


def test_an_elementwise_layer_may_begin_on_its_input_or_in_front_of_it() -> None:
    x = te.placeholder((10,), "int8", "x")
    # y[j] is written after x[j] is read: later reads are of x[j + 1] and up, at most one byte behind.
    assert found(computed([x], (10,), lambda i: x[i] + tirx.const(1, "int8"))) == [(0, 10, True)]


def test_each_input_is_a_pair_of_its_own() -> None:
    x, z = (te.placeholder((10,), "int8", name) for name in "xz")
    func = computed([x, z], (10,), lambda i: x[i] + z[9 - i])
    # Of z, y[0] to y[j] are written when z[8 - j] and lower are still to be read.
    assert found(func, ("x", "z")) == [(0, 10, True), (9, 9, False)]


def test_a_tensor_that_is_read_twice_is_one_pair_that_suits_both() -> None:
    x, z = (te.placeholder((10,), "int8", name) for name in "xz")
    func = computed([x, z], (10,), lambda i: x[i] + z[9 - i])
    assert overlaps_of(func, ("x", "x"), ("y",)) == (Overlap("x", "y", 9, 10, False),)


def test_a_window_needs_its_rows_until_the_next_one_is_past_them() -> None:
    x = te.placeholder((10,), "int8", "x")
    # y[j] reads x[j] to x[j + 2]: after y[j] is written, x[j + 1] is read again.
    func = computed([x], (8,), lambda i: x[i] + x[i + 1] + x[i + 2])
    assert found(func) == [(0, 10, True)]
    # With padding in front, x[j - 1] to x[j + 1]: after y[j], x[j] is still needed.
    func = computed([x], (9,), lambda i: tirx.if_then_else(i >= 1, x[i - 1], tirx.const(0, "int8")) + x[i + 1])
    assert found(func) == [(1, 10, False)]


def test_padding_is_not_read() -> None:
    x = te.placeholder((4,), "int8", "x")
    inside = lambda i: tirx.all(i >= 2, i < 6)  # noqa: E731
    func = computed([x], (8,), lambda i: tirx.if_then_else(inside(i), x[i - 2], tirx.const(0, "int8")))
    # y[2] to y[5] take x[0] to x[3]; y[4] is written before x[3] is read, so that y must begin two bytes in front of x.
    assert found(func) == [(2, 4, False)]


def test_a_layer_that_turns_its_input_around_may_not_overlap_far() -> None:
    x = te.placeholder((10,), "int8", "x")
    assert found(computed([x], (10,), lambda i: x[9 - i])) == [(9, 9, False)]


def test_distances_are_in_bytes() -> None:
    x = te.placeholder((10,), "float32", "x")
    # Four bytes become one: when y[j] is written, x[4 * (j + 1)] and up are still to be read.
    assert found(computed([x], (10,), lambda i: x[i].astype("int8"))) == [(-3, 40, True)]
    z = te.placeholder((10,), "int8", "z")
    # One byte becomes four: y ends with x at the latest.
    assert found(computed([z], (10,), lambda i: z[i].astype("float32"))) == [(27, 10, False)]


def test_types_that_compilers_tell_apart_do_not_overlap() -> None:
    x = te.placeholder((10,), "float32", "x")
    assert found(computed([x], (10,), lambda i: x[i].astype("int32"))) == []


def test_an_index_out_of_memory_is_not_understood() -> None:
    x, table = te.placeholder((10,), "int8", "x"), te.placeholder((10,), "int32", "table")
    func = te.create_prim_func([x, table, te.compute((10,), lambda i: x[table[i]], "y")])
    assert found(func) == []


def test_an_index_into_a_constant_may_come_out_of_memory() -> None:
    x, table = te.placeholder((10,), "uint8", "x"), te.placeholder((256,), "int8", "table")
    func = te.create_prim_func([x, table, te.compute((10,), lambda i: table[x[i].astype("int32")], "y")])
    assert found(func) == [(0, 10, True)]


def test_a_condition_on_data_counts_as_true() -> None:
    x = te.placeholder((10,), "int8", "x")
    func = te.create_prim_func([x, te.compute((5,), lambda i: tirx.if_then_else(x[i] > 0, x[i + 5], x[i]), "y")])
    assert found(func) == [(0, 10, True)]


def test_channel_after_channel_only_the_very_same_place_is_safe() -> None:
    @T.prim_func(s_tir=True)
    def by_channel(x: T.Buffer((6, 3), "int8"), y: T.Buffer((6, 3), "int8")) -> None:
        plane = T.sblock_alloc_buffer((6,), "int8")
        for c in range(3):
            for i in range(6):
                with T.sblock("gather"):
                    vc, vi = T.axis.remap("SS", [c, i])
                    T.reads(x[vi, vc])
                    T.writes(plane[vi])
                    plane[vi] = x[vi, vc]
            for i in range(6):
                with T.sblock("scatter"):
                    vc, vi = T.axis.remap("SS", [c, i])
                    T.reads(plane[5 - vi])
                    T.writes(y[vi, vc])
                    y[vi, vc] = plane[5 - vi]

    # y[5, 1] is written before x[0, 2]: 16 - 2; y[0, 0] before x[5, 2]: 17.
    assert found(by_channel) == [(15, 18, True)]


@T.prim_func(s_tir=True)
def _opaque(x: T.Buffer((16,), "int8"), y: T.Buffer((16,), "int8")) -> None:
    for i in range(4):
        with T.sblock("copy"):
            vi = T.axis.spatial(4, i)
            T.reads(x[vi * 4 : vi * 4 + 4])
            T.writes(y[vi * 4 : vi * 4 + 4])
            T.evaluate(T.call_extern("int32", "copy4", y.access_ptr("w", offset=vi * 4), x.access_ptr("r", offset=vi * 4)))


def test_a_c_function_is_one_event_that_may_write_before_it_reads() -> None:
    assert found(_opaque) == [(4, 16, False)]  # as if y[3] were written, and x[0] read then


def _in_order(size: int, annotations: dict[str, int]) -> tirx.PrimFunc:
    @T.prim_func(s_tir=True)
    def add(x: T.Buffer((16,), "int8"), z: T.Buffer((16,), "int8"), y: T.Buffer((16,), "int8")) -> None:
        with T.sblock("add"):
            T.reads(x[0:16], z[0:size])
            T.writes(y[0:16])
            T.sblock_attr(annotations)
            T.evaluate(T.call_extern("int32", "add16", y.access_ptr("w"), x.access_ptr("r"), z.access_ptr("r")))

    return add


def test_a_c_function_that_works_in_order_is_a_loop() -> None:
    # y[j] is written after x[j] is read; of a function that does not say so, y may not even touch x.
    assert found(_in_order(16, {IN_ORDER: 1}), ("x", "z")) == [(0, 16, True), (0, 16, True)]
    assert found(_in_order(16, {}), ("x", "z")) == []


def test_an_input_of_another_length_has_no_order() -> None:
    assert found(_in_order(4, {IN_ORDER: 1}), ("x", "z")) == []


def test_a_pointer_without_a_declared_region_is_not_understood() -> None:
    @T.prim_func(s_tir=True)
    def hidden(x: T.Buffer((16,), "int8"), y: T.Buffer((16,), "int8")) -> None:
        with T.sblock("copy"):
            T.reads()
            T.writes(y[0:16])
            T.evaluate(T.call_extern("int32", "copy16", y.access_ptr("w"), x.access_ptr("r")))

    assert found(hidden) == []


def test_a_macro_that_nobody_has_told_of_is_not_understood() -> None:
    x = te.placeholder((16,), "int8", "x")

    def loading(macro: str) -> tirx.PrimFunc:
        return te.create_prim_func(
            [x, te.compute((4,), lambda i: tirx.call_pure_extern("uint32", macro, x[i * 4]).astype("int8"), "y")]
        )

    assert found(loading("TVM_TINY_LOAD_S8X4")) == [(-3, 16, True)]  # four bytes at a time, the last of them included
    assert found(loading("TVM_TINY_LOAD_SOMETHING")) == []


# ---- run -------------------------------------------------------------------------------------------------------------------------


def _image(b: TFLiteBuilder, height: int, width: int, channels: int) -> object:
    return b.input("x", (1, height, width, channels), "int8", scale=0.05, zero_point=-3)


def _weights(b: TFLiteBuilder, *shape: int, axis: int = 0) -> object:
    return b.weights("w", np.random.default_rng(3).uniform(-1.0, 1.0, shape).astype(np.float32), axis=axis)


def _conv(shape: tuple[int, int, int], filters: tuple[int, int, int], stride: int, padding: str = "SAME") -> bytes:
    b = TFLiteBuilder()
    weights = _weights(b, *filters, shape[2])
    return b.build(
        [b.conv2d(_image(b, *shape), weights, None, "y", scale=0.2, zero_point=5, stride=(stride, stride), padding=padding)]
    )


def _depthwise(shape: tuple[int, int, int], stride: int) -> bytes:
    b = TFLiteBuilder()
    weights = _weights(b, 1, 3, 3, shape[2], axis=3)
    return b.build([b.depthwise_conv2d(_image(b, *shape), weights, None, "y", scale=0.1, zero_point=5, stride=(stride, stride))])


def _dense(depth: int, channels: int) -> bytes:
    b = TFLiteBuilder()
    x = b.input("x", (1, depth), "int8", scale=0.05, zero_point=-3)
    return b.build([b.fully_connected(x, b.weights("w", _real(channels, depth), axis=None), None, "y", scale=0.3, zero_point=5)])


def _real(*shape: int) -> np.ndarray:
    return np.random.default_rng(5).uniform(-1.0, 1.0, shape).astype(np.float32)


MODELS: dict[str, Callable[[], bytes]] = {
    **LAYERS,
    "window": lambda: _conv((12, 8, 8), (12, 3, 3), 1),
    "window_stride": lambda: _conv((13, 9, 4), (8, 3, 3), 2),
    "window_valid": lambda: _conv((9, 12, 3), (6, 4, 3), 1, "VALID"),
    "expanding": lambda: _conv((7, 9, 8), (20, 1, 1), 1),
    "contracting": lambda: _conv((7, 9, 20), (8, 1, 1), 1),
    "pointwise_stride": lambda: _conv((8, 8, 16), (32, 1, 1), 2),
    "planes": lambda: _depthwise((12, 7, 9), 1),
    "planes_stride": lambda: _depthwise((9, 12, 16), 2),
    "strips": lambda: _depthwise((48, 40, 2), 1),
    "dense": lambda: _dense(64, 40),
    "dense_wide": lambda: _dense(12, 100),
}


ONE_CALL = {"dense", "dense_wide", "fully_connected"}
"""Layers that MVE computes in one call, of whose order nothing is known."""


@pytest.mark.parametrize("target", TARGETS)
def test_the_c_stays_exact_at_the_least_distances(target: str, tmp_path: Path) -> None:
    programs = {name: program_of(model(), target) for name, model in MODELS.items()}
    library = Library(programs, tmp_path)
    rng = np.random.default_rng(1)
    checked, tight = set(), set()
    for name, program in programs.items():
        for layer in (each for original in program.layers for each in pairs(original)):
            values = random_values(program, layer, rng)
            expected = library.run(name, program, layer, values, None)
            overlap = layer.overlaps[0]
            distances = [-overlap.before, overlap.after, -overlap.before - 1, overlap.after + 3, *([0] if overlap.same else [])]
            for distance in distances:
                assert library.run(name, program, layer, values, distance) == expected, (name, layer.name, distance)
            checked.add(name)
            if (
                not (overlap.same and overlap.before == 1)
                and library.run(name, program, layer, values, 1 - overlap.before) != expected
            ):
                tight.add(name)
    assert checked == set(MODELS) - (ONE_CALL if target == "cortex-m55" else set())
    assert tight >= {"concatenation", "pad", "window"}  # one byte less is one too few


@pytest.mark.parametrize("target", TARGETS)
def test_lowering_keeps_the_order_of_accesses(target: str) -> None:
    compared = 0
    for model in ("window", "expanding", "add", "average_pool2d", "pad", "concatenation", "softmax", "mean"):
        for layer in program_of(MODELS[model](), target).layers:
            lowered = overlaps_of(layer.func, layer.inputs, layer.outputs)
            if lowered:  # no pointers, of which a lowered function declares nothing
                assert lowered == layer.overlaps, (model, layer.name)
                compared += 1
    assert compared >= 4
    x = te.placeholder((10, 6), "int8", "x")
    func = computed([x], (8, 6), lambda i, j: x[i, j] + x[i + 2, 5 - j])
    assert overlaps_of(lower_function(func, get_core(target)), ("x",), ("y",)) == overlaps_of(func, ("x",), ("y",))
