"""``tvm-tiny operators``: which operators of a model file can be compiled, and under which constraints."""

from __future__ import annotations

import argparse
import dataclasses
import sys

from tvm_tiny.commands.verb import Verb, say, write_json
from tvm_tiny.op.support import GENERAL, Support, operators
from tvm_tiny.report.table import markdown_table, text_table

_PREFACE = (
    "What a model may consist of. This page is written by `tvm-tiny operators --markdown`. Its tests compile a model of every "
    "row in every dtype, and one that violates each constraint.",
    '"8-bit arithmetic" tells how int8 and uint8 activations are computed: in *integer* arithmetic; in *float32*, between a '
    "dequantize and a quantize; or the operator is *refused* with them. Where a constraint does not hold, the operator is "
    "computed in float32, which `tvm-tiny compile` reports with the reason, or the model is refused.",
    "*NPU* marks what a target such as `cortex-m33+etpu-16` computes beside the core; what it cannot take of such an operator, and "
    "why, `tvm-tiny compile` and `tvm-tiny doctor MODEL --target T` tell.",
    "Operators that are not listed are refused, or taken from TVM's importer as they come: nothing is promised for them.",
)

_FORMATS = {"tflite": "TensorFlow Lite", "onnx": "ONNX"}


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=list(_FORMATS), help="only the operators of this format")
    parser.add_argument("--markdown", action="store_true", help="print the page docs/operators.md")


def _run(options: argparse.Namespace) -> None:
    rows = [row for row in operators() if options.format in (None, row.format)]
    write_json(options, [dataclasses.asdict(row) for row in rows])
    if options.markdown:
        if options.json != "-":
            sys.stdout.write(page(rows))
        return
    notes = list(dict.fromkeys(constraint for row in rows for constraint in row.constraints))
    table = [
        (
            row.format,
            row.operator,
            ", ".join(row.dtypes),
            arithmetic(row),
            "yes" if row.npu else "-",
            " ".join(str(notes.index(each) + 1) for each in row.constraints),
        )
        for row in rows
    ]
    say(
        options,
        text_table(["format", "operator", "dtypes", "8-bit arithmetic", "NPU", "constraints"], table),
        "Constraints of the integer form:\n" + "\n".join(f"{number:>3} {note}" for number, note in enumerate(notes, start=1)),
    )


def arithmetic(row: Support) -> str:
    """How activations of 8 bits are computed."""
    if row.integer:
        return "integer"
    return "float32" if "int8" in row.dtypes else "refused"


def page(rows: list[Support]) -> str:
    """``docs/operators.md``: the rows in Markdown."""
    parts = ["# Operators", *_PREFACE]
    for name, title in _FORMATS.items():
        chosen = [row for row in rows if row.format == name]
        if chosen:
            parts += [f"## {title}", "\n".join(f"- {sentence}" for sentence in GENERAL[name]), _table(chosen)]
    return "\n\n".join(parts) + "\n"


def _table(rows: list[Support]) -> str:
    cells = [_cells(row) for row in rows]
    return markdown_table(["operator", "dtypes", "8-bit arithmetic", "NPU", "constraints of the integer form"], cells)


def _cells(row: Support) -> tuple[str, ...]:
    return f"`{row.operator}`", ", ".join(row.dtypes), arithmetic(row), "yes" if row.npu else "", " ".join(row.constraints)


VERB = Verb(
    "operators",
    "list the operators that can be compiled",
    ("tvm-tiny operators", "tvm-tiny operators --format onnx --json -", "tvm-tiny operators --markdown > docs/operators.md"),
    _add_options,
    _run,
)
