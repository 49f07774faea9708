"""TVM's scalar intrinsics as C. What is not listed here has no C form, and is refused by name."""

from __future__ import annotations

_MATH_NAMES = (
    "exp exp2 log log2 log10 log1p sqrt pow tanh sinh cosh sin cos tan asin acos atan atan2 asinh acosh atanh erf "
    "floor ceil trunc round nearbyint fabs fmod hypot copysign"
).split()

MATH = {f"{room}.{name}": name for room in ("tirx", "prim") for name in _MATH_NAMES}
"""Functions of <math.h>, by the intrinsic's name; the float32 form has an f behind its name."""

TEMPLATES = {
    "tirx.rsqrt": {"float32": "1.0f / sqrtf({0})", "float64": "1.0 / sqrt({0})"},
    "tirx.sigmoid": {"float32": "1.0f / (1.0f + expf(-({0})))", "float64": "1.0 / (1.0 + exp(-({0})))"},
    "tirx.isnan": {"bool": "isnan({0}) != 0"},
    "tirx.isinf": {"bool": "isinf({0}) != 0"},
}
"""C text over the printed arguments, by the intrinsic's name and the result's dtype."""
