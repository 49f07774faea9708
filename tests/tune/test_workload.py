from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tvm_tiny.schedule import select
from tvm_tiny.schedule.implementation import Implementation
from tvm_tiny.target import get_core
from tvm_tiny.tune import workload as room
from tvm_tiny.tune.workload import workload_of

from .conftest import FAULTY, M4, convolution


def key(**changes: object) -> str:
    return workload_of(convolution(), M4, **changes).key  # type: ignore[arg-type]


def test_layers_that_differ_in_numbers_only_are_one_workload() -> None:
    assert workload_of(convolution(seed=1, zero_point=-7), M4).key == workload_of(convolution(), M4).key


@pytest.mark.parametrize("change", [{"channels": 5}, {"stride": 2}])
def test_layers_of_other_shapes_are_others(change: dict[str, int]) -> None:
    assert workload_of(convolution(**change), M4).key != workload_of(convolution(), M4).key


def test_records_of_another_core_compiler_or_level_cannot_be_found() -> None:
    cores = [M4, get_core("cortex-m7"), get_core("cortex-m33"), get_core("cortex-m3"), replace(M4, unroll=1)]
    keys = {workload_of(convolution(), core).key for core in cores}
    keys |= {key(compiler="gcc-13"), key(compiler="clang-14"), key(optimize="size")}
    assert len(keys) == len(cores) + 3


def test_nor_those_of_another_version_of_the_schedules(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key()
    monkeypatch.setattr(room, "SCHEDULE_VERSION", room.SCHEDULE_VERSION + 1)
    assert key() != before


def test_nor_those_of_a_node_with_other_implementations(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key()
    other = Implementation("other", lambda _node, _core: True, FAULTY.build)
    monkeypatch.setitem(select._BY_ISA, "dsp", (*select._BY_ISA["dsp"], other))
    assert key() != before


def test_the_description_says_what_it_is() -> None:
    facts = json.loads(workload_of(convolution(), M4).description)
    assert (facts["operator"], facts["compiler"], facts["core"]["name"], facts["flags"]) == ("conv2d", "gcc-12", "cortex-m4", "-O2")
    assert facts["inputs"][0] == ["activation", "int8", [1, 6, 6, 3]]
    assert facts["output"] == ["activation", "int8", [1, 6, 6, 4]]
    assert facts["attributes"] == {"strides": [1, 1], "padding": [1, 1, 1, 1], "dilation": [1, 1]}


def test_tvm_sees_the_definition_of_a_normal_node_with_the_description() -> None:
    import tvm_ffi

    one, other = (workload_of(convolution(seed=seed, zero_point=seed), M4).module() for seed in (0, 9))
    assert tvm_ffi.structural_equal(one, other)
    assert str(one["main"].attrs[room.ATTRIBUTE]) == workload_of(convolution(), M4).description
    third = workload_of(convolution(), get_core("cortex-m7")).module()
    assert not tvm_ffi.structural_equal(one, third)


def test_the_space_is_every_implementation_with_all_values_of_its_knobs(faulty: Implementation) -> None:
    found = workload_of(convolution(), M4)
    assert [space.implementation for space in found.spaces] == ["faulty", "scalar"]
    knobs = faulty.knobs(found.node, M4)
    assert found.size == int(np.prod([len(knob.values) for knob in knobs])) + 1
    assert found.default.choices == {knob.name: knob.values[0] for knob in knobs}
