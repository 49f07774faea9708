"""What implementations leave open, as text that a change must renew: a reminder of what records of tuning rest on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tvm_tiny.op.conv2d import CONV2D, Conv2dAttrs
from tvm_tiny.op.depthwise_conv2d import DEPTHWISE_CONV2D
from tvm_tiny.op.fully_connected import FULLY_CONNECTED, FullyConnectedAttrs
from tvm_tiny.op.operator import Node, Value
from tvm_tiny.target import get_core
from tvm_tiny.tune.workload import SCHEDULE_VERSION, workload_of

FILE = Path(__file__).parent / "spaces.txt"
CORES = ("cortex-m0plus", "cortex-m4", "cortex-m7", "cortex-m55")


def convolution(size: int, channels: int, out: int, kernel: int, stride: int = 1) -> Node:
    pad = kernel // 2
    attrs = Conv2dAttrs((stride, stride), (pad,) * 4, (1, 1), -128, -128, -128, 127, "double")
    weight = np.ones((out, kernel, kernel, channels), np.int8)
    inputs = (Value((1, size, size, channels), "int8"), weight, np.zeros(out, np.int32), np.full(out, 0.004))
    return Node(CONV2D, attrs, inputs, CONV2D.infer(inputs, attrs))


def depthwise(size: int, channels: int, stride: int = 1) -> Node:
    attrs = Conv2dAttrs((stride, stride), (1, 1, 1, 1), (1, 1), -128, -128, -128, 127, "double")
    weight = np.ones((3, 3, channels), np.int8)
    inputs = (Value((1, size, size, channels), "int8"), weight, np.zeros(channels, np.int32), np.full(channels, 0.004))
    return Node(DEPTHWISE_CONV2D, attrs, inputs, DEPTHWISE_CONV2D.infer(inputs, attrs))


def dense(width: int, out: int) -> Node:
    attrs = FullyConnectedAttrs(0, -128, 127, "double")
    inputs = (Value((1, width), "int8"), np.ones((out, width), np.int8), np.zeros(out, np.int32), np.full(1, 0.004))
    return Node(FULLY_CONNECTED, attrs, inputs, FULLY_CONNECTED.infer(inputs, attrs))


NODES = {
    "pointwise 12x12x64 to 64": convolution(12, 64, 64, 1),
    "pointwise 24x24x8 to 16": convolution(24, 8, 16, 1),
    "3x3 16x16x16 to 16": convolution(16, 16, 16, 3),
    "3x3 32x32x3 to 16": convolution(32, 3, 16, 3),
    "depthwise 12x12x64": depthwise(12, 64),
    "depthwise 24x24x16 stride 2": depthwise(24, 16, 2),
    "dense 128 to 128": dense(128, 128),
}


def spaces() -> str:
    lines = [f"version {SCHEDULE_VERSION}"]
    for core in CORES:
        for name, node in NODES.items():
            lines.append(f"{core}, {name}:")
            for space in workload_of(node, get_core(core)).spaces:
                knobs = " ".join(f"{knob.name}={'|'.join(str(value) for value in knob.values)}" for knob in space.knobs)
                lines.append(f"  {space.implementation}: {knobs}".rstrip(": "))
    return "\n".join(lines) + "\n"


def test_design_spaces_change_on_purpose_only(request: pytest.FixtureRequest) -> None:
    """Where an implementation changes so that old measurements do not hold, raise tune.workload.SCHEDULE_VERSION as well."""
    if request.config.getoption("--update-golden"):
        FILE.write_text(spaces(), encoding="utf-8")
    assert spaces() == FILE.read_text(encoding="utf-8"), "implementations or their knobs changed: see this test's docstring"
