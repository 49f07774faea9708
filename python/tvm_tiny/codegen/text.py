"""Small pieces of C text: comments, sizes and shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tvm_tiny.codegen.ctypes import float_literal
from tvm_tiny.codegen.wrap import WIDTH


def comment(text: str, indent: str = "") -> str:
    """``text`` as a C comment on one line.

    It may hold anything, names out of a model file included: what would end the comment, what is not printable ASCII and what does
    not fit the line is replaced.
    """
    safe = "".join(char if " " <= char <= "~" else "?" for char in text)
    while "*/" in safe or "/*" in safe:
        safe = safe.replace("*/", "* /").replace("/*", "/ *")
    room = WIDTH - len(indent) - len("/*  */")
    if len(safe) > room:
        safe = safe[: room - 3].rstrip() + "..."
    return f"{indent}/* {safe} */"


def tensor_text(shape: Sequence[int], dtype: str) -> str:
    """A tensor's type for the reader: "1x25x5x64 int8"."""
    return f"{'x'.join(str(extent) for extent in shape) or 'scalar'} {dtype}"


def size_literal(nbytes: int) -> str:
    """A number of bytes or elements as an unsigned C constant."""
    return f"{nbytes}u"


def scale_literal(scale: float) -> str:
    """A quantisation scale as a float constant with the fewest digits that give the same float32 back.

    Raises
    ------
    ValueError
        The scale is no positive finite number in float32: no quantised tensor has such a scale.
    """
    if not math.isfinite(scale) or np.float32(scale) <= 0:
        raise ValueError(f"a scale must be a positive number in float32: found {scale}")
    return float_literal(scale, "float32")


def parameter_list(head: str, parameters: Sequence[str]) -> str:
    """``head(parameters)``, broken after commas under the opening parenthesis where it is too long for a line."""
    line, lines = f"{head}(", []
    indent = " " * len(line)
    for index, parameter in enumerate(parameters):
        last = index == len(parameters) - 1
        piece = f"{parameter})" if last else f"{parameter},"
        if line.strip() and not line.endswith("(") and len(line) + 1 + len(piece) + 2 > WIDTH:
            lines.append(line)
            line = indent + piece
        else:
            line += piece if line.endswith("(") else f" {piece}"
    return "\n".join([*lines, line])
