"""The onnx package's own conformance cases, compiled and run on this machine: the right result, or a refusal with a reason.

By default one case of each operator, and all that were once wrong; with TVM_TINY_CONFORMANCE=all every case.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import tvm_tiny
from tvm_tiny.errors import TinyError

SHARDS = 6
ONCE_WRONG = (
    "attention_causal_boolmask_nan_robustness_expanded bitshift_left_int32_negative_shift bitshift_left_int32_shift_ge_width "
    "bitshift_right_int32_negative_shift bitshift_right_int32_shift_ge_width cast_FLOAT_to_FLOAT8E4M3FN ceil constant "
    "eyelike_without_dtype isinf_negative isinf_positive layer_normalization_3d_axis1_epsilon layer_normalization_default_axis "
    "maxunpool_export_without_output_shape mod_float_edge_cases_fmod_0_float32 mod_mixed_sign_float32 pow_bcast_scalar "
    "pow_types_float32_int64 pow_types_int32_int32 reduce_max_bool_inputs resize_downsample_scales_cubic "
    "resize_downsample_scales_linear_align_corners resize_downsample_sizes_linear_antialias rms_normalization_2d_axis0 "
    "roialign_mode_max scatter_elements_with_axis scatternd shape_start_1 shape_start_greater_than_end size "
    "spacetodepth_crd_mode_example tile"
).split()


@cache
def cases() -> list[Any]:
    """The cases that are looked at, in the order of their names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the NumPy code that computes infinities for them
        from onnx.backend.test.case.node import collect_testcases

        every = sorted(collect_testcases(None), key=lambda case: case.name)
    if os.environ.get("TVM_TINY_CONFORMANCE") == "all":
        return every
    single = [case for case in every if len(case.model.graph.node) == 1]
    chosen = {case.name for case in {case.model.graph.node[0].op_type: case for case in single}.values()}
    return [case for case in every if case.name in chosen or case.name.removeprefix("test_") in ONCE_WRONG]


def with_constants(model: onnx.ModelProto, values: Sequence[Any]) -> onnx.ModelProto:
    """The model with every input but the first as a constant: axes, sizes and scales, as networks have them."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    for value, array in list(zip(model.graph.input, values, strict=True))[1:]:
        changed.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(array), value.name))
    del changed.graph.input[1:]
    return changed


def wrong(model: onnx.ModelProto, inputs: Sequence[Any], expected: Sequence[Any], path: Path) -> str | None:
    """What is wrong with the compiled model's result; "refused" if it was refused, None if all is well."""
    path.write_bytes(model.SerializeToString())
    try:
        compiled = tvm_tiny.compile(path)
        sample = {
            spec.name: np.asarray(array).reshape(spec.shape)
            for spec, array in zip(compiled.inputs, inputs[: len(compiled.inputs)], strict=True)
        }
        (found,) = compiled.run(sample).outputs
    except TinyError as error:
        return "refused" if error.message else "refused without a reason"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    for spec, want in zip(compiled.outputs, expected, strict=True):
        want, got = np.asarray(want), found[spec.name]
        if (got.dtype, got.shape) != (want.dtype, want.shape):
            return f"{spec.name} is {got.dtype}{got.shape}, expected {want.dtype}{want.shape}"
        close = np.allclose(got, want, 1e-3, 1e-5, equal_nan=True) if got.dtype.kind == "f" else np.array_equal(got, want)
        if not close:
            return f"{spec.name} is {got}, expected {want}"
    return None


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_conformance(shard: int, tmp_path: Path):
    found: dict[str, str | None] = {}
    for case in cases()[shard::SHARDS]:
        inputs, expected = case.data_sets[0]
        if any(isinstance(each, (onnx.TensorProto, list)) or each is None for each in (*inputs, *expected)):
            continue  # sequences, optional values, and types that NumPy lacks
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found[case.name] = wrong(case.model, inputs, expected, tmp_path / "case.onnx")
            if len(inputs) > 1:
                constant = with_constants(case.model, inputs)
                found[f"{case.name}, constants"] = wrong(constant, inputs, expected, tmp_path / "case.onnx")
    assert {name: what for name, what in found.items() if what not in (None, "refused")} == {}
    assert sum(what is None for what in found.values()) > len(found) // 4, "next to nothing was compiled"
