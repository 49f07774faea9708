"""What a report tells of a command stream: cycles by unit and layer, utilisation, traffic, energy, and the course of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tvm_tiny.npu.commands import Unit
from tvm_tiny.npu.device import Event, Totals, count
from tvm_tiny.npu.energy import energy_of
from tvm_tiny.target.npu import Npu


@dataclass(frozen=True)
class LayerFacts:
    """An operator that the NPU computes: number i in a stream is entry i of a list of these."""

    name: str
    op: str
    output: tuple[int, ...]
    macs: int = 0
    live_macs: int = 0
    tensor: str = ""


def summarise(npu: Npu, run: bytes, load: bytes, layers: Sequence[LayerFacts], *, sram: int, cache: int) -> dict[str, Any]:
    """The report of a region, as JSON: its counts depend on the stream only, never on the data.

    ``sram`` are the bytes that activations take, ``cache`` those of weights and parameters.
    """
    counted = count(npu, run)
    by_layer = counted.by_layer()
    total = Totals.of(counted.events)
    return {
        "config": npu.name,
        "cycles": counted.cycles,
        "load_cycles": count(npu, load).cycles if load else 0,
        "sram": sram,
        "cache": cache,
        "utilisation": counted.utilisation,
        "units": {unit.name.lower(): _unit(totals) for unit, totals in counted.by_unit().items()},
        **_traffic(total, npu),
        "layers": [_layer(facts, by_layer.get(index, {}), counted.events, index, npu) for index, facts in enumerate(layers)],
        "timeline": [[each.unit.name.lower(), each.layer, each.start, each.end] for each in counted.events],
    }


def _unit(totals: Totals) -> dict[str, Any]:
    return {"commands": totals.commands, "busy": totals.busy, "stalls": totals.stalls}


def _traffic(totals: Totals, npu: Npu) -> dict[str, Any]:
    sram_bytes, offchip = totals.sram_read + totals.sram_written, totals.offchip_read + totals.offchip_written + totals.fetched
    energy = energy_of(totals.macs, sram_bytes, offchip, npu.sram)
    return {
        "sram_traffic": {"read": totals.sram_read, "written": totals.sram_written},
        "offchip_traffic": {"read": totals.offchip_read, "written": totals.offchip_written, "commands": totals.fetched},
        "energy_nj": {**{name: round(value, 3) for name, value in asdict(energy).items()}, "total": round(energy.total, 3)},
    }


def _layer(facts: LayerFacts, units: dict[Unit, Totals], events: Sequence[Event], index: int, npu: Npu) -> dict[str, Any]:
    """``cycles`` is from the start of its first command to the end of its last one: layers overlap, so these do not add up."""
    own = [event for event in events if event.layer == index]
    array = units.get(Unit.ARRAY)
    busiest = max(units, key=lambda unit: units[unit].busy).name.lower() if units else None
    return {
        **asdict(facts),
        "output": list(facts.output),
        "unit": busiest,
        "cycles": max(event.end for event in own) - min(event.start for event in own) if own else 0,
        "busy": {unit.name.lower(): totals.busy for unit, totals in units.items()},
        "utilisation": array.macs / (array.busy * npu.macs_per_cycle) if array and array.busy else 0.0,
        **_traffic(Totals.of(own), npu),
    }
