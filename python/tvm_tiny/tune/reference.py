"""What a candidate must compute: the operator's definition, run on this machine by TVM's LLVM.

The definition calls functions of the runtime, which are C. They are compiled into a library that this process loads, where LLVM's
linker finds them.
"""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from tvm_tiny.board.compile import complaint
from tvm_tiny.board.toolchain import HOST_CC, find_tool, run_tool
from tvm_tiny.codegen.runtime import header_files, headers_for
from tvm_tiny.op.operator import Node, Value

Sample = dict[str, np.ndarray]


def samples_for(node: Node, seed: int) -> list[Sample]:
    """Two inputs for ``node``: one of any values, one of the extremes and of a few values next to them and to zero.

    Returns
    -------
    list of dict
        "x0", "x1", ... → array of the activation's shape and dtype.
    """
    values = [value for value in node.inputs if isinstance(value, Value)]
    generator = np.random.default_rng(seed)
    return [{f"x{index}": draw(generator, value) for index, value in enumerate(values)} for draw in (_any, _extremes)]


def _any(generator: np.random.Generator, value: Value) -> np.ndarray:
    if value.dtype.startswith("float"):
        return generator.normal(0.0, 4.0, value.shape).astype(value.dtype)
    limits = np.iinfo(value.dtype)
    return generator.integers(limits.min, limits.max, value.shape, dtype=value.dtype, endpoint=True)


def _extremes(generator: np.random.Generator, value: Value) -> np.ndarray:
    if value.dtype.startswith("float"):
        return generator.choice(np.array([-1e6, -1.0, -0.0, 0.0, 1.0, 1e6], value.dtype), value.shape)
    limits = np.iinfo(value.dtype)
    few = np.array([limits.min, limits.min + 1, -1, 0, 1, limits.max - 1, limits.max], value.dtype)
    share = [0.38, 0.04, 0.04, 0.08, 0.04, 0.04, 0.38]
    return generator.choice(few, value.shape, p=share)


def expected(node: Node, samples: Sequence[Sample]) -> list[np.ndarray]:
    """The output for each of ``samples``: the TE definition, unscheduled, compiled by LLVM for this machine.

    Raises
    ------
    ToolchainError
        This machine has no C compiler for the functions of the runtime.
    """
    import tvm
    from tvm import te
    from tvm.target import Target

    definition = node.op.define(node)
    placeholders = [placeholder for placeholder, _ in definition.constants.values()]
    func = te.create_prim_func([*definition.inputs, *placeholders, definition.output])
    _load_runtime(headers_for(func.script()))
    module = tvm.IRModule({"main": func.with_attr("global_symbol", "main")})
    run = tvm.compile(module, target=Target("llvm"))["main"]
    constants = [tvm.runtime.tensor(np.ascontiguousarray(data)) for _, data in definition.constants.values()]
    results = []
    for sample in samples:
        output = tvm.runtime.tensor(np.zeros(node.output.shape, node.output.dtype))
        run(*(tvm.runtime.tensor(sample[name]) for name in sorted(sample)), *constants, output)
        results.append(output.numpy())
    return results


@cache
def _load_runtime(headers: tuple[str, ...]) -> ctypes.CDLL:
    """The functions of ``headers``, which are static and inline in C, as symbols of this process."""
    compiler = find_tool(HOST_CC)
    with tempfile.TemporaryDirectory(prefix="tvm_tiny-reference-") as name:
        folder = Path(name)
        for path, text in header_files(headers).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        source, library = folder / "runtime.c", folder / "runtime.so"
        system = "#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n#include <math.h>\n"
        includes = "".join(f'#include "{path}"\n' for path in headers)
        source.write_text(f"{system}#define static\n#define inline\n{includes}", encoding="utf-8")
        flags = ("-std=c99", "-O1", "-ffp-contract=off", "-fPIC", "-shared", "-w", f"-I{folder}")
        finished = run_tool([compiler, *flags, source, "-o", library, "-lm"])
        if finished.returncode != 0:
            raise complaint(compiler, "the runtime's headers", finished.stderr)
        return ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
