"""A small convolution, and an implementation of it whose candidates fail in every way there is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tvm_tiny.op.conv2d import CONV2D, Conv2dAttrs
from tvm_tiny.op.operator import Node, Value
from tvm_tiny.schedule import select
from tvm_tiny.schedule.implementation import Choices, Implementation, Knob, Scheduled
from tvm_tiny.schedule.scalar import ANY
from tvm_tiny.target import Core, get_core

M4 = get_core("cortex-m4")
FAULTS = ("none", "raises", "does not compile", "crashes", "hangs", "is wrong")
RAISES, UNCOMPILABLE, CRASHES, HANGS, WRONG = range(1, 6)
TURNS = (8, 0, 4)


def convolution(*, seed: int = 0, channels: int = 4, zero_point: int = 3, stride: int = 1) -> Node:
    """1 x 6 x 6 x 3 in, 3 x 3 kernels; weights and scales by ``seed``."""
    generator = np.random.default_rng(seed)
    attrs = Conv2dAttrs((stride, stride), (1, 1, 1, 1), (1, 1), -5, zero_point, -128, 127, "double")
    weight = generator.integers(-127, 128, (channels, 3, 3, 3)).astype(np.int8)
    bias = generator.integers(-500, 500, channels).astype(np.int32)
    inputs = (Value((1, 6, 6, 3), "int8"), weight, bias, generator.uniform(0.001, 0.003, channels))
    return Node(CONV2D, attrs, inputs, CONV2D.infer(inputs, attrs))


def _knobs(_node: Node, _core: Core) -> tuple[Knob, ...]:
    return (Knob("turns", TURNS), Knob("fault", tuple(range(len(FAULTS)))))


def _build(node: Node, core: Core, choices: Choices) -> Scheduled:
    """The plain loops, which first turn ``turns`` times for nothing, or fail."""
    fault = choices["fault"]
    if fault == RAISES:
        raise RuntimeError("these choices do not go together")
    plain = ANY.build(node, core)
    if fault == WRONG:
        return Scheduled(plain.func, {**plain.constants, "bias": plain.constants["bias"] + 20_000})
    if fault:
        return Scheduled(_faulty(node, plain, fault), plain.constants)
    return _wasting(node, choices["turns"])


def _wasting(node: Node, turns: int) -> Scheduled:
    """The definition, and a sum of zeros, of which the compiler of the C knows nothing."""
    from tvm import s_tir, te

    definition = node.op.define(node)
    (x,) = definition.inputs
    zeros = np.zeros(100 * turns + 1, np.int32)
    constants = {**definition.constants, "zeros": (te.placeholder(zeros.shape, "int32", "zeros"), zeros)}
    turn = te.reduce_axis((0, len(zeros)), "turn")
    add = te.compute((1,), lambda i: te.sum(constants["zeros"][0][turn] * x[0, 0, 0, 0].astype("int32"), axis=turn), "add")
    result = te.compute(node.output.shape, lambda *at: (definition.output[at].astype("int32") + add[0]).astype("int8"), "result")
    func = te.create_prim_func([x, *(placeholder for placeholder, _ in constants.values()), result])
    return Scheduled(s_tir.Schedule(func).mod["main"], {role: data for role, (_, data) in constants.items()})


def _faulty(node: Node, plain: Scheduled, fault: int) -> object:
    from tvm import te, tirx

    definition = node.op.define(node)
    (x,) = definition.inputs
    placeholders = [placeholder for placeholder, _ in definition.constants.values()]
    bias = definition.constants["bias"][0]

    def value(n: tirx.Expr, h: tirx.Expr, w: tirx.Expr, c: tirx.Expr) -> tirx.Expr:
        if fault == UNCOMPILABLE:
            return tirx.call_pure_extern("int8", "no_such_function", x[n, h, w, 0])
        # Far beyond the memories of a Cortex-M: a bus fault.
        return x[n, h + 0x03000000, w, 0]

    if fault == HANGS:
        column, *turns = (te.reduce_axis((0, extent), name) for extent, name in ((6, "i"), (1500, "j"), (1500, "k"), (1500, "l")))
        j, k, l_ = turns
        total = te.compute(
            (4,), lambda c: te.sum((x[0, c, column, 0].astype("int32") * j) ^ (k * l_), axis=[column, *turns]), "total"
        )
        output = te.compute(node.output.shape, lambda n, h, w, c: (total[c] + bias[c]).astype("int8"), "output")
    else:
        output = te.compute(node.output.shape, value, "output")
    return te.create_prim_func([x, *placeholders, output])


FAULTY = Implementation("faulty", lambda node, _core: node.op.name == "conv2d", _build, _knobs)


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Implementation:
    """Makes :data:`FAULTY` the default of convolutions on cores with the DSP extension, and the plain loops the other choice."""
    monkeypatch.setitem(select._BY_ISA, "dsp", (FAULTY, ANY))
    return FAULTY


Said = Callable[[str], None]
