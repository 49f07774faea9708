"""Tables: for people in plain text, for documents in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

Cell = str | int | float | bool | None

_GAP = "  "


def text_table(headers: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Columns under their headers, as wide as their widest cell; columns of numbers are aligned to the right.

    Integers are grouped in thousands; None is "-". Without rows it is the headers alone.

    Raises
    ------
    ValueError
        A row has another number of cells than there are headers.
    """
    cells = [[cell_text(cell) for cell in row] for row in _checked(headers, rows)]
    right = [_is_numeric([row[column] for row in rows]) for column in range(len(headers))]
    widths = [max(len(row[column]) for row in [list(headers), *cells]) for column in range(len(headers))]
    lines = [list(headers), ["-" * width for width in widths], *cells]
    return "\n".join(_line(line, widths, right) for line in lines)


def fields_text(fields: Sequence[tuple[str, Cell, str]], indent: str = "  ") -> str:
    """(name, value, remark) line by line, the values aligned; a field without a value is left out."""
    shown = [(name, cell_text(value), remark) for name, value, remark in fields if value is not None]
    names = max((len(name) for name, _, _ in shown), default=0)
    values = max((len(value) for _, value, remark in shown if remark), default=0)
    return "\n".join(f"{indent}{name:<{names}}  {value:<{values}}  {remark}".rstrip() for name, value, remark in shown)


def markdown_table(headers: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A table in GitHub's Markdown."""
    rows = _checked(headers, rows)
    right = [_is_numeric([row[column] for row in rows]) for column in range(len(headers))]
    lines = [list(headers), ["---:" if each else "---" for each in right], *([cell_text(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def cell_text(cell: Cell) -> str:
    """A cell as both kinds of table print it."""
    if cell is None:
        return "-"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return f"{cell:.6g}"
    return cell


def shape_text(shape: Sequence[int]) -> str:
    """A shape as people write it: "1 x 49 x 10 x 1"; "scalar" for that of a single number."""
    return " x ".join(str(extent) for extent in shape) or "scalar"


def _checked(headers: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Sequence[Sequence[Cell]]:
    for row in rows:
        if len(row) != len(headers):
            raise ValueError(f"a row of {len(row)} cells under {len(headers)} headers: {row}")
    return rows


def _is_numeric(column: Sequence[Cell]) -> bool:
    numbers = [cell for cell in column if cell is not None]
    return bool(numbers) and all(isinstance(cell, (int, float)) and not isinstance(cell, bool) for cell in numbers)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    aligned = (
        cell.rjust(width) if to_right else cell.ljust(width) for cell, width, to_right in zip(cells, widths, right, strict=True)
    )
    return _GAP.join(aligned).rstrip()
