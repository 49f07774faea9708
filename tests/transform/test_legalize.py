"""Positions of extrema, where TVM's own loops start from a value that the data may hold."""

import numpy as np
import pytest
from tvm import relax

import tvm_tiny
from tvm_tiny.model import Model, TensorSpec

SHAPE = (3, 4, 5)
LOWEST = {"float32": -np.inf, "int8": -128, "uint8": 0, "int32": -(2**31)}
HIGHEST = {"float32": np.inf, "int8": 127, "uint8": 255, "int32": 2**31 - 1}


def model_of(operator: str, dtype: str, axis: int | None, keepdims: bool) -> Model:
    builder, x = relax.BlockBuilder(), relax.Var("x", relax.TensorType(SHAPE, dtype))
    with builder.function("main", [x]):
        with builder.dataflow():
            result = builder.emit_output(getattr(relax.op, operator)(x, axis, keepdims))
        builder.emit_func_output(result)
    shape = tuple(int(extent) for extent in result.ty.shape)
    return Model("position", builder.get(), (TensorSpec("x", SHAPE, dtype),), (TensorSpec("y", shape, "int64"),), "onnx", b"", {})


@pytest.mark.parametrize("dtype", LOWEST)
@pytest.mark.parametrize(("axis", "keepdims"), [(0, True), (1, False), (-1, False), (None, False)])
def test_first_extremum_whatever_the_values(dtype: str, axis: int | None, keepdims: bool):
    rng = np.random.default_rng(0)
    ends = [np.full(SHAPE, value).astype(dtype) for value in (LOWEST[dtype], HIGHEST[dtype])]
    samples = [*ends, np.where(rng.random(SHAPE) < 0.5, *ends).astype(dtype), rng.integers(0, 100, SHAPE).astype(dtype)]
    for operator, expected in (("argmax", np.argmax), ("argmin", np.argmin)):
        run = tvm_tiny.compile(model_of(operator, dtype, axis, keepdims)).run([{"x": x} for x in samples])
        for x, outputs in zip(samples, run.outputs, strict=True):
            wanted = expected(x, axis=axis, keepdims=keepdims) if axis is not None else expected(x)
            np.testing.assert_array_equal(outputs["y"], wanted)
