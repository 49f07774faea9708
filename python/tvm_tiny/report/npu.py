"""The key ``npu`` of a report, and what people read of it. Regions of a model add up: each is a job of its own (npu/summary.py)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tvm_tiny.report.table import Cell, text_table

Report = Mapping[str, Any]

_SUMS = ("cycles", "load_cycles", "cache")
_TABLES = ("sram_traffic", "offchip_traffic", "energy_nj")


def npu_report(regions: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """All regions of a model as one: they run one after the other. None where there are none."""
    if not regions:
        return None
    cycles = sum(each["cycles"] for each in regions)
    report: dict[str, Any] = {"config": regions[0]["config"], "regions": len(regions)}
    report |= {key: sum(each[key] for each in regions) for key in _SUMS}
    report["sram"] = max(each["sram"] for each in regions)
    report["utilisation"] = sum(each["utilisation"] * each["cycles"] for each in regions) / cycles if cycles else 0.0
    report["units"] = {
        unit: {
            "commands": sum(each["units"][unit]["commands"] for each in regions),
            "busy": sum(each["units"][unit]["busy"] for each in regions),
            "stalls": _added([each["units"][unit]["stalls"] for each in regions]),
        }
        for unit in regions[0]["units"]
    }
    report |= {table: _added([each[table] for each in regions]) for table in _TABLES}
    report["layers"] = [layer for each in regions for layer in each["layers"]]
    report["timeline"] = _joined(regions)
    return report


def _added(tables: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    total: Counter[str] = Counter()
    for table in tables:
        total.update(table)
    return {key: round(total[key], 3) for key in tables[0]}


def _joined(regions: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """The timelines behind each other; numbers of layers go on."""
    joined: list[list[Any]] = []
    start = first = 0
    for each in regions:
        joined += [[unit, layer + first, begin + start, end + start] for unit, layer, begin, end in each["timeline"]]
        start, first = start + each["cycles"], first + len(each["layers"])
    return joined


def npu_fields(report: Report) -> list[tuple[str, Cell, str]]:
    """(name, value, remark) for the sizes and costs; empty without an NPU."""
    npu = report.get("npu")
    if not npu:
        return []
    energy, offchip = npu["energy_nj"], sum(npu["offchip_traffic"].values())
    jobs = f"{npu['regions']} jobs, " if npu["regions"] > 1 else ""
    return [
        ("NPU cycles", npu["cycles"], f"per inference on {npu['config']}, {jobs}{npu['load_cycles']:,} more to fill its cache"),
        ("  array", f"{npu['utilisation']:.1%}", "of its multipliers used, over all cycles"),
        ("  SRAM", f"{npu['sram']:,} bytes", f"for activations; {npu['cache']:,} for weights and parameters"),
        ("  off-chip", f"{offchip:,} bytes", f"per inference, {npu['offchip_traffic']['commands']:,} of them commands"),
        ("  energy", f"{energy['total']:,.0f} nJ", f"estimated: {_shares(energy)}"),
    ]


def _shares(energy: Mapping[str, float]) -> str:
    names = {"mac": "multiplications", "sram": "SRAM", "offchip": "off-chip memory"}
    return ", ".join(f"{names[key]} {energy[key]:,.0f}" for key in names)


def on_core_text(report: Report) -> str:
    """Which operators the core computes although there is an NPU, by reason; "" where there are none."""
    refused = report.get("on_core", ())
    if not refused:
        return ""
    rows = [(each["operator"], each["tensor"].split(";")[0], each["reason"]) for each in refused]
    count = "1 operator stays" if len(rows) == 1 else f"{len(rows)} operators stay"
    return f"{count} on the core:\n{text_table(['operator', 'tensor of the model', 'reason'], rows)}"


def npu_rows(npu: Mapping[str, Any]) -> tuple[list[str], list[tuple[Cell, ...]]]:
    """Headers and rows of the table of layers. Cycles overlap: they are from a layer's first start to its last end."""
    headers = ["", "layer", "unit", "MACs", "cycles", "array", "vector", "DMA", "used", "SRAM bytes", "off-chip", "nJ"]
    rows: list[tuple[Cell, ...]] = [
        (
            str(index),
            layer["name"],
            layer["unit"],
            layer["live_macs"] or None,
            layer["cycles"],
            *(layer["busy"].get(unit) for unit in ("array", "vector", "dma")),
            f"{layer['utilisation']:.0%}" if layer["busy"].get("array") else None,
            sum(layer["sram_traffic"].values()),
            sum(layer["offchip_traffic"].values()) or None,
            f"{layer['energy_nj']['total']:,.1f}",
        )
        for index, layer in enumerate(npu["layers"])
    ]
    return headers, rows


def npu_text(report: Report) -> str:
    """The layers that the NPU computes; "" without one."""
    npu = report.get("npu")
    if not npu:
        return ""
    headers, rows = npu_rows(npu)
    title = f"On {npu['config']}, cycles by layer from first start to last end, and by unit:"
    return f"{title}\n{text_table(headers, rows)}"
