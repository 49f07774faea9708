"""Model Library Format, version 7: the archive that microTVM (TVM 0.18, ``python/tvm/micro/model_library_format.py``) exported.

    metadata.json                   what is in the archive, and how much memory it needs
    codegen/host/src/*.c            the models
    codegen/host/include/*.h        their interfaces, microTVM's and ours
    runtime/include/                the headers that all models share
    parameters/<model>.params       TVM's parameter dictionary: empty, for constants are linked in (kws_weights.c)
    src/<model>.relax               the model's operators, as text
    templates/main.c.template       a program to begin with

Two things differ from microTVM's, for the better: sizes are true (``io_size_bytes`` is the bytes of inputs and outputs, which
microTVM got wrong), and nothing in the archive depends on the day: ``export_datetime`` is the beginning of Unix time.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

from tvm_tiny.codegen.ctypes import c_type
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.model import TensorSpec
from tvm_tiny.package.facts import facts_file
from tvm_tiny.package.memory import memory_text
from tvm_tiny.package.part import Files, Hardware, Part
from tvm_tiny.package.template import render

VERSION = 7
_CPU = 1  # DLPack's kDLCPU
_UNDATED = "1970-01-01 00:00:00Z"
_HEADERS, _SOURCES, _RUNTIME = "codegen/host/include", "codegen/host/src", "runtime/include"
# The magic number and the reserved word of TVM's parameter dictionary, then two empty lists: names and arrays.
_NO_PARAMETERS = struct.pack("<QQQQ", 0xF7E58D4F05049CB7, 0, 0, 0)


def build(parts: Sequence[Part], hardware: Hardware | None) -> Files:
    """The files of the archive; ``hardware`` has no say in it."""
    del hardware
    metadata = {"version": VERSION, "modules": {part.name: _module(part) for part in parts}}
    files: dict[str, str | bytes] = {"metadata.json": json.dumps(metadata, indent=2, sort_keys=True) + "\n"}
    for part in parts:
        for path, text in (part.module.files | facts_file(part)).items():
            files[_place(path)] = text
        files[f"parameters/{part.name}.params"] = _NO_PARAMETERS
        files[f"src/{part.name}.relax"] = part.graph
    files["templates/main.c.template"] = _program(parts[0].module)
    return files


def _program(module: CModule) -> str:
    """A main to begin with. Inputs and outputs that have no place in the model's memory get arrays of their own."""
    name, upper, memory = module.name, module.name.upper(), memory_text(module)
    arrays, lines, arguments = [memory.definitions], list(memory.lines), [memory.argument]
    tensors = (("input", module.inputs, module.input_members), ("output", module.outputs, module.output_members))
    for kind, specs, members in tensors:
        outside = {member: spec for spec, member in zip(specs, members, strict=True) if not module.in_arena(member)}
        arrays += [
            f"static {c_type(spec.dtype)} {kind}_{member}[{upper}_{member.upper()}_ELEMENTS];" for member, spec in outside.items()
        ]
        values = ", ".join(f"{kind}_{member}" if member in outside else "NULL" for member in members)
        lines += [f"  const struct {name}_{kind}s {kind}s = {{{values}}};"] if outside else []
        arguments.append(f"&{kind}s" if outside else "NULL")
    return render(
        "mlf/main.c",
        name=name,
        upper=upper,
        memory="\n".join(arrays),
        lines="".join(f"{line}\n" for line in lines),
        arguments=", ".join(arguments),
    )


def _place(path: str) -> str:
    if "/" in path:
        return f"{_RUNTIME}/{path}"
    return f"{_HEADERS if path.endswith('.h') else _SOURCES}/{path}"


def _module(part: Part) -> dict[str, Any]:
    return {
        "model_name": part.name,
        "export_datetime": _UNDATED,
        "memory": {"functions": {"main": [_main(part)], "operator_functions": _operators(part)}},
        "target": [f"c -keys=arm_cpu,cpu -mcpu={part.module.target}" if part.module.target != "c" else "c -keys=cpu"],
        "executors": ["aot"],
        "style": "full-model",
        "external_dependencies": [],
    }


def _main(part: Part) -> dict[str, Any]:
    module = part.module
    return {
        "device": _CPU,
        "workspace_size_bytes": module.arena_size,
        "constants_size_bytes": module.weights_size,
        "io_size_bytes": sum(spec.nbytes for spec in (*module.inputs, *module.outputs)),
        "inputs": {spec.name: _tensor(spec) for spec in module.inputs},
        "outputs": {spec.name: _tensor(spec) for spec in module.outputs},
    }


def _operators(part: Part) -> list[dict[str, Any]]:
    """Every C function once, with the largest scratch memory of the layers that share it."""
    sizes: dict[str, int] = {}
    for layer in part.module.layers:
        sizes[layer.function] = max(layer.scratch, sizes.get(layer.function, 0))
    return [{"function_name": name, "workspace": [{"device": _CPU, "workspace_size_bytes": size}]} for name, size in sizes.items()]


def _tensor(spec: TensorSpec) -> dict[str, Any]:
    return {"size": spec.nbytes, "dtype": spec.dtype}
