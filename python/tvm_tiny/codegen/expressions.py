"""TIRx expressions as C expressions, with no more parentheses than a reader (or -Wparentheses) wants.

C promotes narrow integers and converts freely; TIRx does neither. Wherever the C type of a printed expression would be wider than
its dtype, a cast is written, so that the text means what the IR means and -Wconversion has nothing to say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import tvm
from tvm import ir, tirx

from tvm_tiny.codegen.ctypes import c_type, float_literal, integer_literal, is_float, is_narrow
from tvm_tiny.codegen.intrinsics import MATH, TEMPLATES
from tvm_tiny.errors import UnsupportedOperatorError

# Precedence of C's operators: a higher number binds tighter.
_PRIMARY, _UNARY, _PRODUCT, _SUM, _SHIFT, _ORDER, _EQUAL, _AND, _XOR, _OR, _LAND, _LOR, _TERNARY = range(16, 3, -1)

_BINARY = {
    "Add": ("+", _SUM),
    "Sub": ("-", _SUM),
    "Mul": ("*", _PRODUCT),
    "Div": ("/", _PRODUCT),
    "Mod": ("%", _PRODUCT),
    "LT": ("<", _ORDER),
    "LE": ("<=", _ORDER),
    "GT": (">", _ORDER),
    "GE": (">=", _ORDER),
    "EQ": ("==", _EQUAL),
    "NE": ("!=", _EQUAL),
    "And": ("&&", _LAND),
    "Or": ("||", _LOR),
    "LShift": ("<<", _SHIFT),
    "RShift": (">>", _SHIFT),
    "BitwiseAnd": ("&", _AND),
    "BitwiseOr": ("|", _OR),
    "BitwiseXor": ("^", _XOR),
}

_COMPARISONS = ("LT", "LE", "GT", "GE", "EQ", "NE")
_BITS = ("LShift", "RShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor")
_SUFFIX = {"int64": "i64", "uint32": "u32", "uint64": "u64", "float32": "f32", "float64": "f64"}


def dtype_of(expr: ir.Expr) -> str:
    """The dtype of a scalar expression."""
    return str(expr.ty.dtype)


def _suffix(dtype: str) -> str:
    """What a typed runtime function is called for ``dtype``: narrow integers are computed as int32."""
    return _SUFFIX.get(dtype, "i32")


@dataclass
class ExpressionPrinter:
    """Prints expressions.

    ``name`` gives the C name of a variable or buffer, ``is_scalar`` tells the buffers that are printed as plain variables, and
    ``analyzer`` knows the ranges of the loop variables.
    """

    name: Callable[[tirx.Var], str]
    is_scalar: Callable[[tirx.Var], bool]
    analyzer: tvm.sym.Analyzer
    needs_libm: bool = False

    def text(self, expr: ir.Expr) -> str:
        """``expr`` as C, without outer parentheses."""
        return self._print(expr)[0]

    def access(self, buffer: tirx.Var, indices: list[ir.Expr]) -> str:
        """An element of a flat buffer."""
        if self.is_scalar(buffer):
            return self.name(buffer)
        return f"{self.name(buffer)}[{self.text(indices[0])}]"

    # ---- the printers: each returns (text, precedence) ---------------------------------------------------------------------------

    def _print(self, expr: ir.Expr) -> tuple[str, int]:
        kind = type(expr).__name__
        if kind in _BINARY:
            return self._binary(expr, kind)
        printer = getattr(self, f"_print_{kind}", None)
        if printer is None:
            raise UnsupportedOperatorError(f"the C printer has no form for a {kind} ({str(expr)[:80]})")
        result: tuple[str, int] = printer(expr)
        return result

    def _inner(self, expr: ir.Expr, minimum: int) -> str:
        """``expr`` as an operand of an operator of precedence ``minimum``."""
        text, precedence = self._print(expr)
        return text if precedence >= minimum else f"({text})"

    def _binary(self, expr: ir.Expr, kind: str) -> tuple[str, int]:
        operator, precedence = _BINARY[kind]
        dtype = dtype_of(expr)
        if kind == "Add" and _is_negative_literal(expr.b):
            return self._arithmetic(expr.a, "-", tirx.IntImm(dtype_of(expr.b), -int(expr.b.value)), _SUM, dtype)
        if kind == "Mod" and is_float(dtype):
            return self._libm("fmod", [expr.a, expr.b], dtype)
        if kind in _BITS:
            return self._narrowed(f"{self._inner(expr.a, _UNARY)} {operator} {self._inner(expr.b, _UNARY)}", precedence, dtype)
        if kind in ("And", "Or"):
            left = self._inner(expr.a, precedence if type(expr.a).__name__ == kind else _EQUAL)
            return f"{left} {operator} {self._inner(expr.b, _EQUAL)}", precedence
        if kind in _COMPARISONS:
            return f"{self._inner(expr.a, _SHIFT)} {operator} {self._inner(expr.b, _SHIFT)}", precedence
        return self._arithmetic(expr.a, operator, expr.b, precedence, dtype)

    def _arithmetic(self, a: ir.Expr, operator: str, b: ir.Expr, precedence: int, dtype: str) -> tuple[str, int]:
        text = f"{self._inner(a, precedence)} {operator} {self._inner(b, precedence + 1)}"
        return self._narrowed(text, precedence, dtype)

    def _narrowed(self, text: str, precedence: int, dtype: str) -> tuple[str, int]:
        if is_narrow(dtype):
            return f"({c_type(dtype)})({text})", _UNARY
        return text, precedence

    def _print_IntImm(self, expr: tirx.IntImm) -> tuple[str, int]:
        text = integer_literal(int(expr.value), dtype_of(expr))
        return text, _UNARY if text.startswith("-") else _PRIMARY

    def _print_FloatImm(self, expr: tirx.FloatImm) -> tuple[str, int]:
        text = float_literal(float(expr.value), dtype_of(expr))
        self.needs_libm |= "INF" in text or "NAN" in text
        return text, _UNARY if text.startswith("-") else _PRIMARY

    def _print_Var(self, expr: tirx.Var) -> tuple[str, int]:
        return self.name(expr), _PRIMARY

    def _print_TensorLoad(self, expr: ir.Expr) -> tuple[str, int]:
        return self.access(expr.source, list(expr.indices)), _PRIMARY

    def _print_Cast(self, expr: tirx.Cast) -> tuple[str, int]:
        dtype, source = dtype_of(expr), dtype_of(expr.value)
        if dtype == source or (dtype == "int32" and is_narrow(source) and type(expr.value).__name__ == "TensorLoad"):
            return self._print(expr.value)  # C promotes the load to int by itself
        if dtype == "bool":
            return f"{self._inner(expr.value, _ORDER)} != 0", _EQUAL
        return f"({c_type(dtype)}){self._inner(expr.value, _UNARY)}", _UNARY

    def _print_Not(self, expr: tirx.Not) -> tuple[str, int]:
        return f"!{self._inner(expr.a, _UNARY)}", _UNARY

    def _print_BitwiseNot(self, expr: ir.Expr) -> tuple[str, int]:
        return self._narrowed(f"~{self._inner(expr.a, _UNARY)}", _UNARY, dtype_of(expr))

    def _print_FloorDiv(self, expr: tirx.FloorDiv) -> tuple[str, int]:
        return self._floor(expr, "/", "tvm_tiny_floor_div")

    def _print_FloorMod(self, expr: tirx.FloorMod) -> tuple[str, int]:
        return self._floor(expr, "%", "tvm_tiny_floor_mod")

    def _floor(self, expr: ir.Expr, operator: str, function: str) -> tuple[str, int]:
        """C truncates towards zero: the same as flooring where neither operand can be negative."""
        dtype = dtype_of(expr)
        if is_float(dtype):
            raise UnsupportedOperatorError(f"a layer takes a flooring division of {dtype}, which has no C form here")
        zero = tirx.const(0, dtype)
        if dtype.startswith("u") or (self.analyzer.can_prove(expr.a >= zero) and self.analyzer.can_prove(expr.b > zero)):
            return self._arithmetic(expr.a, operator, expr.b, _PRODUCT, dtype)
        return self._narrowed(f"{function}_{_suffix(dtype)}({self.text(expr.a)}, {self.text(expr.b)})", _PRIMARY, dtype)

    def _print_Max(self, expr: tirx.Max) -> tuple[str, int]:
        return self._extremum(expr, "max")

    def _print_Min(self, expr: tirx.Min) -> tuple[str, int]:
        return self._extremum(expr, "min")

    def _extremum(self, expr: ir.Expr, which: str) -> tuple[str, int]:
        dtype = dtype_of(expr)
        return self._narrowed(f"tvm_tiny_{which}_{_suffix(dtype)}({self.text(expr.a)}, {self.text(expr.b)})", _PRIMARY, dtype)

    def _print_Select(self, expr: tirx.Select) -> tuple[str, int]:
        return self._choice(expr.condition, expr.true_value, expr.false_value, dtype_of(expr))

    def _choice(self, condition: ir.Expr, first: ir.Expr, second: ir.Expr, dtype: str) -> tuple[str, int]:
        text = f"{self._inner(condition, _LAND)} ? {self._inner(first, _LOR)} : {self._inner(second, _TERNARY)}"
        return self._narrowed(text, _TERNARY, dtype)

    def _print_Call(self, expr: ir.Call) -> tuple[str, int]:
        name, args = str(expr.op.name), list(expr.args)
        if name == "tirx.tvm_access_ptr":
            return self._pointer(args[1], args[2])
        dtype = dtype_of(expr)
        if name in ("tirx.call_pure_extern", "tirx.call_extern"):
            return f"{args[0].value}({', '.join(self.text(argument) for argument in args[1:])})", _PRIMARY
        if name == "prim.if_then_else":
            return self._choice(args[0], args[1], args[2], dtype)
        if name == "tirx.likely":
            return self._print(args[0])
        if name in MATH and is_float(dtype):
            return self._libm(MATH[name], args, dtype)
        if name in TEMPLATES and dtype in TEMPLATES[name]:
            self.needs_libm = True
            return TEMPLATES[name][dtype].format(*(self.text(argument) for argument in args)), _TERNARY
        if name in ("tirx.abs", "tirx.fabs"):
            return self._narrowed(f"tvm_tiny_abs_{_suffix(dtype)}({self.text(args[0])})", _PRIMARY, dtype)
        raise UnsupportedOperatorError(f"a layer calls TVM's intrinsic {name} in {dtype}, which has no C form here")

    def _libm(self, function: str, args: list[ir.Expr], dtype: str) -> tuple[str, int]:
        """A call of a function of <math.h>, in the form of its type."""
        self.needs_libm = True
        suffix = "f" if dtype == "float32" else ""
        return f"{function}{suffix}({', '.join(self.text(argument) for argument in args)})", _PRIMARY

    def _pointer(self, data: ir.Expr, offset: ir.Expr) -> tuple[str, int]:
        """``&buffer[offset]``; ``data`` is the buffer, or its data pointer."""
        buffer = data.args[0] if isinstance(data, ir.Call) else data
        if self.is_scalar(buffer):
            return f"&{self.name(buffer)}", _UNARY
        if isinstance(offset, tirx.IntImm) and int(offset.value) == 0:
            return self.name(buffer), _PRIMARY
        return f"&{self.name(buffer)}[{self.text(offset)}]", _UNARY


def _is_negative_literal(expr: ir.Expr) -> bool:
    return isinstance(expr, tirx.IntImm) and -(2**31) < int(expr.value) < 0
