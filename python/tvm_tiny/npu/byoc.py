"""TVM's own way to an external code generator: ``relax.ext.etpu``, which ``relax.transform.RunCodegen`` calls for our regions.

    partitioned = partition(mod, get_npu("etpu-64")).mod
    relax.transform.RunCodegen({"etpu": {"npu": "etpu-64"}})(partitioned)

tvm_tiny itself takes regions from ``schedule_program`` (:mod:`tvm_tiny.npu.compiler`), because a layer of C needs more than a
runtime module. Here every region becomes a module of source whose text is the disassembled command stream: for looking at, and for
tools that know no more than TVM's interface.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tvm import relax

NAME = "relax.ext.etpu"
DEFAULT = "etpu-16"


def register() -> None:
    """Make :data:`NAME` known to TVM. Nothing heavy is imported before it is called."""
    from tvm_ffi import register_global_func

    register_global_func(NAME, generate, override=True)


def generate(functions: Sequence[relax.Function], options: Mapping[str, Any] | None, _constants: Mapping[Any, str]) -> list[Any]:
    """A runtime module for each of ``functions``; the option "npu" names the variant, :data:`DEFAULT` where it is not given.

    Raises
    ------
    TargetError
        There is no such NPU.
    CapacityError
        Its SRAM is too small for a region.
    """
    import tvm

    from tvm_tiny.npu.disassembly import disassemble
    from tvm_tiny.npu.region import graph_of
    from tvm_tiny.npu.search import compile_for
    from tvm_tiny.target import get_npu

    npu = get_npu(str(options["npu"]) if options and "npu" in options else DEFAULT)
    create = tvm.get_global_func("runtime.SourceModuleCreate")
    compiled = [compile_for(graph_of(tvm.IRModule(), function), npu) for function in functions]
    return [create(disassemble(each.run, each.run.layers), npu.name) for each in compiled]
