"""What a candidate must compute: the operator's definition, run on this machine by TVM's LLVM.

The definition calls functions of the runtime, which are C. They are compiled into a library that this process loads, where LLVM's
linker finds them.
"""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.board.compile import complaint
from tvm_tiny.board.toolchain import HOST_CC, find_tool, run_tool
from tvm_tiny.codegen.runtime import header_files, headers_for
from tvm_tiny.op.operator import Definition, Node, Value

if TYPE_CHECKING:
    from tvm import te

Sample = dict[str, np.ndarray]

_BINDING = 0.5
"""The part of an output that a sample should be able to tell right from wrong."""


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


@dataclass(frozen=True)
class Expected:
    """What a sample must give.

    Attributes
    ----------
    output : array
        Of the node's output's shape and dtype.
    binding : bool array or None
        Which elements a candidate must have right; None for all. An implementation may rely on the limits of the accumulator,
        which the model keeps and inputs of any values do not.
    """

    output: np.ndarray
    binding: np.ndarray | None = None

    def differences(self, found: np.ndarray) -> int:
        """How many binding elements differ."""
        different = found.view(np.uint8) != self.output.view(np.uint8)
        different = different.reshape(*self.output.shape, -1).any(axis=-1)
        return int(np.count_nonzero(different if self.binding is None else different & self.binding))

    @property
    def share(self) -> float:
        """The part of the elements that are binding."""
        return 1.0 if self.binding is None else float(self.binding.mean())


def samples_with_expected(node: Node, seed: int) -> tuple[list[Sample], list[Expected]]:
    """:func:`samples_for` with what they must give; where that binds less than half of an output, inputs of a smaller range.

    Raises
    ------
    ToolchainError
        This machine has no C compiler for the functions of the runtime.
    """
    run = _reference(node)
    samples, results = [], []
    for sample in samples_for(node, seed):
        narrowed = [_narrowed(node, sample, reach) for reach in (256, 128, 64, 32, 8, 2)]
        tried = ((each, run(each)) for each in narrowed)
        best = next(((each, found) for each, found in tried if found.share >= _BINDING), None)
        each, found = best or (narrowed[-1], run(narrowed[-1]))
        samples.append(each)
        results.append(found)
    return samples, results


def _narrowed(node: Node, sample: Sample, reach: int) -> Sample:
    """``sample`` with values of integers within ``reach`` above what padding is filled with, which is the input's zero point."""
    zero = int(getattr(node.attrs, "pad_value", -128))
    if reach == 256:
        return sample
    return {
        name: (zero + (array.astype(np.int64) - zero) % reach).clip(*_limits(array)).astype(array.dtype)
        if array.dtype.kind == "i"
        else array
        for name, array in sample.items()
    }


def _limits(array: np.ndarray) -> tuple[int, int]:
    limits = np.iinfo(array.dtype)
    return int(limits.min), int(limits.max)


def _reference(node: Node) -> Callable[[Sample], Expected]:
    """The TE definition, unscheduled, compiled by LLVM for this machine."""
    definition = node.op.define(node)
    whole = _compiled(definition, definition.output)
    bias = definition.constants.get("bias")
    stage = _stage(definition.output, "acc")
    limited = node.accumulator is not None and bias is not None and stage is not None
    total = _compiled(definition, stage) if limited else None

    def run(sample: Sample) -> Expected:
        output = whole(sample)
        if total is None or node.accumulator is None or bias is None:
            return Expected(output)
        reached = total(sample).astype(np.int64) + bias[1].astype(np.int64)
        low, high = node.accumulator
        return Expected(output, ((reached >= low) & (reached <= high)).reshape(output.shape))

    return run


def _stage(output: te.Tensor, name: str) -> te.Tensor | None:
    """The stage called ``name`` that ``output`` is computed from."""
    pending = [output]
    while pending:
        tensor = pending.pop()
        if tensor.op.name == name:
            return tensor
        pending += list(tensor.op.input_tensors)
    return None


def _compiled(definition: Definition, output: te.Tensor) -> Callable[[Sample], np.ndarray]:
    """A function from a sample to the values of ``output``."""
    import tvm
    from tvm import te
    from tvm.target import Target

    placeholders = [placeholder for placeholder, _ in definition.constants.values()]
    func = te.create_prim_func([*definition.inputs, *placeholders, output])
    _load_runtime(headers_for(func.script()))
    module = tvm.IRModule({"main": func.with_attr("global_symbol", "main")})
    run = tvm.compile(module, target=Target("llvm"))["main"]
    constants = [tvm.runtime.tensor(np.ascontiguousarray(data)) for _, data in definition.constants.values()]
    shape, dtype = tuple(int(extent) for extent in output.shape), str(output.dtype)

    def compute(sample: Sample) -> np.ndarray:
        result = tvm.runtime.tensor(np.zeros(shape, dtype))
        run(*(tvm.runtime.tensor(np.ascontiguousarray(sample[name])) for name in sorted(sample)), *constants, result)
        return result.numpy()

    return compute


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
