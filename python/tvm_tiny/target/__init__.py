"""Targets: cores by name, with an NPU beside them or without, and the TVM target tags that stand for them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from tvm_tiny.errors import TargetError
from tvm_tiny.target.core import Core
from tvm_tiny.target.cortex_m import CORES
from tvm_tiny.target.npu import NPUS, Npu

if TYPE_CHECKING:
    import tvm

__all__ = [
    "CORES",
    "NPUS",
    "Core",
    "Npu",
    "Target",
    "get_core",
    "get_npu",
    "get_target",
    "list_targets",
    "register_tags",
    "tvm_target",
]

T = TypeVar("T")

_BY_NAME = {core.name: core for core in CORES}
_NPU_BY_NAME = {npu.name: npu for npu in NPUS}


@dataclass(frozen=True)
class Target:
    """What is compiled for: a core, and an NPU beside it or None."""

    core: Core
    npu: Npu | None = None

    @property
    def name(self) -> str:
        """As ``--target`` takes it: "cortex-m33", "cortex-m33+etpu-16"."""
        return f"{self.core.name}+{self.npu.name}" if self.npu else self.core.name


def list_targets() -> list[str]:
    """Names of all targets, as ``--target`` takes them: the cores, then each with each NPU."""
    return [*_BY_NAME, *(f"{core}+{npu}" for core in _BY_NAME for npu in _NPU_BY_NAME)]


def get_target(name: str) -> Target:
    """The target called ``name``, "cortex-m33" or "cortex-m33+etpu-16"; a leading "tiny/" is allowed.

    Raises
    ------
    TargetError
        Unknown name; the message lists the known ones and the nearest.
    """
    core, plus, npu = name.removeprefix("tiny/").partition("+")
    return Target(get_core(core), get_npu(npu) if plus else None)


def get_core(name: str) -> Core:
    """The core of the target called ``name``; a leading "tiny/" is allowed.

    Raises
    ------
    TargetError
        Unknown name; the message lists the known ones and the nearest.
    """
    core, plus, npu = name.removeprefix("tiny/").partition("+")
    if plus:
        get_npu(npu)
    return _known(core, _BY_NAME, "target", f"; each may have an NPU behind a plus: {', '.join(_NPU_BY_NAME)}")


def get_npu(name: str) -> Npu:
    """The NPU called ``name``.

    Raises
    ------
    TargetError
        Unknown name; the message lists the known ones and the nearest.
    """
    return _known(name, _NPU_BY_NAME, "NPU", "")


def _known(name: str, known: dict[str, T], what: str, more: str) -> T:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else ""
    raise TargetError(f"unknown {what} {name!r}: expected one of {', '.join(known)}{more}", hint)


def _description(core: Core) -> dict[str, Any]:
    description: dict[str, Any] = {"kind": "c", "keys": ["arm_cpu", "cpu"] if core.mcpu else ["cpu"]}
    if core.mcpu:
        description["mcpu"] = core.mcpu
    return description


def register_tags() -> None:
    """Tell TVM every core as a target tag: ``tvm.target.Target("tiny/cortex-m4")``; again, if it knows them already."""
    from tvm.target import register_tag

    for name in list_targets():
        register_tag(f"tiny/{name}", _description(get_core(name)), override=True)


def tvm_target(core: Core) -> tvm.target.Target:
    """The TVM target of ``core``."""
    from tvm.target import Target

    return Target(_description(core))
