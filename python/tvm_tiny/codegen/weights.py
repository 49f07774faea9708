"""``<model>_weights.c`` and ``.h``: everything constant, as arrays that a linker can place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tvm_tiny.codegen.ctypes import c_type, float_literal, integer_literal, is_float
from tvm_tiny.codegen.text import comment, tensor_text
from tvm_tiny.codegen.wrap import WIDTH
from tvm_tiny.program import Constant

_INDENT = "  "
_NICE_ROW = 16  # values in a row where the array's own rows do not fit a line


def print_weights_header(prefix: str, constants: Sequence[Constant]) -> str:
    """Declarations of ``<prefix>_<constant>``."""
    upper = f"{prefix.upper()}_WEIGHTS"
    declarations = "".join(f"extern {_declarator(prefix, constant)};\n" for constant in constants)
    return f"""\
{comment(f"The constants of the model {prefix}: what its layers read.")}
#ifndef {upper}_H_
#define {upper}_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

{declarations}
#ifdef __cplusplus
}}
#endif

#endif /* {upper}_H_ */
"""


def print_weights(
    prefix: str, constants: Sequence[Constant], pools: Mapping[str, str] | None = None, *, identity: bool = False
) -> str:
    """Definitions of ``<prefix>_<constant>``; ``pools`` names the pool of those that shall not lie where all others do.

    ``identity`` adds the version and the hash that ``<prefix>.h`` declares.
    """
    pools = pools or {}
    arrays = "".join("\n" + _definition(prefix, constant, pools.get(constant.name)) for constant in constants)
    needs_math = any(is_float(str(each.data.dtype)) and not np.isfinite(each.data).all() for each in constants)
    math_include = "#include <math.h>\n\n" if needs_math else ""
    own = [f'#include "{prefix}.h"\n', _identity(prefix)] if identity else ["", ""]
    return f"""\
{comment(f"The constants of the model {prefix}.")}
#include "{prefix}_weights.h"

{math_include}{own[0]}#include "tvm_tiny/runtime/compiler.h"
{own[1]}\
{"".join(_pool_macro(prefix, pool) for pool in dict.fromkeys(pools.values()))}{arrays}"""


def _identity(prefix: str) -> str:
    upper = prefix.upper()
    version, content = f"{upper}_TVM_TINY_VERSION", f"{upper}_CONTENT_HASH"
    return f"""
TVM_TINY_WEIGHTS const char {prefix}_tvm_tiny_version[sizeof({version})] = {version};
TVM_TINY_WEIGHTS const char {prefix}_content_hash[sizeof({content})] = {content};
"""


def _pool_macro(prefix: str, pool: str) -> str:
    upper = f"{prefix.upper()}_{pool.upper()}"
    return f"""
/* For constants in the pool {pool}: define {upper}_SECTION as a string, -D{upper}_SECTION='".{pool}"', to put
 * them into a section of that memory. The start-up code or a loader must fill it. */
#ifdef {upper}_SECTION
#define {upper}_WEIGHTS TVM_TINY_SECTION({upper}_SECTION) TVM_TINY_ALIGNED(4)
#else
#define {upper}_WEIGHTS TVM_TINY_WEIGHTS
#endif
"""


def _declarator(prefix: str, constant: Constant) -> str:
    return f"const {c_type(str(constant.data.dtype))} {prefix}_{constant.name}[{constant.data.size}]"


def initializer(data: np.ndarray) -> str:
    """What stands between the braces of an array of ``data``: lines of literals in C order."""
    row = next((extent for extent in reversed(data.shape) if extent > 1), 1)
    return "\n".join(_rows(_literals(data), row))


def _definition(prefix: str, constant: Constant, pool: str | None) -> str:
    data = constant.data
    head = comment(f"{tensor_text(data.shape, str(data.dtype))}, {constant.nbytes} bytes")
    where = "TVM_TINY_WEIGHTS" if pool is None else f"{prefix.upper()}_{pool.upper()}_WEIGHTS"
    return f"{head}\n{where} {_declarator(prefix, constant)} = {{\n{initializer(data)}\n}};\n"


def _literals(data: np.ndarray) -> list[str]:
    flat, dtype = np.ascontiguousarray(data).ravel(), str(data.dtype)
    if is_float(dtype):
        return [float_literal(float(value), dtype) for value in flat]
    if dtype in ("uint32", "int64", "uint64") or (dtype == "int32" and flat.min() == -(2**31)):
        return [integer_literal(int(value), dtype) for value in flat]
    return [str(value) for value in flat.astype(np.int64).tolist()]


def _rows(literals: Sequence[str], row: int) -> list[str]:
    """Columns under columns; a line holds whole rows of the array, or the largest part of one that divides it, where they fit."""
    width = max(map(len, literals))
    room = max(1, (WIDTH - len(_INDENT) + 1) // (width + 2))
    count = _values_in_line(len(literals), row, room)
    lines = []
    for start in range(0, len(literals), count):
        values = ", ".join(literal.rjust(width) for literal in literals[start : start + count])
        lines.append(f"{_INDENT}{values},")
    lines[-1] = lines[-1].removesuffix(",")
    return lines


def _values_in_line(size: int, row: int, room: int) -> int:
    if row <= 1:
        return min(size, room, _NICE_ROW)
    if row <= room:
        return row * max(1, min(room, _NICE_ROW) // row)
    return next((count for count in range(room, room // 2, -1) if row % count == 0), min(room, _NICE_ROW))
