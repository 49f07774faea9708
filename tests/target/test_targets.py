"""Targets by name: a core, or a core and an NPU."""

import pytest

from tvm_tiny.errors import TargetError
from tvm_tiny.target import get_core, get_target, list_targets, register_tags


def test_a_core_alone() -> None:
    target = get_target("cortex-m4")
    assert (target.name, target.core.isa, target.npu) == ("cortex-m4", "dsp", None)


def test_an_npu_stands_behind_a_plus() -> None:
    target = get_target("cortex-m33+etpu-16")
    assert target.npu is not None
    assert (target.name, target.core.name, target.npu.macs_per_cycle) == ("cortex-m33+etpu-16", "cortex-m33", 256)
    assert get_core("cortex-m33+etpu-16") is target.core


def test_every_core_may_have_every_npu() -> None:
    assert {"cortex-m0", "cortex-m33+etpu-16", "cortex-m55+etpu-64", "c+etpu-32"} <= set(list_targets())
    assert all(get_target(name).name == name for name in list_targets())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cortex-m33+etpu-17", "unknown NPU 'etpu-17': expected one of etpu-16, etpu-32, etpu-64"),
        ("cortex-m34+etpu-16", "unknown target 'cortex-m34'"),
        ("cortex-m33+", "unknown NPU ''"),
    ],
)
def test_an_unknown_name_is_told_with_the_known_ones(name: str, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        get_target(name)


def test_tvm_knows_every_target_by_its_tag() -> None:
    from tvm.target import Target

    register_tags()
    register_tags()  # where the package is installed, TVM has already done it
    assert Target("tiny/cortex-m33+etpu-16").attrs["mcpu"] == "cortex-m33"
