"""Transposes disappear: a channels-first graph is computed channels-last throughout.

ONNX tensors are (n, c, h, w). Our convolutions and pools want (n, h, w, c), so their rules stand between two transposes each. This
pass walks the function once and lets no transpose happen before somebody needs it: every tensor is known as a :class:`View` of one
that was computed, and

- transposes of transposes are multiplied out, which cancels the inverse pairs between convolutions;
- operators that work element by element, concatenations, paddings, reductions and slices are computed on what lies under the
  transpose, with their axes renamed, and the transpose waits behind them;
- a transpose that moves only extents of 1 is a reshape, and a reshape of a reshape is one reshape: neither costs anything;
- a fully connected layer reads what lies under a transpose and a reshape, with the columns of its weights moved accordingly.

What remains is a transpose of int8 where a tensor's elements really have to change places: at the model's border, and before
operators that nothing is known of. The note ``layout`` of an operator tells in which order it holds the axes of the file's tensor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import tvm
from tvm import relax

from tvm_tiny.op.moves import VIEWS
from tvm_tiny.op.operator import PREFIX, is_ours, notes_of, source_of, with_notes
from tvm_tiny.op.qdq import op_name, shape_of
from tvm_tiny.transform.axes import Order, composed, identity, inverse, keeps_memory_order, permuted
from tvm_tiny.transform.follow import FOLLOW, ONE_OPERAND, OPERANDS, Followed
from tvm_tiny.tvm_compat import constant_array, prim_value, with_main


@dataclass(frozen=True)
class View:
    """``reshape(permute_dims(base, order), shape)`` of a variable of the new function."""

    base: relax.Var
    order: Order
    shape: tuple[int, ...]

    @property
    def moves(self) -> bool:
        """Whether elements change places in memory."""
        return self.order != identity(self.order)

    @property
    def is_transpose(self) -> bool:
        """Whether it is a transpose alone, of elements that change places."""
        return self.moves and self.shape == permuted(shape_of(self.base), self.order)


def channels_last(mod: tvm.IRModule) -> tvm.IRModule:
    """The module with ``main`` rewritten; its parameters and results keep their shapes."""
    function = mod["main"]
    builder = relax.BlockBuilder()
    params = [relax.Var(param.name, param.ty) for param in function.params]
    with builder.function("main", params):
        with builder.dataflow():
            rewriting = _Rewriting(builder, dict(zip(function.params, params, strict=True)))
            for block in function.body.blocks:
                for binding in block.bindings:
                    rewriting.bind(binding.var, binding.value)
            result = builder.emit_output(rewriting.rebuilt(function.body.body))
        builder.emit_func_output(result)
    return relax.transform.DeadCodeElimination()(with_main(mod, builder.get()["main"]))


@dataclass
class _Rewriting:
    """``plain`` and ``views`` tell of each variable of the old function what it is in the new one; ``done`` are views computed."""

    builder: relax.BlockBuilder
    plain: dict[relax.Var, relax.Expr]
    views: dict[relax.Var, View] = field(default_factory=dict)
    done: dict[tuple[relax.Var, Order, tuple[int, ...]], relax.Var] = field(default_factory=dict)

    def bind(self, var: relax.Var, value: relax.Expr) -> None:
        """Take over one binding of the old function."""
        view = self._view(value, var)
        if view is None:
            self.plain[var] = self.builder.emit(self.rebuilt(value), name_hint=var.name)
        else:
            self.views[var] = view

    def rebuilt(self, expr: relax.Expr) -> relax.Expr:
        """``expr`` of the old function over the variables of the new one."""
        if isinstance(expr, relax.Var):
            return self._read(self.views[expr], expr.name) if expr in self.views else self.plain[expr]
        if isinstance(expr, relax.Call):
            return relax.Call(expr.op, [self.rebuilt(argument) for argument in expr.args], expr.attrs, expr.ty_args)
        if isinstance(expr, relax.Tuple):
            return relax.Tuple([self.rebuilt(item) for item in expr.fields])
        if isinstance(expr, relax.TupleGetItem):
            return relax.TupleGetItem(self.rebuilt(expr.tuple_value), expr.index)
        return expr

    def _view(self, value: relax.Expr, var: relax.Var) -> View | None:
        """``value`` as a view of something; None where it has to be computed as it stands."""
        if isinstance(value, relax.Var):
            return self.views.get(value)
        first = self._seen(value.args[0]) if isinstance(value, relax.Call) and value.args else None
        if first is None:
            return None
        name = op_name(value)
        if name == "relax.permute_dims":
            axes = value.attrs.axes
            return self._transposed(first, _reversed(first) if axes is None else tuple(int(axis) for axis in axes))
        if name in VIEWS:
            return View(first.base, first.order, shape_of(var))
        if name == "relax.strided_slice":
            return self._sliced(first, value, var)
        if not is_ours(value):
            return None
        name = name.removeprefix(PREFIX)
        if name == "fully_connected":
            return self._fully_connected(first, value, var)
        if name in ONE_OPERAND and first.moves and not first.is_transpose:
            return self._under_reshape(first, value, var)
        return self._following(name, value, var)

    # ---- operators ---------------------------------------------------------------------------------------------------------------

    def _following(self, name: str, value: relax.Call, var: relax.Var) -> View | None:
        """An operator of ours computed under the transposes of its operands."""
        if name not in FOLLOW:
            return None
        operands = list(value.args)[: OPERANDS.get(name, 1)]
        order = self._common_order(operands)
        if order is None:
            return None
        followed = FOLLOW[name](value.attrs, [shape_of(each) for each in operands], order)
        if followed is None:
            return None
        args = [self._in_order(each, order) for each in operands] + list(value.args)[len(operands) :]
        new = self.builder.emit(_noted(relax.Call(value.op, args, value.attrs), followed), name_hint=var.name)
        return self._transposed(View(new, identity(followed.order), shape_of(new)), followed.order)

    def _common_order(self, operands: list[relax.Expr]) -> Order | None:
        """The order from which the fewest elements have to be moved to bring all operands into it; None: that of the graph."""
        views = [view for each in operands if (view := self._seen(each)) is not None]
        orders = {view.order for view in views if view.is_transpose}
        if not orders:
            return None

        def moved(order: Order) -> int:
            together = [self._transposed(view, inverse(order)) for view in views if len(view.shape) == len(order)]
            return sum(math.prod(view.shape) for view in together if view.moves)

        best = min(sorted(orders), key=moved)
        return best if moved(best) <= sum(math.prod(view.shape) for view in views if view.moves) else None

    def _in_order(self, expr: relax.Expr, order: Order) -> relax.Expr:
        """The operand ``expr`` as it lies under a transpose by ``order``; a lower rank gets leading extents of 1."""
        view = self._seen(expr)
        if view is not None:
            wide = View(view.base, view.order, (1,) * (len(order) - len(view.shape)) + view.shape)
            return self._read(self._transposed(wide, inverse(order)), "")
        array = constant_array(expr)
        assert array is not None
        if array.size == 1:
            return expr
        wide_array = array.reshape((1,) * (len(order) - array.ndim) + array.shape)
        return relax.const(np.ascontiguousarray(wide_array.transpose(inverse(order))))

    def _under_reshape(self, view: View, value: relax.Call, var: relax.Var) -> View:
        """An elementwise operator on the base of ``view``. The file has no tensor of that shape."""
        call = relax.Call(value.op, [view.base, *value.args[1:]], value.attrs)
        new = self.builder.emit(with_notes(call, source=""), name_hint=var.name)
        return View(new, view.order, view.shape)

    def _sliced(self, view: View, value: relax.Call, var: relax.Var) -> View | None:
        if not view.is_transpose:
            return None
        numbers = [[int(prim_value(item) or 0) for item in argument.fields] for argument in value.args[1:]]
        axes = [view.order[axis % len(view.order)] for axis in numbers[0]]
        new = self.builder.emit(relax.op.strided_slice(view.base, axes, *numbers[1:]), name_hint=var.name)
        return self._transposed(View(new, identity(view.order), shape_of(new)), view.order)

    def _fully_connected(self, view: View, value: relax.Call, var: relax.Var) -> View | None:
        """The layer on the base of ``view``, if each row that it reads is a row there too."""
        weight = constant_array(value.args[1])
        if not view.moves or weight is None:
            return None
        depth, shape = weight.shape[1], shape_of(view.base)
        places = np.arange(math.prod(shape)).reshape(shape).transpose(view.order).reshape(-1, depth)
        columns = places[0]
        if not np.array_equal(np.sort(columns), np.arange(depth)) or not np.array_equal(
            places, columns + depth * np.arange(len(places))[:, np.newaxis]
        ):
            return None
        moved = np.empty_like(weight)
        moved[:, columns] = weight
        x = self._read(View(view.base, identity(shape), view.shape), "")
        call = relax.Call(value.op, [x, relax.const(moved), *value.args[2:]], value.attrs)
        new = self.builder.emit(call, name_hint=var.name)
        return View(new, identity(shape_of(new)), shape_of(new))

    # ---- views -------------------------------------------------------------------------------------------------------------------

    def _seen(self, expr: relax.Expr) -> View | None:
        """The tensor variable ``expr`` of the old function as a view; None for a constant and for a tuple."""
        if not isinstance(expr, relax.Var) or not isinstance(expr.ty, relax.TensorType):
            return None
        if expr not in self.views:
            shape = shape_of(expr)
            self.views[expr] = View(self.plain[expr], identity(shape), shape)
        return self.views[expr]

    def _transposed(self, view: View, order: Order) -> View:
        """``permute_dims(view, order)``."""
        shape = permuted(view.shape, order)
        if view.shape == permuted(shape_of(view.base), view.order):
            base, total = view.base, composed(view.order, order)
        else:  # the reshape has to be done first
            base, total = self._read(view, ""), order
        return View(base, identity(total), shape) if keeps_memory_order(shape_of(base), total) else View(base, total, shape)

    def _read(self, view: View, name: str) -> relax.Var:
        """The tensor that ``view`` describes, computed now if it was not before."""
        key = (view.base, view.order, view.shape)
        if key not in self.done:
            result = view.base
            if view.moves:
                result = self.builder.emit(relax.op.permute_dims(result, list(view.order)), name_hint=name)
            if shape_of(result) != view.shape:
                result = self.builder.emit(relax.op.reshape(result, view.shape), name_hint=name)
            self.done[key] = result
        return self.done[key]


def _reversed(view: View) -> Order:
    """The order in which ``permute_dims`` without axes puts them."""
    return tuple(reversed(range(len(view.shape))))


def _noted(call: relax.Call, followed: Followed) -> relax.Call:
    """``call`` with the attributes of ``followed``, and its layout relative to the file's tensor."""
    if not source_of(call):
        return with_notes(call, **followed.changes)
    before = notes_of(call).get("layout", identity(followed.order))
    return with_notes(call, **followed.changes, layout=composed(before, inverse(followed.order)))
