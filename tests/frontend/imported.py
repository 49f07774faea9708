"""An imported model, looked at and run: what the tests of this room share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tvm
from tvm import relax

from tvm_tiny.frontend import load
from tvm_tiny.model import Model
from tvm_tiny.testing.reference import reference_for
from tvm_tiny.testing.samples import random_inputs


def imported(tmp_path: Path, data: bytes, extension: str = ".tflite") -> Model:
    """The model file ``data``, loaded."""
    path = tmp_path / f"model{extension}"
    path.write_bytes(data)
    return load(path)


def bindings(model: Model) -> list[tuple[relax.Var, relax.Expr]]:
    return [(binding.var, binding.value) for block in model.mod["main"].body.blocks for binding in block.bindings]


def operators(model: Model) -> list[str]:
    """Names of the operators of ``main``, without "relax." and "nn."; the dequantize of a constant is called "weights"."""
    names = []
    for _, value in bindings(model):
        name = value.op.name.removeprefix("relax.").removeprefix("nn.") if isinstance(value, relax.Call) else type(value).__name__
        if name == "dequantize" and not isinstance(value.args[0], relax.Var):
            name = "weights"
        names.append(name)
    return names


def call(model: Model, name: str) -> relax.Call:
    """The only call of Relax operator ``name`` in ``main``."""
    (found,) = [value for _, value in bindings(model) if isinstance(value, relax.Call) and value.op.name == f"relax.{name}"]
    return found


def run(model: Model, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    """What the imported module computes on this machine, in float where it has floats."""
    # Without LLVM's optimisations it takes a tenth of the time.
    target = tvm.target.Target({"kind": "llvm", "opt-level": 0})
    machine = relax.VirtualMachine(tvm.compile(model.mod, target=target), tvm.cpu())
    result = machine["main"](*(tvm.runtime.tensor(inputs[spec.name]) for spec in model.inputs))
    return [result.numpy()] if hasattr(result, "numpy") else [item.numpy() for item in result]


def steps_apart(model: Model, seed: int = 0) -> float:
    """The largest difference between the imported module and the reference interpreter over all outputs, in the outputs' units."""
    (inputs,) = random_inputs(model.inputs, 1, seed)
    reference = reference_for(model).run(inputs)
    worst = 0.0
    for spec, found in zip(model.outputs, run(model, inputs), strict=True):
        expected = reference[spec.name]
        assert (found.shape, str(found.dtype)) == (expected.shape, str(expected.dtype)) == (spec.shape, spec.dtype)
        worst = max(worst, float(np.abs(found.astype(np.float64) - expected.astype(np.float64)).max()))
    return worst
