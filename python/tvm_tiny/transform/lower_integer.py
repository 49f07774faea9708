"""dequantize → float operator → quantize becomes integer arithmetic.

The pass walks ``main`` once. At every ``quantize`` (with the fused activation that TFLite leaves as an integer ``clip`` behind it)
it asks the operators' rules in turn for an integer form. The float operators that nobody reads any more fall away. What no rule
takes stays float, and is reported with the rule's reason.

Quantised tensors are held as int8 throughout: a uint8 tensor of the file is stored minus 128, with its zero point moved along.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

import numpy as np
import tvm
from tvm import relax

from tvm_tiny.model import Model
from tvm_tiny.op import DIRECT_RULES, RULES
from tvm_tiny.op.qdq import Arithmetic, DirectSite, Graph, NotInteger, OutputQuantization, Site, activation_limits, op_name, shape_of
from tvm_tiny.tvm_compat import constant_array, prim_value

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
        self._now: dict[relax.Var, relax.Expr] = {}
        self._graph = Graph(self._bound, self._stored, self.arithmetic)
        self._builder = relax.BlockBuilder()

        params = [relax.Var(param.name, param.ty) for param in self.function.params]
        with self._builder.function("main", params):
            with self._builder.dataflow():
                for old, new in zip(self.function.params, params, strict=True):
                    self._now[old] = new
                    self._hold_parameter(old, new)
                for binding in bindings:
                    self._lower(binding.var, binding.value)
                result = self._builder.emit_output(self._rebuilt(self.function.body.body))
            self._builder.emit_func_output(result)
        return self._builder.get()

    # ---- one binding -------------------------------------------------------------------------------------------------------------

    def _lower(self, var: relax.Var, value: relax.Expr) -> None:
        if isinstance(value, relax.Var):
            self._now[var] = self._now[value]
            if value in self._stored:
                self._stored[var] = self._stored[value]
            return
        if self._is_quantize(value) and var in self._clips.values():
            return  # lowered together with the clip behind it
        site = self._site(var, value)
        if site is not None:
            lowered = self._try_rules(site)
            if lowered is not None:
                new = self._builder.emit(lowered, name_hint=var.name)
                self._stored[var] = (new, _offset(str(var.ty.dtype)))
                return
            if var in self._clips:  # the quantize under it was put off: emit it now, as it is
                quantize_var = self._clips[var]
                self._now[quantize_var] = self._builder.emit(self._rebuilt(self._bound[quantize_var]), quantize_var.name)
        direct = self._try_direct_rules(var, value)
        if direct is not None:
            self._stored[var] = (self._builder.emit(direct, name_hint=var.name), _offset(str(var.ty.dtype)))
            return
        self._now[var] = self._builder.emit(self._rebuilt(value), name_hint=var.name)
        if str(getattr(var.ty, "dtype", "")) == "int8":
            self._stored[var] = (self._now[var], 0)

    def _try_rules(self, site: Site) -> relax.Expr | None:
        reason = "no integer form is known for it"
        for rule in RULES:
            try:
                lowered = rule(site)
            except NotInteger as refusal:
                reason = str(refusal)
                continue
            if lowered is not None:
                return lowered
        name = op_name(site.producer).removeprefix("relax.").removeprefix("nn.")
        self.remarks.append(FloatRemark(name, site.source, reason))
        return None

    def _try_direct_rules(self, var: relax.Var, value: relax.Expr) -> relax.Expr | None:
        """An operator of ours for a call on stored values; None leaves the call to TVM."""
        dtype = str(getattr(var.ty, "dtype", ""))
        if not isinstance(value, relax.Call) or dtype not in _QUANTIZED_DTYPES:
            return None
        site = DirectSite(value, shape_of(var), _offset(dtype), self.model.tensor_names.get(var.name, ""), self._graph)
        for rule in DIRECT_RULES:
            with contextlib.suppress(NotInteger):
                if (lowered := rule(site)) is not None:
                    return lowered
        return None

    def _site(self, var: relax.Var, value: relax.Expr) -> Site | None:
        """The quantised operator that ends in ``var``; None where ``value`` is not a quantize (or a clip of one)."""
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
        limits = np.iinfo(dtype)
        zero = int(zero_point.item())
        low, high = max(low, int(limits.min)), min(high, int(limits.max))
        real_scale = float(np.float32(scale.item()))
        producer, low, high = activation_limits(value.args[0], self._graph, real_scale, zero, low, high)
        found = self._graph.resolve(producer)
        if not isinstance(found, relax.Call):
            return None
        offset = _offset(dtype)
        output = OutputQuantization(real_scale, zero - offset, low - offset, high - offset)
        return Site(found, output, shape_of(var), self.model.tensor_names.get(var.name, ""), self._graph)

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
        if var in self._now:
            return self._now[var]
        stored, offset = self._stored[var]
        assert offset == 0 or constant_array(stored) is None
        self._now[var] = stored if offset == 0 else self._as_uint8(stored)
        return self._now[var]

    def _as_uint8(self, stored: relax.Expr) -> relax.Expr:
        """An int8 tensor with offset 128 back to the file's uint8."""
        wide = self._builder.emit(relax.op.astype(stored, "int32"))
        moved = self._builder.emit(relax.op.add(wide, relax.const(128, "int32")))
        return self._builder.emit(relax.op.astype(moved, "uint8"))


def _offset(dtype: str) -> int:
    """File value - stored value of a quantised tensor."""
    return 128 if dtype == "uint8" else 0
