"""What people read of a compiled model and of its runs. The report of :mod:`tvm_tiny.report.summary` in, text out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tvm_tiny.model import TensorSpec
from tvm_tiny.report.npu import npu_fields
from tvm_tiny.report.table import Cell, fields_text, shape_text, text_table

Report = Mapping[str, Any]

_TOP = 5
_MOST_SAMPLES = 20
_LONGEST_NAME = 48
_MOST_NAMES = 6


def memory_text(report: Report) -> str:
    """Sizes and counts of a compiled model, with what a run measured where the report has it."""
    return fields_text(memory_fields(report))


def memory_fields(report: Report) -> list[tuple[str, Cell, str]]:
    """The same as (name, value, remark); a value is None where it is not known."""
    ram, flash, layers = report["ram"], report["flash"], report["layers"]
    measured = f"per inference, by {report['counter']}" if report.get("counter") else "per inference"
    live = "" if report["live_macs"] == report["macs"] else f"{report['live_macs']:,} of them matter to the output"
    return [
        ("arena", _bytes(ram["arena"]), f"of RAM; lower bound {ram['arena_lower_bound']:,}, {_io(report)}"),
        *_pools(report),
        ("planned by", report.get("planner"), _proof(report)),
        ("stack", _bytes(ram["stack"]), f"at its deepest, measured{_stack_note(ram)}"),
        ("weights", _bytes(flash["weights"]), _weights_note(flash)),
        ("code", _bytes(flash["code"]), f"of flash{_entry_note(flash)}"),
        ("layers", len(layers), ""),
        ("MACs", report["macs"], live),
        ("instructions", report["instructions"], measured),
        ("cycles", report["cycles"], f"per inference, model {report['cycle_model']}" if report["cycle_model"] else measured),
        *npu_fields(report),
    ]


def _pools(report: Report) -> list[tuple[str, Cell, str]]:
    """A line for each memory, where there are several."""
    pools = report.get("memory", {}).get("pools", ())
    shown = pools if len(pools) > 1 else ()
    return [(f"  {pool['name']}", _bytes(pool["bytes"]), _capacity(pool)) for pool in shown]


def _capacity(pool: Mapping[str, Any]) -> str:
    return f"cost {pool['cost']}" if pool["capacity"] is None else f"of {pool['capacity']:,}, cost {pool['cost']}"


def _stack_note(ram: Mapping[str, Any]) -> str:
    bound = ram.get("stack_bound")
    return f"; never more than {bound:,}, by the machine code" if bound else ""


def _entry_note(flash: Mapping[str, Any]) -> str:
    entry = flash.get("entry")
    return f"; {entry:,} of them call the layers" if entry else ""


def _io(report: Report) -> str:
    outside = report.get("memory", {}).get("io") == "outside"
    return (
        f"{report['ram']['io']:,} more outside for inputs and outputs" if outside else f"inputs and outputs {report['ram']['io']:,}"
    )


def _proof(report: Report) -> str:
    """How good the arena is: what is proven of it, with the overlap of outputs and inputs that the layers allow."""
    arena, bound = report["ram"]["arena"], report["ram"].get("arena_lower_bound_overlap", 0)
    plain = report["ram"].get("arena_lower_bound_no_overlap", 0)
    saved = f"; without overlap of outputs and inputs at least {plain:,}" if plain > arena else ""
    if report.get("planner_optimal"):
        several = len(report.get("memory", {}).get("pools", ())) > 1
        return f"proven: no plan {'costs less' if several else 'is smaller'}{saved}"
    return f"no plan is smaller than {bound:,}: {arena / bound:.3f} times that{saved}" if bound else ""


def peak_text(report: Report) -> str:
    """The layers at which most memory is in use, and the buffers in use there. "" for a model without layers."""
    peak = report["memory"]["peak"]
    if not peak["layers"] or not peak["buffers"]:
        return ""
    more = len(peak["layers"]) - _MOST_NAMES
    names = ", ".join(peak["layers"][:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
    rows = [(shortened(buffer["name"]), buffer["kind"], buffer["bytes"]) for buffer in peak["buffers"]]
    sums = sum(buffer["bytes"] for buffer in peak["buffers"])
    shared = f" ({sums - peak['bytes']:,} of them shared)" if sums > peak["bytes"] else ""
    gaps = report["ram"]["arena"] - peak["bytes"]
    lost = f"; {gaps:,} bytes of the arena are gaps" if gaps else ""
    title = f"The peak of {peak['bytes']:,} bytes is at {names}{lost}. In use at {peak['layers'][0]}{shared}:"
    return f"{title}\n{text_table(['buffer', 'kind', 'bytes'], rows)}"


def tensors_text(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> str:
    """The tensors that cross the model's border."""
    rows = [
        (
            kind,
            shortened(spec.name),
            shape_text(spec.shape),
            spec.dtype,
            spec.scale,
            None if spec.zero_point is None else str(spec.zero_point),
        )
        for kind, specs in (("input", inputs), ("output", outputs))
        for spec in specs
    ]
    return text_table(["", "name", "shape", "dtype", "scale", "zero point"], rows)


def _weights_note(flash: dict[str, Any]) -> str:
    if "kernels" not in flash:  # written by an earlier version
        return "of flash"
    if flash.get("streams"):
        kinds = f"kernels {flash['kernels']:,}, kernels with biases {flash['streams']:,}, other parameters {flash['parameters']:,}"
        return f"of flash: {kinds}"
    return f"of flash: kernels {flash['kernels']:,}, biases, multipliers and tables {flash['parameters']:,}"


def layers_text(report: Report) -> str:
    """The layers in their order of execution; columns that no layer has a value for are left out."""
    if not report["layers"]:
        return "the model has no layers: its outputs are its inputs"
    columns = {
        "layer": [layer["name"] for layer in report["layers"]],
        "operator": [layer["op"] for layer in report["layers"]],
        "output": [shape_text(layer["output"]) for layer in report["layers"]],
        "dtype": [layer["dtype"] for layer in report["layers"]],
        "MACs": [layer["macs"] or None for layer in report["layers"]],
        "RAM": [layer.get("ram") for layer in report["layers"]],
        "instructions": [layer["instructions"] for layer in report["layers"]],
        "cycles": [layer["cycles"] for layer in report["layers"]],
        "schedule": [layer["schedule"] for layer in report["layers"]],
    }
    shown = {name: values for name, values in columns.items() if any(value is not None for value in values)}
    return text_table(list(shown), list(zip(*shown.values(), strict=True)))


def stages_text(report: Report) -> str:
    """Which layers are several layers of the model, run row by row; "" where none is."""
    return "\n".join(
        f"{layer['name']} runs row by row: {', '.join(layer['stages'])}" for layer in report["layers"] if layer.get("stages")
    )


def bench_text(reports: Sequence[Report]) -> str:
    """A row for each model and board that was measured; sizes in bytes, counts per inference."""
    npu = any(report.get("npu") for report in reports)
    rows = [
        (
            report["model"],
            report["board"],
            report["target"],
            report["instructions"],
            report["cycles"],
            *([report["npu"]["cycles"] if report.get("npu") else None] if npu else []),
            f"{report['live_macs'] / report['cycles']:.3f}" if report["cycles"] and report["live_macs"] and not npu else None,
            report["ram"]["arena"],
            report["ram"]["stack"],
            report["flash"]["weights"],
            report["flash"]["code"],
        )
        for report in reports
    ]
    return text_table(
        [
            *("model", "board", "target", "instructions", "cycles"),
            *(["NPU cycles"] if npu else []),
            *("MAC/cycle", "arena", "stack", "weights", "code"),
        ],
        rows,
    )


def comparison_text(reports: Sequence[Report]) -> str:
    """A row for each setting of ``--optimize``; sizes in bytes, counts per inference."""
    rows = [
        (
            report["optimize"],
            report["ram"]["arena"],
            report["ram"]["stack"],
            report["flash"]["weights"],
            report["flash"]["code"],
            report["instructions"],
            report["cycles"],
        )
        for report in reports
    ]
    return text_table(["optimize", "arena", "stack", "weights", "code", "instructions", "cycles"], rows)


def float_layers_text(report: Report) -> str:
    """Which layers compute with floating-point numbers, by reason, conversions included. "" where all are integer."""
    reasons: dict[str, list[str]] = {}
    for each in report["float_layers"]:
        tensor = f" ({shortened(each['tensor'])})" if each["tensor"] else ""
        reasons.setdefault(each["reason"], []).append(f"{each['layer']}{tensor}")
    if not reasons:
        return ""
    rows = []
    for reason, names in reasons.items():
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        rows.append((reason, ", ".join(names[:_MOST_NAMES]) + more))
    count = f"{len(report['float_layers'])} of {len(report['layers'])} layers compute with floating-point numbers"
    return f"{count}:\n" + text_table(["reason", "layers (tensors of the model)"], rows)


def tuning_text(report: Report) -> str:
    """How many schedules are tuned, and what is to be known of the databases; "" where nothing was."""
    tuning = report.get("tuning")
    if tuning is None or not (tuning["tuned"] or tuning["remarks"]):
        return ""
    tuned = sum(layer["schedule"] == "tuned" for layer in report["layers"])
    lines = [f"{tuned} of {len(report['layers'])} layers have tuned schedules (for {tuning['compiler']})"] if tuned else []
    return "\n".join([*lines, *tuning["remarks"]])


def arena_check_text(report: Report) -> str:
    """What a check of the arena proved; "" where there was none."""
    check = report.get("arena_check")
    if check is None:
        return ""
    return (
        f"The arena of exactly {check['arena']:,} bytes was checked around each of {check['layers']:,} layers in "
        f"{check['samples']:,} runs: no layer changed a byte outside its outputs and scratch memory, and no guard was touched."
    )


def comparisons_text(tensors: Sequence[Mapping[str, Any]]) -> str:
    """The tensors that a verification compared, as its report lists them."""
    rows = [
        (each["layer"] or "(output)", each["elements"], each["mismatches"], float(each["max_abs_diff"]), shortened(each["tensor"]))
        for each in tensors
    ]
    return text_table(["layer", "elements", "mismatches", "largest difference", "tensor of the model"], rows)


def shortened(name: str) -> str:
    """A tensor's name as a table shows it: fused layers have names of several hundred letters. The report has all of it."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."


def outputs_text(specs: Sequence[TensorSpec], samples: Sequence[Mapping[str, np.ndarray]]) -> str:
    """The largest values of one run's outputs, or the largest one of each of several runs."""
    if len(samples) == 1:
        return "\n\n".join(_largest(spec, samples[0][spec.name]) for spec in specs)
    rows = [
        (index, shortened(spec.name), *_value(spec, sample[spec.name], int(np.argmax(sample[spec.name]))))
        for index, sample in enumerate(samples[:_MOST_SAMPLES])
        for spec in specs
    ]
    text = text_table(["sample", "output", "largest at", "stored", "value"], rows)
    more = len(samples) - _MOST_SAMPLES
    return f"{text}\n... and {more:,} more samples; --json has all" if more > 0 else text


def _largest(spec: TensorSpec, array: np.ndarray) -> str:
    flat = array.reshape(-1)
    order = np.argsort(-flat.astype(np.float64), kind="stable")[:_TOP]
    title = f"{shortened(spec.name)}, {spec.dtype} {shape_text(spec.shape)}"
    title += f": its {len(order)} largest values of {flat.size:,}" if flat.size > len(order) else ""
    return title + "\n" + text_table(["at", "stored", "value"], [_value(spec, array, int(index)) for index in order])


def _value(spec: TensorSpec, array: np.ndarray, flat_index: int) -> tuple[str, str, float]:
    """Position, stored value and real value of one element; a leading axis of one is not part of the position."""
    position = [int(index) for index in np.unravel_index(flat_index, array.shape)]
    if len(position) > 1 and array.shape[0] == 1:
        position = position[1:]
    stored = array.reshape(-1)[flat_index]
    return ", ".join(str(index) for index in position), str(stored.item()), float(spec.dequantize(stored))


def _bytes(size: int | None) -> str | None:
    return None if size is None else f"{size:,} bytes"
