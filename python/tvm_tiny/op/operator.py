"""What an operator is to the rest of the compiler.

Every integer operator of ours is a Relax operator ``tiny.<name>``, registered from Python: its attributes are a frozen dataclass,
its type is inferred, and its arithmetic is written once, in TE. One file of this room holds one operator: attributes, builder,
type, definition, and the rule that makes it out of dequantize → float operator → quantize.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tvm_tiny.tvm_compat import constant_array

if TYPE_CHECKING:
    from tvm import relax, te

PREFIX = "tiny."


@dataclass(frozen=True)
class Value:
    """Shape and dtype of an activation."""

    shape: tuple[int, ...]
    dtype: str

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def flat(self) -> tuple[int]:
        """Shape of the elements in one row, for operators to which the axes mean nothing."""
        return (self.size,)


@dataclass(frozen=True)
class Node:
    """A call of an operator, seen without Relax.

    ``inputs`` are the arguments in order: a :class:`Value` for an activation, an array for a constant. ``accumulator`` is, where it
    is known, the exact (low, high) of the accumulator of each output channel, bias included: two int64 arrays (channels,).
    """

    op: Operator
    attrs: Any
    inputs: tuple[Value | np.ndarray, ...]
    output: Value
    accumulator: tuple[np.ndarray, np.ndarray] | None = None

    def value(self, index: int) -> Value:
        """The activation that is argument ``index``."""
        argument = self.inputs[index]
        assert isinstance(argument, Value), f"{self.op.name}: argument {index} is a constant"
        return argument

    def constant(self, index: int) -> np.ndarray:
        """The constant that is argument ``index``."""
        argument = self.inputs[index]
        assert isinstance(argument, np.ndarray), f"{self.op.name}: argument {index} is not a constant"
        return argument


@dataclass(frozen=True)
class Definition:
    """What an operator computes, in TE.

    Attributes
    ----------
    inputs : sequence of te.Tensor
        Placeholders of the activations.
    constants : dict
        Role ("weight", "bias", ...) → (placeholder, array).
    output : te.Tensor
        Its block is called "output"; an operator's file names the other blocks that a schedule may rely on.
    """

    inputs: Sequence[te.Tensor]
    constants: Mapping[str, tuple[te.Tensor, np.ndarray]]
    output: te.Tensor


@dataclass(frozen=True)
class Operator:
    """An operator of ours.

    Attributes
    ----------
    name : str
        "conv2d"; the Relax operator is "tiny.conv2d".
    attrs : type
        Frozen dataclass of the attributes.
    infer : callable
        (inputs, attrs) → the output's :class:`Value`.
    define : callable
        Node → :class:`Definition`.
    macs : callable
        Node → multiply-accumulates of one inference; 0 for operators that have none.
    """

    name: str
    attrs: type
    infer: Callable[[tuple[Value | np.ndarray, ...], Any], Value]
    define: Callable[[Node], Definition]
    macs: Callable[[Node], int] = lambda _node: 0


@dataclass(frozen=True)
class NoAttrs:
    """Attributes of an operator that has none."""


_OPERATORS: dict[str, Operator] = {}


def register(operator: Operator) -> Operator:
    """Make ``operator`` known here and, on first use, to Relax."""
    assert operator.name not in _OPERATORS, f"operator {operator.name} is registered twice"
    _OPERATORS[operator.name] = operator
    return operator


def operators() -> Mapping[str, Operator]:
    """Every registered operator by its name."""
    return _OPERATORS


@cache
def relax_op(name: str) -> Any:
    """The Relax operator ``tiny.<name>``, registered with TVM when first asked for."""
    import tvm
    from tvm import ir, relax

    full = PREFIX + name
    operator = _OPERATORS[name]

    def infer(call: relax.Call, _builder: relax.BlockBuilder) -> relax.TensorType:
        node_inputs = tuple(_argument(argument) for argument in call.args)
        output = operator.infer(node_inputs, _attributes(operator, call.attrs))
        return relax.TensorType(list(output.shape), output.dtype)

    if full not in ir.Op.list_op_names():
        tvm.get_global_func("ir.RegisterOp")(full, f"tvm_tiny integer operator {name}")
        ir.register_op_attr(full, "FInferType", infer)
        ir.register_op_attr(full, "FPurity", True)
    return ir.Op.get(full)


def _attributes(operator: Operator, attrs: Any) -> Any:
    given = {key: _plain(value) for key, value in attrs.items()} if attrs is not None else {}
    names = {field.name for field in dataclasses.fields(operator.attrs)}
    return operator.attrs(**{key: value for key, value in given.items() if key in names})


def _plain(value: Any) -> Any:
    """TVM's containers back to Python's: arrays to tuples, strings to str."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (bool, int, float)):
        return value
    if hasattr(value, "__iter__"):
        return tuple(_plain(item) for item in value)
    return int(value)


def _argument(expr: relax.Expr) -> Value | np.ndarray:
    array = constant_array(expr)
    if array is not None:
        return array
    return Value(tuple(int(extent) for extent in expr.ty.shape), str(expr.ty.dtype))


def call(operator: Operator, args: Sequence[relax.Expr], attrs: Any, *, source: str = "") -> relax.Call:
    """A Relax call of ``operator``. ``source`` is the output tensor's name in the model file; it rides along as an attribute."""
    import tvm
    from tvm import relax

    values = {field.name: getattr(attrs, field.name) for field in dataclasses.fields(attrs)}
    values["source"] = source
    return relax.Call(relax_op(operator.name), list(args), tvm.ir.make_node("ir.DictAttrs", **values))


def with_notes(expr: relax.Call, **notes: Any) -> relax.Call:
    """A call of one of our operators with ``notes`` among its attributes.

    Most say where the output stands in the model file: ``source`` is the tensor's name there, ``layout`` the order in which its
    axes are stored, ``offset`` what is to be added to a stored value, ``channels`` the indices of the file's last stored axis that
    are left (see :class:`tvm_tiny.program.Tensor`). ``macs`` is the number of multiply-accumulates that the file's operator has;
    ``accumulator_low`` and ``accumulator_high`` are :attr:`Node.accumulator`.
    """
    import tvm
    from tvm import relax

    values = {key: _plain(value) for key, value in expr.attrs.items()}
    return relax.Call(expr.op, list(expr.args), tvm.ir.make_node("ir.DictAttrs", **(values | notes)))


def notes_of(expr: relax.Call) -> dict[str, Any]:
    """The ``layout``, ``offset``, ``channels`` and ``macs`` of :func:`with_notes`, where they were given."""
    return {key: _plain(value) for key, value in expr.attrs.items() if key in ("layout", "offset", "channels", "macs")}


def is_ours(expr: relax.Expr) -> bool:
    """Whether ``expr`` is a call of one of our operators."""
    return str(getattr(getattr(expr, "op", None), "name", "")).startswith(PREFIX)


def node_of(expr: relax.Call) -> Node | None:
    """The :class:`Node` of a Relax call of one of our operators; None for any other call."""
    name = getattr(expr.op, "name", "")
    if not str(name).startswith(PREFIX):
        return None
    operator = _OPERATORS[str(name).removeprefix(PREFIX)]
    attrs = _attributes(operator, expr.attrs)
    inputs = tuple(_argument(argument) for argument in expr.args)
    return Node(operator, attrs, inputs, operator.infer(inputs, attrs), _accumulator(expr.attrs))


def _accumulator(attrs: Any) -> tuple[np.ndarray, np.ndarray] | None:
    if attrs is None or "accumulator_low" not in attrs.keys():
        return None
    low, high = (np.array(_plain(attrs[f"accumulator_{end}"]), dtype=np.int64) for end in ("low", "high"))
    return low, high


def source_of(expr: relax.Call) -> str:
    """The name in the model file of the tensor that ``expr`` computes, or ""."""
    return str(expr.attrs["source"]) if expr.attrs is not None and "source" in expr.attrs.keys() else ""
