"""dequantize → float operator → quantize becomes integer arithmetic.

The pass walks ``main`` once. At every ``quantize`` (with the fused activation that TFLite leaves as an integer ``clip`` behind it)
it asks the operators' rules in turn for an integer form. The float operators that nobody reads any more fall away. What no rule
takes stays float, and is reported with the rule's reason.

Quantised tensors are held as int8 throughout: a uint8 tensor of the file is stored minus 128, with its zero point moved along.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import tvm
from tvm import relax

from tvm_tiny.model import Model
from tvm_tiny.op import DIRECT_RULES, RULES
from tvm_tiny.op.dequantize import emit_dequantize
from tvm_tiny.op.lookup import IDENTITY, LOOKUP
from tvm_tiny.op.moves import as_move
from tvm_tiny.op.operator import NoAttrs, call, is_ours, with_notes
from tvm_tiny.op.qdq import (
    Arithmetic,
    DirectSite,
    Graph,
    NotInteger,
    Operand,
    OutputQuantization,
    Site,
    activation_limits,
    op_name,
    shape_of,
)
from tvm_tiny.op.quantize import emit_quantize
from tvm_tiny.op.recenter import emit_recenter
from tvm_tiny.tvm_compat import prim_value, with_main

_QUANTIZED_DTYPES = ("int8", "uint8")


@dataclass(frozen=True)
class FloatRemark:
    """An operator that stays in float32, and why."""

    operator: str
    tensor: str
    reason: str


@dataclass(frozen=True)
class Lowered:
    """The integer module, and what stayed float in it."""

    mod: tvm.IRModule
    remarks: tuple[FloatRemark, ...]


def lower_integer(model: Model, arithmetic: Arithmetic) -> Lowered:
    """Lower ``main`` of ``model.mod`` to integer operators.

    Returns
    -------
    Lowered
        A module with one dataflow block whose calls are operators of ours, pure data movement on int8, and float operators where no
        rule applied. Its inputs and outputs have the dtypes of the file.
    """
    function = model.mod["main"]
    lowering = _Lowering(model, arithmetic, function)
    mod = lowering.run()
    mod = relax.transform.DeadCodeElimination()(mod)
    return Lowered(mod, tuple(lowering.remarks))


@dataclass
class _Lowering:
    model: Model
    arithmetic: Arithmetic
    function: relax.Function
    remarks: list[FloatRemark] = field(default_factory=list)

    def run(self) -> tvm.IRModule:
        bindings = [binding for block in self.function.body.blocks for binding in block.bindings]
        self._bound = {binding.var: binding.value for binding in bindings}
        self._clips = self._fused_clips(bindings)
        self._stored: dict[relax.Var, tuple[relax.Expr, int]] = {}
        self._operands: dict[relax.Var, Operand] = {}
        self._now: dict[relax.Var, relax.Expr] = {}
        self._graph = Graph(self._bound, self._stored, self.arithmetic, self._operands)
        self._builder = relax.BlockBuilder()

        params = [relax.Var(param.name, param.ty) for param in self.function.params]
        with self._builder.function("main", params):
            with self._builder.dataflow():
                for old, new in zip(self.function.params, params, strict=True):
                    self._now[old] = new
                    self._hold_parameter(old, new)
                for binding in bindings:
                    self._lower(binding.var, binding.value)
                result = self._builder.emit_output(self._result(self.function.body.body, params))
            self._builder.emit_func_output(result)
        return with_main(self.model.mod, self._builder.get()["main"])

    # ---- one binding -------------------------------------------------------------------------------------------------------------

    def _lower(self, var: relax.Var, value: relax.Expr) -> None:
        if isinstance(value, relax.Var):
            for known in (self._now, self._stored, self._operands):
                _alias(known, var, value)
            return
        if self._is_quantize(value) and var in self._clips.values():
            return  # lowered together with the clip behind it
        quantization = self._quantization(var, value)
        if quantization is not None:
            self._hold(var, self._lower_quantize(var, *quantization))
            return
        operand = self._graph.operand(value)
        if operand is not None:
            self._operands[var] = replace(operand, expr=self._emitted(operand.expr, var.name))
            return
        direct = self._try_direct_rules(var, value)
        if direct is not None:
            self._hold(var, direct)
            return
        if var in self._clips:  # the quantize under it was put off: emit it now, as it is
            quantize_var = self._clips[var]
            self._now[quantize_var] = self._builder.emit(self._rebuilt(self._bound[quantize_var]), quantize_var.name)
        self._now[var] = self._builder.emit(self._rebuilt(value), name_hint=var.name)
        if str(getattr(var.ty, "dtype", "")) == "int8":
            self._stored[var] = (self._now[var], 0)

    def _hold(self, var: relax.Var, lowered: relax.Expr) -> None:
        """Let ``lowered`` be what holds the quantised tensor ``var`` from here on."""
        offset = _offset(str(var.ty.dtype))
        self._stored[var] = (self._emitted(_noted(lowered, offset), var.name), offset)

    def _emitted(self, expr: relax.Expr, name: str) -> relax.Var:
        return expr if isinstance(expr, relax.Var) else self._builder.emit(expr, name_hint=name)

    def _lower_quantize(self, var: relax.Var, real: relax.Expr, output: OutputQuantization) -> relax.Expr:
        """The quantised tensor ``var``: by a rule, else ``real`` as it is computed in float, quantised."""
        source = self.model.tensor_names.get(var.name, "")
        site = self._site(real, output, shape_of(var), source)
        lowered = self._try_rules(site) if site is not None else None
        return emit_quantize(self._rebuilt(real), output, self.arithmetic, source) if lowered is None else lowered

    def _try_rules(self, site: Site) -> relax.Expr | None:
        lowered, reason = self._first_rule(site)
        if lowered is None:
            name = op_name(site.producer).removeprefix("relax.").removeprefix("nn.")
            self.remarks.append(FloatRemark(name, site.source, reason))
        return lowered

    def _first_rule(self, site: Site) -> tuple[relax.Expr | None, str]:
        """What the first rule that takes ``site`` makes of it, or None and the reason of the last one that refused it."""
        reason = "no integer form is known for it"
        for rule in RULES:
            try:
                lowered = rule(site)
            except NotInteger as refusal:
                reason = str(refusal)
                continue
            if lowered is not None:
                return lowered, reason
        move = as_move(site.producer, self._graph.resolve, self.arithmetic.is_tflite)
        if move is None:
            return None, reason
        # Quantise first, then move.
        inner = self._site(move.source, site.output, shape_of(move.source), "")
        lowered, inner_reason = (None, reason) if inner is None else self._first_rule(inner)
        return (None, inner_reason) if lowered is None else (move.apply(lowered), reason)

    def _try_direct_rules(self, var: relax.Var, value: relax.Expr) -> relax.Expr | None:
        """An operator of ours for a call on stored values; None leaves the call to TVM."""
        dtype = str(getattr(var.ty, "dtype", ""))
        if not isinstance(value, (relax.Call, relax.TupleGetItem)) or dtype not in _QUANTIZED_DTYPES:
            return None
        site = DirectSite(value, shape_of(var), _offset(dtype), self.model.tensor_names.get(var.name, ""), self._graph)
        for rule in DIRECT_RULES:
            with contextlib.suppress(NotInteger):
                if (lowered := rule(site)) is not None:
                    return lowered
        return None

    def _quantization(self, var: relax.Var, value: relax.Expr) -> tuple[relax.Expr, OutputQuantization] | None:
        """What is quantised to give ``var``, and how; None where ``value`` is not a quantize (or a clip of one) with one scale."""
        low, high = -(1 << 31), (1 << 31) - 1
        if var in self._clips:
            low, high = (int(prim_value(argument) or 0) for argument in value.args[1:3])
            value = self._bound[self._clips[var]]
        if not self._is_quantize(value):
            return None
        scale, zero_point = (self._graph.constant(argument) for argument in value.args[1:3])
        dtype = str(value.attrs.out_dtype)
        if scale is None or zero_point is None or scale.size != 1 or dtype not in _QUANTIZED_DTYPES:
            return None
        limits, offset = np.iinfo(dtype), _offset(dtype)
        low, high = (min(max(limit, int(limits.min)), int(limits.max)) - offset for limit in (low, high))
        stored = OutputQuantization(float(np.float32(scale.item())), int(zero_point.item()) - offset, low, high, offset)
        return value.args[0], stored

    def _site(self, real: relax.Expr, output: OutputQuantization, shape: tuple[int, ...], source: str) -> Site | None:
        """The operator under ``real``, activations peeled off; None where there is none (a float input of the model)."""
        producer, low, high = activation_limits(real, self._graph, output.scale, output.zero_point, output.low, output.high)
        low, high = (min(max(limit, -128), 127) for limit in (low, high))
        found = self._graph.resolve(producer)
        if not isinstance(found, (relax.Call, relax.TupleGetItem)):
            return None
        activated = not found.same_as(self._graph.resolve(real))
        return Site(found, replace(output, low=low, high=high), shape, source, self._graph, activated)

    def _is_quantize(self, value: relax.Expr) -> bool:
        return isinstance(value, relax.Call) and op_name(value) == "relax.quantize"

    def _fused_clips(self, bindings: list[relax.Binding]) -> dict[relax.Var, relax.Var]:
        """Integer clips whose quantize nobody else reads: clip variable → quantize variable."""
        readers: dict[relax.Var, int] = {}
        for binding in bindings:
            for argument in getattr(binding.value, "args", [binding.value]):
                for read in argument if isinstance(argument, relax.Tuple) else [argument]:
                    if isinstance(read, relax.Var):
                        readers[read] = readers.get(read, 0) + 1
        clips = {}
        for binding in bindings:
            value = binding.value
            if isinstance(value, relax.Call) and op_name(value) == "relax.clip" and value.args[0] in self._bound:
                inner = value.args[0]
                if self._is_quantize(self._bound[inner]) and readers.get(inner) == 1:
                    clips[binding.var] = inner
        return clips

    # ---- what stays --------------------------------------------------------------------------------------------------------------

    def _hold_parameter(self, old: relax.Var, new: relax.Var) -> None:
        dtype = str(old.ty.dtype)
        if dtype == "int8":
            self._stored[old] = (new, 0)
        elif dtype == "uint8":
            self._stored[old] = (self._builder.emit(emit_recenter(new), name_hint=f"{new.name}_int8"), 128)

    def _rebuilt(self, expr: relax.Expr) -> relax.Expr:
        """``expr`` of the old function over the variables of the new one."""
        if isinstance(expr, relax.Var):
            return self._read(expr)
        if isinstance(expr, relax.Call):
            return relax.Call(expr.op, [self._rebuilt(argument) for argument in expr.args], expr.attrs, expr.ty_args)
        if isinstance(expr, relax.Tuple):
            return relax.Tuple([self._rebuilt(item) for item in expr.fields])
        if isinstance(expr, relax.TupleGetItem):
            return relax.TupleGetItem(self._rebuilt(expr.tuple_value), expr.index)
        return expr

    def _read(self, var: relax.Var) -> relax.Expr:
        """The new variable that holds exactly what ``var`` held."""
        if var not in self._now:
            if var in self._operands:
                read = emit_dequantize(self._operands[var], self.model.tensor_names.get(var.name, ""))
            else:
                stored, offset = self._stored[var]
                read = stored if offset == 0 else emit_recenter(stored)
            self._now[var] = self._emitted(read, var.name)
        return self._now[var]

    def _result(self, result: relax.Expr, params: list[relax.Var]) -> relax.Expr:
        """The function's result. An output that is an input, or another output, is a copy of it: each has memory of its own."""
        taken = list(params)

        def own(var: relax.Expr) -> relax.Expr:
            if any(var.same_as(other) for other in taken) and str(var.ty.dtype) == "int8":
                var = self._builder.emit(call(LOOKUP, [var, relax.const(IDENTITY)], NoAttrs()))
            taken.append(var)
            return var

        if isinstance(result, relax.Var) and isinstance(self._graph.resolve(result), relax.Tuple):
            result = self._graph.resolve(result)
        if isinstance(result, relax.Tuple):
            return relax.Tuple([own(self._rebuilt(field)) for field in result.fields])
        return own(self._rebuilt(result))


def _alias(known: dict[relax.Var, Any], var: relax.Var, other: relax.Var) -> None:
    if other in known:
        known[var] = known[other]


def _offset(dtype: str) -> int:
    """File value - stored value of a quantised tensor."""
    return 128 if dtype == "uint8" else 0


def _noted(lowered: relax.Expr, offset: int) -> relax.Expr:
    """``lowered`` with notes on how the tensor that the operator computes relates to the file's (see ``operator.with_notes``)."""
    if is_ours(lowered):
        return with_notes(lowered, offset=offset) if offset else lowered
    if not isinstance(lowered, relax.Call) or not is_ours(lowered.args[0]):
        return lowered
    inner = lowered.args[0]
    if op_name(lowered) == "relax.permute_dims":
        axes = [int(axis) for axis in lowered.attrs.axes]
        inner = with_notes(inner, layout=tuple(axes.index(each) for each in range(len(axes))), offset=offset)
    else:
        inner = with_notes(inner, source="")  # the file does not know it in this shape
    return relax.Call(lowered.op, [inner, *lowered.args[1:]], lowered.attrs)
