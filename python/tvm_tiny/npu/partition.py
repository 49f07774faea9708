"""Which parts of a model go to the NPU, by TVM's BYOC.

Every operator that passes its checks (:mod:`tvm_tiny.npu.support`) is made a composite function by ``FuseOpsByPattern``, with one
of the patterns ``etpu.conv2d`` and so on; ``MergeCompositeFunctions`` then grows the largest convex regions of them, functions
with the attribute ``Codegen`` of "etpu". What the NPU refuses stays in ``main`` and is computed by the core between the regions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tvm_tiny.npu.support import CHECKS, NO_OPERATOR, reason
from tvm_tiny.op.operator import node_of, relax_op, source_of
from tvm_tiny.op.qdq import op_name
from tvm_tiny.target.npu import Npu

if TYPE_CHECKING:
    import tvm

CODEGEN = "etpu"
"""The backend's name in TVM: prefix of its patterns, attribute of its regions, ``relax.ext.etpu``."""

VIEWS = ("relax.reshape", "relax.expand_dims", "relax.squeeze", "relax.flatten")
_CONCATENATED = range(2, 9)


@dataclass(frozen=True)
class Remark:
    """An operator that the NPU does not compute, and why. ``tensor`` is its output's name in the model file."""

    operator: str
    tensor: str
    reason: str


@dataclass(frozen=True)
class Partition:
    """``mod`` with its regions cut out, and what is said of the operators that stay on the core."""

    mod: tvm.IRModule
    remarks: tuple[Remark, ...]


def partition(mod: tvm.IRModule, npu: Npu) -> Partition:
    """Cut out of ``main`` of ``mod`` what ``npu`` can compute.

    ``mod`` comes from :func:`tvm_tiny.transform.pipeline.run_passes`. A view goes where the tensor is computed that it views.
    """
    from tvm import relax

    taken: set[Any] = set()
    remarks = []
    for block in mod["main"].body.blocks:
        for binding in block.bindings:
            if not isinstance(binding.value, relax.Call):
                continue
            node = node_of(binding.value)
            if node is None:
                if op_name(binding.value) == "relax.call_tir":
                    remarks.append(Remark(binding.value.args[0].name_hint, str(binding.var.name), NO_OPERATOR))
                if op_name(binding.value) in VIEWS and binding.value.args[0] in taken:
                    taken.add(binding.var)  # a view of a tensor that the core has made stays with the core
                continue
            why = reason(node, npu)
            if why:
                remarks.append(Remark(node.op.name, source_of(binding.value), why))
            else:
                taken.add(binding.var)
    fused = relax.transform.FuseOpsByPattern(_patterns(taken), bind_constants=True)(mod)
    return Partition(relax.transform.MergeCompositeFunctions()(fused), tuple(remarks))


def register_patterns() -> None:
    """Put the patterns into TVM's registry, where ``get_patterns_with_prefix("etpu")`` finds them; without a variant's checks."""
    from tvm.relax.backend.pattern_registry import get_patterns_with_prefix, register_patterns

    if not get_patterns_with_prefix(CODEGEN):
        register_patterns([(name, pattern, {"root": pattern}) for name, pattern in _roots()])


def _roots() -> list[tuple[str, Any]]:
    """Name and pattern of each operator and view, one call each."""
    from tvm.relax.dpl import is_op, wildcard

    from tvm_tiny.op import operator

    roots = []
    for name in CHECKS:
        relax_op(name)
        counts = _CONCATENATED if name == "concatenate" else (len(_arguments(name)),)
        for count in counts:
            roots.append((f"{CODEGEN}.{name}", is_op(operator.PREFIX + name)(*(wildcard() for _ in range(count)))))
    for view in VIEWS:
        arguments = (wildcard(), wildcard()) if view == "relax.reshape" else (wildcard(),)
        roots.append((f"{CODEGEN}.{view.removeprefix('relax.')}", is_op(view)(*arguments)))
    return roots


def _arguments(name: str) -> tuple[str, ...]:
    """Activations and constants of an operator, in order."""
    return {
        "conv2d": ("x", "weight", "bias", "scale"),
        "depthwise_conv2d": ("x", "weight", "bias", "scale"),
        "fully_connected": ("x", "weight", "bias", "scale"),
        "add": ("x", "y"),
        "mul": ("x", "y"),
        "average_pool2d": ("x", "rows", "columns"),
        "lookup": ("x", "table"),
        "softmax": ("x", "exponentials"),
    }.get(name, ("x",))


def _patterns(taken: set[Any]) -> list[Any]:
    from tvm.relax.transform import FusionPattern

    def allowed(context: Any) -> bool:
        return all(var in taken for var in context.matched_bindings)

    return [FusionPattern(name, pattern, {"root": pattern}, allowed) for name, pattern in _roots()]


def is_region(function: Any) -> bool:
    """Whether ``function`` is one that the NPU computes."""
    attrs = getattr(function, "attrs", None)
    return attrs is not None and "Codegen" in attrs.keys() and str(attrs["Codegen"]) == CODEGEN
