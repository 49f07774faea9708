"""Names of the imported function's variables, and what is left out of it."""

from __future__ import annotations

from tvm import IRModule, relax

from tvm_tiny.frontend.naming import named_module


def module(*params: relax.Var, body: object) -> IRModule:
    builder = relax.BlockBuilder()
    with builder.function("main", list(params)):
        with builder.dataflow():
            output = builder.emit_output(body(builder))
        builder.emit_func_output(output)
    return builder.get()


def tensor(name: str, *shape: int) -> relax.Var:
    return relax.Var(name, relax.TensorType(shape or (1, 4), "float32"))


def names(mod: IRModule) -> list[str]:
    return [binding.var.name for block in mod["main"].body.blocks for binding in block.bindings]


def test_variables_are_called_like_their_tensors_or_their_operators() -> None:
    x, kept = tensor("lv"), {}

    def body(builder: relax.BlockBuilder) -> relax.Expr:
        kept["relu"] = builder.emit(relax.op.nn.relu(x))
        kept["sum"] = builder.emit(relax.op.add(relax.op.exp(kept["relu"]), x))
        return kept["sum"]

    mod, tensor_names = named_module(module(x, body=body), [("in:0", x), ("a/Relu;b/Conv2D", kept["relu"]), ("in_0", kept["sum"])])
    assert [param.name for param in mod["main"].params] == ["in_0"]
    assert names(mod) == ["a_relu", "exp", "in_0_2"]
    assert tensor_names == {"in_0": "in:0", "a_relu": "a/Relu;b/Conv2D", "in_0_2": "in_0"}
    relax.analysis.well_formed(mod)


def test_dead_code_aliases_and_empty_reshapes_fall_away() -> None:
    x, kept = tensor("x"), {}

    def body(builder: relax.BlockBuilder) -> relax.Expr:
        builder.emit(relax.op.exp(x))
        kept["relu"] = builder.emit(relax.op.nn.relu(x))
        kept["same"] = builder.emit(relax.op.reshape(builder.emit(kept["relu"]), (1, 4)))
        return builder.emit(relax.op.abs(kept["same"]))

    mod, tensor_names = named_module(module(x, body=body), [("relu", kept["relu"]), ("same", kept["same"])])
    assert names(mod) == ["relu", "abs"]
    assert tensor_names == {"relu": "relu"}


def test_an_output_that_is_an_input() -> None:
    x = tensor("x")
    mod, _ = named_module(module(x, body=lambda builder: x), [("x", x)])
    assert names(mod) == ["output"]
    relax.analysis.well_formed(mod)


def test_several_outputs() -> None:
    x = tensor("x")
    mod, _ = named_module(module(x, body=lambda builder: relax.Tuple([builder.emit(relax.op.exp(x)), x])), [("x", x)])
    assert names(mod) == ["exp", "outputs"]
    assert isinstance(mod["main"].ret_ty, relax.TupleType)
    relax.analysis.well_formed(mod)
