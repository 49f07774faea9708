"""A lowered Relax module → a :class:`Program`: one scheduled, lowered TIRx function per layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import tvm
from tvm import relax, te, tirx

from tvm_tiny.errors import UnsupportedOperatorError
from tvm_tiny.model import Model, c_identifier
from tvm_tiny.op.operator import Node, node_of, notes_of, source_of
from tvm_tiny.op.qdq import op_name
from tvm_tiny.program import Constant, Layer, Overlap, Program, Tensor
from tvm_tiny.schedule.floats import schedule_float
from tvm_tiny.schedule.implementation import Decide, by_default
from tvm_tiny.schedule.layer import node_layer
from tvm_tiny.schedule.lower import lower_function
from tvm_tiny.schedule.overlap import overlaps_of
from tvm_tiny.schedule.scratch import scratch_of
from tvm_tiny.schedule.walk import computes_in_integers
from tvm_tiny.target import Core
from tvm_tiny.tvm_compat import constant_array

VIEWS = ("relax.reshape", "relax.expand_dims", "relax.squeeze", "relax.flatten")

Offload = Callable[[tvm.IRModule, relax.Function, str, tuple[str, ...], tuple[str, ...]], Layer]
"""(module, function, layer's name, inputs, outputs) → the layer that an accelerator computes instead of the core. The tensors are
those of the function's parameters and of the fields of its result, in their order."""


def schedule_program(
    mod: tvm.IRModule, model: Model, core: Core, decide: Decide = by_default, offload: Offload | None = None
) -> Program:
    """Schedule and lower every layer of ``mod`` for ``core``; ``decide`` tells what tuning has found for an operator.

    ``mod`` holds calls of our operators, ``call_tir`` of TVM's, and views, in one block; its parameters are the model's inputs.
    Calls of Relax functions of the module, which a partition has cut out, go to ``offload``.

    Raises
    ------
    UnsupportedOperatorError
        An operator was neither made integer nor can TVM lower it to loops.
    """
    return _Scheduler(mod, model, core, decide, offload).run()


@dataclass
class _Scheduler:
    mod: tvm.IRModule
    model: Model
    core: Core
    decide: Decide
    offload: Offload | None = None
    tensors: dict[str, Tensor] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    layers: list[Layer] = field(default_factory=list)

    def run(self) -> Program:
        main = self.mod["main"]
        self.names: dict[relax.Var, str] = {}
        for param, spec in zip(main.params, self.model.inputs, strict=True):
            self._add_tensor(param, source=spec.name)
        bindings = [binding for block in main.body.blocks for binding in block.bindings]
        for binding in bindings:
            self._add_binding(binding.var, binding.value)
        fields = [self._held(field, index) for index, field in enumerate(self._result_fields(main.body.body))]
        return Program(
            name=self.model.name,
            inputs=self.model.inputs,
            outputs=self.model.outputs,
            input_tensors=tuple(self.names[param] for param in main.params),
            output_tensors=tuple(self.names[result] for result in fields),
            tensors=self.tensors,
            layers=tuple(self.layers),
            aliases=self.aliases,
        )

    def _result_fields(self, result: relax.Expr) -> list[relax.Var]:
        while isinstance(result, relax.Var) and result in self.tuples:
            result = self.tuples[result]
        if isinstance(result, relax.Tuple):
            return list(result.fields)
        return [result]

    def _held(self, result: relax.Expr, index: int) -> relax.Var:
        """An output as a variable; a constant becomes a layer that copies it."""
        if constant_array(result) is None:
            return result
        var = relax.Var(f"output_{index}", result.ty)
        self._add_constant(var, result)
        return var

    @property
    def tuples(self) -> dict[relax.Var, relax.Tuple]:
        if not hasattr(self, "_tuples"):
            self._tuples: dict[relax.Var, relax.Tuple] = {}
        return self._tuples

    # ---- bindings ----------------------------------------------------------------------------------------------------------------

    def _add_binding(self, var: relax.Var, value: relax.Expr) -> None:
        if isinstance(value, relax.Var):
            self._same(var, value)
        elif isinstance(value, relax.Tuple):
            self.tuples[var] = value
        elif isinstance(value, relax.TupleGetItem):
            source = value.tuple_value
            self._same(var, self.tuples[source].fields[value.index])
        elif isinstance(value, relax.Call):
            self._add_call(var, value)
        else:
            self._add_constant(var, value)

    def _same(self, var: relax.Var, other: relax.Expr) -> None:
        if other in self.tuples:
            self.tuples[var] = self.tuples[other]
        else:
            self.names[var] = self.names[other]

    def _add_call(self, var: relax.Var, value: relax.Call) -> None:
        node = node_of(value)
        if node is not None:
            self._add_operator(var, value, node)
        elif op_name(value) in VIEWS:
            self._add_view(var, value)
        elif op_name(value) == "relax.call_tir":
            self._add_tir(var, value)
        elif isinstance(value.op, tvm.ir.GlobalVar):
            self._add_region(var, value)
        else:
            name = op_name(value).removeprefix("relax.").removeprefix("nn.") or str(value.op)
            raise UnsupportedOperatorError(
                f"operator {name} (Relax variable {var.name}) cannot be compiled to C: "
                "it has no integer form here, and TVM has no loops for it",
                "replace it in the model, or split the model there",
            )

    def _add_view(self, var: relax.Var, value: relax.Call) -> None:
        name = self._add_tensor(var, source=self.model.tensor_names.get(var.name, ""))
        target = self.names[value.args[0]]
        self.aliases[name] = self.aliases.get(target, target)

    def _add_operator(self, var: relax.Var, value: relax.Call, node: Node) -> None:
        source = source_of(value)
        notes = notes_of(value)
        inputs = tuple(self._storage(argument) for argument in value.args if constant_array(argument) is None)
        output = self._add_tensor(var, source, notes.get("layout"), notes.get("offset", 0), notes.get("channels"))
        name = f"{node.op.name}_{len(self.layers)}"
        macs = notes.get("macs")
        self._add_layer(node_layer(node, self.core, name, inputs, output, macs=macs, source=source, decide=self.decide))

    def _add_tir(self, var: relax.Var, value: relax.Call) -> None:
        func = self.mod[value.args[0]]
        name = value.args[0].name_hint
        layer = f"{c_identifier(name)}_{len(self.layers)}"
        arguments = list(value.args[1].fields)
        constants, inputs, order = [], [], []
        for index, argument in enumerate(arguments):
            array = constant_array(argument)
            if array is not None:
                constants.append(Constant(f"{layer}_{c_identifier(str(func.params[index].name))}", array))
                order.append((1, index))
            else:
                inputs.append(self._storage(argument))
                order.append((0, index))
        outputs = self._tir_outputs(var)
        params = [func.params[index] for _, index in sorted(order)] + list(func.params[len(arguments) :])
        func = tirx.PrimFunc(params, func.body, func.ret_type, func.attrs)
        scheduled = schedule_float(func, name)
        lowered = lower_function(scheduled, self.core)
        source = self.model.tensor_names.get(var.name, "")
        comment = f"{name}{'' if computes_in_integers(lowered) else ', float32'}: {source}".rstrip(": ")
        self._add_function(
            layer, name, lowered, tuple(inputs), tuple(outputs), tuple(constants), comment, overlaps_of(scheduled, inputs, outputs)
        )

    def _add_region(self, var: relax.Var, value: relax.Call) -> None:
        """A call of a function that a partition has cut out."""
        assert self.offload is not None, f"{value.op.name_hint} is cut out of the model, but nothing takes it"
        function = self.mod[value.op]
        inputs = tuple(self._storage(argument) for argument in value.args)
        origins = [origin_of(self.mod, function, field) for field in result_fields(function)]
        single = isinstance(var.ty, relax.TensorType)
        fields = [var] if single else [relax.Var(f"{var.name}_{index}", ty) for index, ty in enumerate(var.ty.fields)]
        if not single:
            self.tuples[var] = relax.Tuple(fields)
        outputs = tuple(self._add_tensor(each, **origin) for each, origin in zip(fields, origins, strict=True))
        name = f"{c_identifier(str(function.attrs['Codegen']))}_{len(self.layers)}"
        self._add_layer(self.offload(self.mod, function, name, inputs, outputs))

    def _tir_outputs(self, var: relax.Var) -> list[str]:
        if isinstance(var.ty, relax.TensorType):
            return [self._add_tensor(var, source=self.model.tensor_names.get(var.name, ""))]
        fields = [relax.Var(f"{var.name}_{index}", ty) for index, ty in enumerate(var.ty.fields)]
        self.tuples[var] = relax.Tuple(fields)
        return [self._add_tensor(each, source="") for each in fields]

    def _add_constant(self, var: relax.Var, value: relax.Expr) -> None:
        """A model output, or a float operand, that is constant: copied from flash by a layer of its own."""
        array = constant_array(value)
        assert array is not None, f"unexpected {type(value).__name__} in the lowered module"
        shape = array.shape or (1,)
        source = te.placeholder(shape, str(array.dtype), "constant")
        func = te.create_prim_func([source, te.compute(shape, lambda *at: source[at], "output")])
        layer = f"constant_{len(self.layers)}"
        output = self._add_tensor(var, source="")
        constants = (Constant(f"{layer}_values", array.reshape(shape)),)
        lowered = lower_function(schedule_float(func, "constant"), self.core)
        self._add_function(layer, "constant", lowered, (), (output,), constants, "constant")

    # ---- pieces ------------------------------------------------------------------------------------------------------------------

    def _storage(self, expr: relax.Expr) -> str:
        if expr not in self.names:
            raise UnsupportedOperatorError(f"a layer reads {type(expr).__name__} {expr}, which has no memory of its own")
        name = self.names[expr]
        return self.aliases.get(name, name)

    def _add_tensor(
        self,
        var: relax.Var,
        source: str = "",
        layout: tuple[int, ...] | None = None,
        offset: int = 0,
        channels: tuple[int, ...] | None = None,
    ) -> str:
        name = c_identifier(var.name)
        while name in self.tensors:
            name += "_"
        shape = tuple(int(extent) for extent in var.ty.shape)
        self.tensors[name] = Tensor(name, shape, str(var.ty.dtype), source, layout, offset, channels)
        self.names[var] = name
        return name

    def _add_function(
        self,
        name: str,
        op: str,
        func: tirx.PrimFunc,
        inputs: tuple[str, ...],
        outputs: tuple[str, ...],
        constants: tuple[Constant, ...],
        comment: str,
        overlaps: tuple[Overlap, ...] = (),
    ) -> None:
        scratch, integer = scratch_of(func), computes_in_integers(func)
        self._add_layer(
            Layer(name, op, func, inputs, outputs, constants, scratch, integer=integer, comment=comment, overlaps=overlaps)
        )

    def _add_layer(self, layer: Layer) -> None:
        for tensor in (*layer.inputs, *layer.outputs):
            _check_elements(tensor, self.tensors[tensor].shape)
        for constant in layer.constants:
            _check_elements(constant.name, constant.data.shape)
        self.layers.append(layer)


def result_fields(function: relax.Function) -> Sequence[relax.Expr]:
    """The tensors that ``function`` returns, whether as a tuple or alone."""
    result = function.body.body
    bound = {binding.var: binding.value for block in function.body.blocks for binding in block.bindings}
    while isinstance(result, relax.Var) and isinstance(bound.get(result), (relax.Var, relax.Tuple)):
        result = bound[result]
    return list(result.fields) if isinstance(result, relax.Tuple) else [result]


def origin_of(mod: tvm.IRModule, function: relax.Function, result: relax.Expr) -> dict[str, Any]:
    """What the call of ours that computes ``result`` in ``function`` says of its tensor: source, layout, offset, channels.

    The call may lie in functions within ``function``; a result that is a view of something has no origin.
    """
    bound = {binding.var: binding.value for block in function.body.blocks for binding in block.bindings}
    while isinstance(result, relax.Var) and result in bound:
        result = bound[result]
    if not isinstance(result, relax.Call):
        return {}
    inner = bound.get(result.op) if isinstance(result.op, relax.Var) else result.op
    if isinstance(inner, tvm.ir.GlobalVar):
        inner = mod[inner]
    if isinstance(inner, relax.Function):
        return origin_of(mod, inner, result_fields(inner)[0])
    if node_of(result) is None:
        return {}
    notes = {key: value for key, value in notes_of(result).items() if key != "macs"}
    return {"source": source_of(result)} | notes


def _check_elements(name: str, shape: tuple[int, ...]) -> None:
    if 0 in shape:
        raise UnsupportedOperatorError(
            f"a layer works on the tensor {name} of shape {shape}, which has no elements: expected at least one",
            "remove what is empty from the model",
        )
