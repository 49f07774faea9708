"""One lowered layer as one C function.

TVM's own C backend prints host code around packed calls and DLTensors; this one prints what a person would write for firmware: a
static function over plain pointers, accumulators as local variables, constants by their names.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import tvm
from tvm import ir, tirx

from tvm_tiny.codegen.ctypes import c_type, is_float, is_narrow
from tvm_tiny.codegen.expressions import ExpressionPrinter, dtype_of
from tvm_tiny.codegen.function import Function
from tvm_tiny.errors import UnsupportedOperatorError
from tvm_tiny.program import Layer
from tvm_tiny.schedule.scratch import scratch_buffers
from tvm_tiny.schedule.walk import count_uses

_RESERVED = frozenset(
    (
        "auto break case char const continue default do double else enum extern float for goto if inline int long register "
        "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while asm bool true "
        "false y0 y1 yn j0 j1 jn exp log pow sin cos tan round index gamma"
    ).split()
)
_INDENT = "  "
_LOOP_NAMES = {"ax0": "i", "ax1": "j", "ax2": "k", "ax3": "l", "ax4": "m"}  # what compute_at calls its loops


def print_layer(layer: Layer, prefix: str) -> Function:
    """``layer`` as a static C function called ``<prefix>_<layer.name>``.

    Parameters of the function are the inputs, the outputs and the scratch buffers, in this order; constants are read under their
    global names ``<prefix>_<constant.name>``. All pointers are ``restrict`` but those of tensors in ``layer.overlaps``.

    Raises
    ------
    UnsupportedOperatorError
        The layer uses a type or an intrinsic that C99 does not have.
    """
    assert layer.func is not None, f"layer {layer.name} is a chain"
    return _FunctionPrinter(layer, layer.func, prefix).run()


@dataclass
class _FunctionPrinter:
    layer: Layer
    func: tirx.PrimFunc
    prefix: str
    lines: list[str] = field(default_factory=list)
    names: dict[tirx.Var, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    scalars: dict[tirx.Var, int] = field(default_factory=dict)  # buffers of one element, with the number of their uses
    pending: list[tirx.Var] = field(default_factory=list)  # scalars whose declaration is yet to come
    bound: dict[int, str] = field(default_factory=dict)  # index of the line that declares a variable bound by let, and its name
    fresh: set[tirx.Var] = field(default_factory=set)  # scalars that the next store declares

    def run(self) -> Function:
        self.analyzer = tvm.sym.Analyzer()
        self.expressions = ExpressionPrinter(self.names.__getitem__, self.scalars.__contains__, self.analyzer)
        parameters = self._parameters()
        self._block(self.func.body, 1)
        self._drop_unread()
        needs_libm = self.expressions.needs_libm or any("tvm_tiny_requantize_real" in line for line in self.lines)
        return Function(f"{self.prefix}_{self.layer.name}", parameters, tuple(self.lines), (self.layer.comment,), needs_libm)

    # ---- names -------------------------------------------------------------------------------------------------------------------

    def _parameters(self) -> tuple[str, ...]:
        func, layer = self.func, self.layer
        params = list(func.params)
        first_output = len(layer.inputs) + len(layer.constants)
        for buffer, constant in zip(params[len(layer.inputs) : first_output], layer.constants, strict=True):
            self.names[buffer] = f"{self.prefix}_{constant.name}"
        self.scratch = scratch_buffers(func)
        shared = {name for overlap in layer.overlaps for name in (overlap.input, overlap.output)}
        inputs, outputs = zip(params, layer.inputs, strict=False), zip(params[first_output:], layer.outputs, strict=True)
        written = [f"const {self._pointer(buffer, restrict=name not in shared)}" for buffer, name in inputs]
        written += [self._pointer(buffer, restrict=name not in shared) for buffer, name in outputs]
        written += [self._pointer(buffer) for buffer in self.scratch]
        return tuple(written)

    def _pointer(self, buffer: tirx.Var, *, restrict: bool = True) -> str:
        return f"{c_type(str(buffer.dtype))} *{'restrict ' if restrict else ''}{self._declare(buffer)}"

    def _declare(self, var: tirx.Var) -> str:
        """A C name for ``var`` that is not in use in any enclosing scope."""
        base = re.sub(r"[^0-9A-Za-z_]+", "_", str(var.name)).removesuffix("_local").removesuffix("_intermediate")
        base = base.removeprefix("T_").lower().replace("cse_v", "v") or "v"
        base = _LOOP_NAMES.get(base, base)
        if base[0].isdigit():
            base = f"v{base}"
        if base in _RESERVED:
            base += "_"
        name, count = base, 1
        while name in self.taken:
            count += 1
            name = f"{base}_{count}"
        self.taken.add(name)
        self.names[var] = name
        return name

    # ---- statements --------------------------------------------------------------------------------------------------------------

    def _line(self, text: str, depth: int) -> None:
        self.lines.append(_INDENT * depth + text)

    def _block(self, stmt: tirx.Stmt, depth: int) -> None:
        """A scope: names that are declared in it are free again behind it."""
        before = set(self.taken)
        children = list(stmt.seq) if isinstance(stmt, tirx.SeqStmt) else [stmt]
        for index, child in enumerate(children):
            for var in list(self.pending):
                self._declare_scalar(var, children, index, depth)
            self._statement(child, depth)
        self.taken = before

    def _declare_scalar(self, var: tirx.Var, children: list[tirx.Stmt], index: int, depth: int) -> None:
        """Declare the scalar ``var`` here if this is the innermost scope that holds all its uses and the first of them is next."""
        uses = [count_uses(child, var) for child in children]
        if not uses[index] or any(uses[:index]) or sum(uses) != self.scalars[var]:
            return
        first = children[index]
        starts_with_store = isinstance(first, tirx.BufferStore) and first.buffer.same_as(var)
        if uses[index] == sum(uses) and not starts_with_store:
            return  # all uses are deeper
        self.pending.remove(var)
        self._declare(var)
        if starts_with_store:
            self.fresh.add(var)
        else:
            self._line(f"{c_type(str(var.dtype))} {self.names[var]};", depth)

    def _statement(self, stmt: tirx.Stmt, depth: int) -> None:
        printer = getattr(self, f"_print_{type(stmt).__name__}", None)
        if printer is None:
            raise UnsupportedOperatorError(
                f"layer {self.layer.name}: the C printer has no form for a {type(stmt).__name__} statement"
            )
        printer(stmt, depth)

    def _print_SeqStmt(self, stmt: tirx.SeqStmt, depth: int) -> None:
        self._block(stmt, depth)

    def _print_AllocBuffer(self, stmt: tirx.AllocBuffer, depth: int) -> None:
        buffer = stmt.buffer
        if any(buffer.same_as(each) for each in self.scratch):
            return
        extent = math.prod(int(each) for each in buffer.shape)
        if extent == 1:
            self.scalars[buffer] = count_uses(self.func.body, buffer)
            self.pending.append(buffer)
        else:
            self._line(f"{c_type(str(buffer.dtype))} {self._declare(buffer)}[{extent}];", depth)

    def _print_DeclBuffer(self, stmt: tirx.DeclBuffer, depth: int) -> None:
        source = stmt.data.args[0] if isinstance(stmt.data, ir.Call) else stmt.data
        if source in self.pending:  # another view of a scalar: declared here, so that both can be named
            self.pending.remove(source)
            self._line(f"{c_type(str(source.dtype))} {self._declare(source)};", depth)
        if source in self.scalars:
            self.scalars[stmt.buffer] = self.scalars[source]
        self.names[stmt.buffer] = self.names[source]

    def _print_Bind(self, stmt: tirx.Bind, depth: int) -> None:
        value = self.expressions.text(stmt.value)
        name = self._declare(stmt.var)
        self.bound[len(self.lines)] = name
        self._line(f"const {c_type(dtype_of(stmt.var))} {name} = {value};", depth)
        if not is_float(dtype_of(stmt.var)):
            self.analyzer.bind(stmt.var, stmt.value)

    def _drop_unread(self) -> None:
        """Take out variables that nothing printed reads, such as the length that a pointer was said to have."""
        for index, name in sorted(self.bound.items(), reverse=True):
            if not any(re.search(rf"\b{name}\b", line) for line in self.lines[index + 1 :]):
                del self.lines[index]

    def _print_For(self, stmt: tirx.For, depth: int) -> None:
        var = stmt.loop_var
        first = self.expressions.text(stmt.min)
        end = self.expressions.text(self.analyzer.simplify(stmt.min + stmt.extent))
        self.analyzer.bind(var, tvm.ir.Range.from_min_extent(stmt.min, stmt.extent))
        name = self._declare(var)
        advance = f"++{name}" if stmt.step is None else f"{name} += {self.expressions.text(stmt.step)}"
        self._line(f"for ({c_type(dtype_of(var))} {name} = {first}; {name} < {end}; {advance}) {{", depth)
        self._block(stmt.body, depth + 1)
        self._line("}", depth)
        self.taken.discard(name)

    def _print_BufferStore(self, stmt: tirx.BufferStore, depth: int) -> None:
        buffer, value = stmt.buffer, stmt.value
        target = self.expressions.access(buffer, list(stmt.indices))
        if buffer in self.fresh:
            self.fresh.remove(buffer)
            self._line(f"{c_type(str(buffer.dtype))} {target} = {self.expressions.text(value)};", depth)
        elif _adds_to_a_load(value) and self.expressions.text(value.a) == target:
            self._line(f"{target} += {self.expressions.text(value.b)};", depth)
        else:
            self._line(f"{target} = {self.expressions.text(value)};", depth)

    def _print_IfThenElse(self, stmt: tirx.IfThenElse, depth: int) -> None:
        self._line(f"if ({self.expressions.text(stmt.condition)}) {{", depth)
        self._block(stmt.then_case, depth + 1)
        if stmt.else_case is not None:
            self._line("} else {", depth)
            self._block(stmt.else_case, depth + 1)
        self._line("}", depth)

    def _print_While(self, stmt: tirx.While, depth: int) -> None:
        self._line(f"while ({self.expressions.text(stmt.condition)}) {{", depth)
        self._block(stmt.body, depth + 1)
        self._line("}", depth)

    def _print_AttrStmt(self, stmt: tirx.AttrStmt, depth: int) -> None:
        self._statement(stmt.body, depth)

    def _print_Evaluate(self, stmt: tirx.Evaluate, depth: int) -> None:
        if not isinstance(stmt.value, tirx.IntImm):  # a bare number is what RemoveNoOp leaves of an empty function
            self._line(f"{self.expressions.text(stmt.value)};", depth)


def _adds_to_a_load(value: ir.Expr) -> bool:
    """True for a sum whose first operand is a load, in a type that C adds without promoting."""
    return isinstance(value, tirx.Add) and type(value.a).__name__ == "TensorLoad" and not is_narrow(dtype_of(value))
