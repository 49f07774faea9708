"""Long C lines broken where a reader would break them."""

from __future__ import annotations

WIDTH = 120
_BREAKS = ((" ? ", 1), (" : ", 1), (" && ", 4), (" || ", 4), (", ", 2), (" + ", 1), (" - ", 1), (" = ", 3))


def wrapped(line: str) -> list[str]:
    """``line`` in pieces of at most :data:`WIDTH` columns where it can be broken; continuation lines are indented by four more.

    Breaks stand after a comma, ``&&`` or ``=``, and before ``?``, ``:``, ``+`` and ``-``, at the shallowest level of parentheses.
    """
    indent = len(line) - len(line.lstrip())
    pieces: list[str] = []
    rest = line
    while len(rest) > WIDTH:
        at = _best_break(rest, indent + 4 if pieces else indent)
        if at is None:
            break
        pieces.append(rest[:at].rstrip())
        rest = " " * (indent + 4) + rest[at:].lstrip()
    return [*pieces, rest]


def _best_break(line: str, start: int) -> int | None:
    depth, candidates = 0, []
    for column, char in enumerate(line[: WIDTH + 1]):
        if char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        for token, behind in _BREAKS:
            if column > start and line.startswith(token, column):
                at = column + behind
                if at <= WIDTH and line[:at].strip():
                    candidates.append((depth, -at))
    usable = [each for each in candidates if -each[1] > start + 20]
    if not usable:
        return None
    return -min(usable)[1]
