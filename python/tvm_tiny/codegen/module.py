"""A scheduled, planned program → C: the files of docs/c-interface.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from tvm_tiny.codegen.addresses import addresses_of
from tvm_tiny.codegen.buffers import buffers_of
from tvm_tiny.codegen.chain import driver, stage_layers
from tvm_tiny.codegen.check import check_program
from tvm_tiny.codegen.entry import print_entry
from tvm_tiny.codegen.fold import fold
from tvm_tiny.codegen.function import Function
from tvm_tiny.codegen.header import content_hash, print_header
from tvm_tiny.codegen.microtvm import print_microtvm_header, print_microtvm_source
from tvm_tiny.codegen.names import c_prefix
from tvm_tiny.codegen.npu import HEADER, driver_files, print_job, uses_npu
from tvm_tiny.codegen.ports import Ports, ports_of
from tvm_tiny.codegen.runtime import header_files, headers_for
from tvm_tiny.codegen.share import Call, share
from tvm_tiny.codegen.sources import CModule, LayerInfo, PoolInfo
from tvm_tiny.codegen.text import comment
from tvm_tiny.codegen.weights import print_weights, print_weights_header
from tvm_tiny.memory.plan import MemoryPlan
from tvm_tiny.program import Layer, Program
from tvm_tiny.target import Core

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_STRING_FUNCTIONS = re.compile(r"\bmem(cpy|set|move|cmp)\(")


def generate(
    program: Program,
    plan: MemoryPlan,
    core: Core,
    *,
    target: str = "",
    compact: bool = False,
    printer: Callable[[Layer, str], Function] | None = None,
) -> CModule:
    """The C of ``program``, placed as ``plan`` says; the same arguments give the same bytes.

    ``target`` is the target's name, where it is more than the core's. ``compact`` is for little code: layers that differ in their
    numbers share a function too, not only those that differ in their arrays.
    ``printer`` makes a layer's function of a layer and the model's prefix; the default is ``codegen.printer.print_layer``.

    Raises
    ------
    UnsupportedOperatorError
        A layer uses a type or an intrinsic that C99 does not have.
    ValueError
        The program or its plan is not sound: a mistake of the compiler.
    """
    check_program(program, plan)
    if printer is None:
        from tvm_tiny.codegen.printer import print_layer  # imports TVM

        printer = print_layer
    prefix = c_prefix(program.name)
    ports = ports_of(program, plan)
    constants = program.constants
    layers = [_as_placed(layer, plan) for layer in program.layers]
    functions, shared, keep = _functions(program, layers, prefix, printer, compact=compact)
    globals_ = {f"{prefix}_{constant.name}" for constant in constants} | {call.function for call in shared}
    addresses = addresses_of(program, plan, ports, globals_)
    inline = compact or core.isa != "scalar"  # elsewhere kernels do the work
    functions, calls = fold(functions, shared, [addresses.of_layer(layer) for layer in layers], keep, inline=inline)
    weights_size = sum(constant.nbytes for constant in constants)
    needs_libm = any(function.needs_libm for function in functions)

    entry = print_entry(program, plan, addresses, prefix, calls)
    texts = [function.text for function in functions]
    source, headers = _print_source(prefix, texts, entry, needs_libm=needs_libm, npu=uses_npu(program))
    files = {
        f"{prefix}.c": source,
        f"{prefix}_weights.h": print_weights_header(prefix, constants),
        f"{prefix}_weights.c": print_weights(prefix, constants, plan.constant_pools, identity=True),
        **_microtvm(program, plan, ports, prefix),
        **header_files(headers),
        **(driver_files() if uses_npu(program) else {}),
    }
    header = print_header(
        prefix, target or core.name, ports, plan, weights_size, content_hash(files), program.stream, npu=uses_npu(program)
    )
    files = {f"{prefix}.h": header, **files}
    return CModule(
        name=prefix,
        target=target or core.name,
        files=files,
        sources=tuple(name for name in files if name.endswith(".c")),
        inputs=program.inputs,
        outputs=program.outputs,
        input_members=tuple(port.member for port in ports.inputs),
        output_members=tuple(port.member for port in ports.outputs),
        arena_size=plan.arena_size,
        arena_alignment=plan.alignment,
        weights_size=weights_size,
        layers=tuple(_layer_info(program, layer, call) for layer, call in zip(program.layers, calls, strict=True)),
        needs_libm=needs_libm,
        streaming=program.stream is not None,
        buffers=buffers_of(program, plan, ports),
        pools=tuple(PoolInfo(pool.name, pool.size, pool.capacity, pool.cost) for pool in plan.pools),
    )


def _microtvm(program: Program, plan: MemoryPlan, ports: Ports, prefix: str) -> dict[str, str]:
    """The files of microTVM's interface, which has no word for a model that takes frames."""
    if program.stream is not None:
        return {}
    return {
        f"tvmgen_{prefix}.h": print_microtvm_header(prefix, ports, plan),
        f"tvmgen_{prefix}.c": print_microtvm_source(prefix, ports, plan),
    }


def _functions(
    program: Program, layers: Sequence[Layer], prefix: str, printer: Callable[[Layer, str], Function], *, compact: bool
) -> tuple[list[Function], list[Call], set[str]]:
    """The functions to print, callees first; for each layer the call of one of them; and which functions stay as they are: other
    layers' call them, or they return something.
    """
    on_core = [layer for layer in layers if not layer.npu]
    single = [each for layer in on_core for each in (stage_layers(layer) if layer.chain else [layer])]
    functions, calls = share(single, [printer(layer, prefix) for layer in single], prefix, numbers=compact)
    called = {layer.name: call for layer, call in zip(single, calls, strict=True)}
    keep = {called[each.name].function for layer in on_core if layer.chain for each in stage_layers(layer)}
    drivers = [driver(layer, prefix, called) for layer in on_core if layer.chain]
    jobs = [print_job(layer, prefix, program) for layer in layers if layer.npu]
    called |= {layer.name: Call(f"{prefix}_{layer.name}") for layer in layers if layer.chain or layer.npu}
    keep |= {job.name for job in jobs}
    return [*functions, *drivers, *jobs], [called[layer.name] for layer in layers], keep


def _as_placed(layer: Layer, plan: MemoryPlan) -> Layer:
    """``layer`` with those of its overlaps that the plan uses: the others may be told to the C compiler as apart."""
    return replace(layer, overlaps=tuple(each for each in layer.overlaps if plan.share(each.input, each.output)))


def _print_source(prefix: str, functions: list[str], entry: str, *, needs_libm: bool, npu: bool) -> tuple[str, tuple[str, ...]]:
    """``<prefix>.c``, and the runtime's headers that it includes."""
    body = "\n".join([*functions, entry])
    code = _COMMENT.sub("", body)  # comments quote names of the model file, which may be anything
    headers = headers_for(code)
    system = ["stddef.h", "stdint.h"]
    system += ["string.h"] if _STRING_FUNCTIONS.search(code) else []
    system += ["math.h"] if needs_libm else []
    system += ["stdbool.h"] if npu else []
    blocks = [
        f'{comment(f"The model {prefix}: its layers, and {prefix}_run, which calls them in their order.")}\n#include "{prefix}.h"',
        "\n".join(f"#include <{name}>" for name in sorted(system)),
        "\n".join(f'#include "{name}"' for name in (f"{prefix}_weights.h", *([HEADER] if npu else []), *headers)),
        body,
    ]
    return "\n\n".join(blocks), headers


def _layer_info(program: Program, layer: Layer, call: Call) -> LayerInfo:
    output = program.tensors[layer.outputs[0]]
    return LayerInfo(
        name=layer.name,
        function=call.function,
        op=layer.op,
        macs=layer.macs,
        live_macs=layer.live_macs,
        schedule=layer.schedule,
        offload=layer.offload,
        integer=layer.integer,
        output=output.name,
        output_shape=output.shape,
        output_dtype=output.dtype,
        output_source=output.source,
        output_layout=output.layout,
        output_offset=output.offset,
        layer_inputs=layer.inputs,
        output_channels=output.channels,
        kernel_size=sum(each.nbytes for each in layer.constants if each.is_kernel),
        stream_size=sum(each.nbytes for each in layer.constants if each.is_stream),
        parameters_size=sum(each.nbytes for each in layer.constants if not each.is_kernel and not each.is_stream),
        stages=tuple(stage.layer.name for stage in layer.chain.stages if stage.layer) if layer.chain else (),
        scratch=sum(scratch.nbytes for scratch in layer.scratch),
        npu=layer.npu.report if layer.npu else None,
    )
