"""What a frontend says about operators that it cannot take: all of them at once, each with its place and its reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tvm_tiny.errors import UnsupportedOperatorError

# Reasons are printed in lists: what TVM says at length is cut here.
_LONGEST_REASON = 240

# Exceptions of TVM's importers whose message was written for a user. The messages of others (an AttributeError, a KeyError, a check
# that failed) tell about the importer's inside.
_SPEAKING = ("OpNotImplemented", "OpAttributeInvalid", "OpAttributeUnImplemented", "NotImplementedError", "ValueError")
_NOISE = re.compile(r'\s*(Traceback|File "|\[\w+\])')


class Refused(Exception):
    """Raised inside a converter: this form of the operator is not supported; the message is the reason that the user reads."""


@dataclass(frozen=True)
class Refusal:
    """One operator of a model that cannot be taken.

    ``operator`` is its name as a user knows it ("CONV_2D", "CUSTOM MyOp"), ``index`` its position in the file, counted from 0, and
    ``tensor`` its first output.
    """

    operator: str
    index: int
    tensor: str
    reason: str


def unsupported(file: str, total: int, refusals: Sequence[Refusal]) -> UnsupportedOperatorError:
    """The error that lists ``refusals`` of a model with ``total`` operators: one line for each operator and reason."""
    groups: dict[tuple[str, str], list[Refusal]] = {}
    for refusal in refusals:
        groups.setdefault((refusal.operator, refusal.reason), []).append(refusal)
    lines = [
        f"  {operator}, {len(group)} times, first as operator {group[0].index} (output {group[0].tensor!r}): {reason}"
        for (operator, reason), group in groups.items()
    ]
    count = f"{len(refusals)} of the {total} operators" if len(refusals) > 1 else "an operator"
    message = f"{file}: {count} cannot be compiled\n" + "\n".join(line.replace(", 1 times,", ",") for line in lines)
    return UnsupportedOperatorError(message, "`tvm-tiny operators` lists what can be compiled, and with which constraints")


def reason_of(error: Exception) -> str:
    """Why a converter failed, in one line that a user can read."""
    if isinstance(error, Refused):
        return str(error)
    told = [line.strip() for line in str(error).splitlines() if line.strip() and not _NOISE.match(line)]
    if type(error).__name__ not in _SPEAKING or not told:
        return f"TVM's importer does not know this form of it ({type(error).__name__})"
    text = re.sub(r"\s+", " ", told[0])
    text = text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 3] + "..."
    return f"TVM's importer refuses it: {text}"
