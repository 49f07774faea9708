"""TVM dtypes in C, and literals."""

from __future__ import annotations

import math

import numpy as np

from tvm_tiny.errors import UnsupportedOperatorError

C_TYPES = {
    "bool": "uint8_t",
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "uint16": "uint16_t",
    "int32": "int32_t",
    "uint32": "uint32_t",
    "int64": "int64_t",
    "uint64": "uint64_t",
    "float32": "float",
    "float64": "double",
}

_NARROW = {"bool", "int8", "uint8", "int16", "uint16"}


def c_type(dtype: str) -> str:
    """The C type of a TVM dtype.

    Raises
    ------
    UnsupportedOperatorError
        C99 has none (float16, bfloat16, vectors).
    """
    if dtype not in C_TYPES:
        raise UnsupportedOperatorError(
            f"a layer computes in {dtype}, which C99 does not have: expected one of {', '.join(C_TYPES)}"
        )
    return C_TYPES[dtype]


def is_narrow(dtype: str) -> bool:
    """True where C promotes the type to int before any arithmetic."""
    return dtype in _NARROW


def is_float(dtype: str) -> bool:
    """True for float32 and float64."""
    return dtype.startswith("float")


def integer_literal(value: int, dtype: str) -> str:
    """``value`` as a C constant of ``dtype``; what fits int is written plainly."""
    if dtype == "int64":
        return f"INT64_C({value})" if value > -(2**63) else "INT64_MIN"
    if dtype == "uint64":
        return f"UINT64_C({value})"
    if dtype == "uint32":
        return f"{value}u"
    if value == -(2**31):
        return "INT32_MIN"
    return str(value)


def float_literal(value: float, dtype: str) -> str:
    """``value`` as a C constant with the fewest digits that give the same number back."""
    if math.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    if math.isnan(value):
        return "NAN"
    text = repr(float(value)) if dtype == "float64" else str(np.float32(value))
    if "." not in text and "e" not in text:
        text += ".0"
    return text if dtype == "float64" else f"{text}f"
