"""Targets: cores by name, and the TVM target tags that stand for them."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from tvm_tiny.errors import TargetError
from tvm_tiny.target.core import Core
from tvm_tiny.target.cortex_m import CORES

if TYPE_CHECKING:
    import tvm

__all__ = ["CORES", "Core", "get_core", "list_targets", "register_tags", "tvm_target"]

_BY_NAME = {core.name: core for core in CORES}


def list_targets() -> list[str]:
    """Names of all targets, as ``--target`` takes them."""
    return list(_BY_NAME)


def get_core(name: str) -> Core:
    """The core called ``name``; a leading "tiny/" is allowed.

    Raises
    ------
    TargetError
        Unknown name; the message lists the known ones and the nearest.
    """
    key = name.removeprefix("tiny/")
    if key in _BY_NAME:
        return _BY_NAME[key]
    near = difflib.get_close_matches(key, _BY_NAME, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else ""
    raise TargetError(f"unknown target {name!r}: expected one of {', '.join(_BY_NAME)}", hint)


def _description(core: Core) -> dict[str, Any]:
    description: dict[str, Any] = {"kind": "c", "keys": ["arm_cpu", "cpu"] if core.mcpu else ["cpu"]}
    if core.mcpu:
        description["mcpu"] = core.mcpu
    return description


def register_tags() -> None:
    """Tell TVM every core as a target tag: ``tvm.target.Target("tiny/cortex-m4")``."""
    from tvm.target import register_tag

    for core in CORES:
        register_tag(core.tag, _description(core))


def tvm_target(core: Core) -> tvm.target.Target:
    """The TVM target of ``core``."""
    from tvm.target import Target

    return Target(_description(core))
