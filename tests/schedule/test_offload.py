"""Functions that a partition has cut out of a model become layers that something else than the core computes."""

import numpy as np
import pytest
import tvm
from tvm import relax

from tvm_tiny.model import Model, TensorSpec
from tvm_tiny.op.lookup import LOOKUP
from tvm_tiny.op.operator import NoAttrs, call
from tvm_tiny.program import Layer
from tvm_tiny.schedule.program import schedule_program
from tvm_tiny.target import get_core

NEGATED = np.arange(127, -129, -1, dtype=np.int8)


def table(x, source):
    return call(LOOKUP, [x, relax.const(NEGATED)], NoAttrs(), source=source)


def cut_out(outputs):
    """y = table(x) on the core, then a function "region" of so many outputs, all of them tables of y."""
    builder = relax.BlockBuilder()
    y = relax.Var("y", relax.TensorType((1, 4), "int8"))
    with builder.function("region", [y], attrs={"Codegen": "other"}):
        fields = [builder.emit(table(y, f"out_{index}")) for index in range(outputs)]
        builder.emit_func_output(fields[0] if outputs == 1 else relax.Tuple(fields))
    x = relax.Var("x", relax.TensorType((1, 4), "int8"))
    region = builder.get().get_global_var("region")
    with builder.function("main", [x]):
        with builder.dataflow():
            first = builder.emit(table(x, "first"))
            result = builder.emit(relax.Call(region, [first]))
            fields = [result] if outputs == 1 else [builder.emit(relax.TupleGetItem(result, index)) for index in range(outputs)]
            given = [builder.emit_output(field) for field in fields]
        builder.emit_func_output(given[0] if outputs == 1 else relax.Tuple(given))
    return builder.get()


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_function_becomes_the_layer_that_is_made_of_it(outputs):
    asked = []

    def offload(mod, function, name, inputs, results):
        assert isinstance(mod, tvm.IRModule)
        assert isinstance(function, relax.Function)
        asked.append((name, inputs, results))
        return Layer(name, "other", None, inputs, results, offload="npu")

    spec = TensorSpec("x", (1, 4), "int8", None, None)
    ends = tuple(TensorSpec(f"out_{index}", (1, 4), "int8", None, None) for index in range(outputs))
    model = Model("net", cut_out(outputs), (spec,), ends, "tflite", b"", {})
    program = schedule_program(model.mod, model, get_core("cortex-m33"), offload=offload)

    lookup, cut = program.layers
    assert (lookup.op, cut.op, cut.offload) == ("lookup", "other", "npu")
    assert asked == [("other_1", lookup.outputs, program.output_tensors)]
    assert [program.tensors[name].source for name in program.output_tensors] == [f"out_{index}" for index in range(outputs)]
