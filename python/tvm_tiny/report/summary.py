"""report.json: what is known of a compiled model, and of its runs. Keys may be added, never renamed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tvm_tiny.board.arena_check import ArenaCheck
from tvm_tiny.board.base import Image, LayerCount, RunResult
from tvm_tiny.codegen.peak import peak_of, used_bytes
from tvm_tiny.codegen.sources import CModule, PoolInfo
from tvm_tiny.memory.plan import MemoryPlan
from tvm_tiny.report.floats import FloatLayer
from tvm_tiny.report.npu import npu_report


def summary(module: CModule, plan: MemoryPlan, float_layers: Sequence[FloatLayer] = ()) -> dict[str, Any]:
    """The report of a compiled model that has not run yet: sizes in bytes, counts per inference."""
    io = sum(spec.nbytes for spec in (*module.inputs, *module.outputs))
    return {
        "model": module.name,
        "target": module.target,
        "board": None,
        "macs": sum(layer.macs for layer in module.layers),
        "live_macs": sum(layer.live_macs for layer in module.layers),
        "ram": {
            "arena": module.arena_size,
            "arena_lower_bound": plan.overlap_bound,
            "arena_lower_bound_no_overlap": plan.lower_bound,
            "arena_lower_bound_overlap": plan.overlap_bound,
            "arena_ratio": _ratio(module.arena_size, plan.overlap_bound),
            "io": io,
            "stack": None,
            "stack_bound": None,
        },
        "flash": {
            "weights": module.weights_size,
            "kernels": sum(layer.kernel_size for layer in module.layers),
            "streams": sum(layer.stream_size for layer in module.layers),
            "parameters": sum(layer.parameters_size for layer in module.layers),
            "code": None,
            "entry": None,
        },
        "npu": npu_report([layer.npu for layer in module.layers if layer.npu]),
        "instructions": None,
        "cycles": None,
        "cycle_model": None,
        "counter": None,
        "planner": plan.algorithm,
        "planner_optimal": plan.optimal,
        "memory": memory_report(module, plan.alignment),
        "layers": [
            {
                "name": layer.name,
                "op": layer.op,
                "macs": layer.macs,
                "live_macs": layer.live_macs,
                "schedule": layer.schedule,
                "instructions": None,
                "cycles": None,
                "output": list(layer.output_shape),
                "offload": layer.offload,
                "dtype": layer.output_dtype,
                "integer": layer.integer,
                "tensor": layer.output_source,
                "stages": list(layer.stages),
                "ram": used,
                "kernel": layer.kernel_size,
                "stream": layer.stream_size,
                "parameters": layer.parameters_size,
            }
            for layer, used in zip(module.layers, used_bytes(module.buffers, len(module.layers)), strict=False)
        ],
        "float_layers": [asdict(each) for each in float_layers],
    }


def memory_report(module: CModule, alignment: int) -> dict[str, Any]:
    """The key ``memory``: every buffer of the arena, and the peak."""
    peak = peak_of(module)
    return {
        "alignment": alignment,
        "io": "arena" if any(buffer.kind in ("input", "output") for buffer in module.buffers) else "outside",
        "peak": {
            "bytes": peak.bytes,
            "layers": list(peak.layers),
            "buffers": [{"name": buffer.label, "kind": buffer.kind, "bytes": buffer.size} for buffer in peak.buffers],
        },
        "pools": [
            {"name": pool.name, "bytes": pool.size, "capacity": pool.capacity, "cost": pool.cost}
            for pool in module.pools or (PoolInfo("arena", module.arena_size, None, 0),)
        ],
        "buffers": [
            {
                "name": buffer.label,
                "kind": buffer.kind,
                "tensor": buffer.source,
                "pool": module.pools[buffer.pool].name if module.pools else "arena",
                "offset": buffer.offset,
                "bytes": buffer.size,
                "first": buffer.first,
                "last": buffer.last,
            }
            for buffer in module.buffers
        ],
    }


def _ratio(arena: int, bound: int) -> float | None:
    """How much larger the arena is than what is proven to be needed; None where nothing is."""
    return round(arena / bound, 4) if bound else None


def with_run(
    report: dict[str, Any], board: str, image: Image, result: RunResult, check: ArenaCheck | None = None
) -> dict[str, Any]:
    """``report`` with what a run on ``board`` measured, and what a check of the arena found."""
    layers = report["layers"]
    counts: Sequence[LayerCount] = result.layers or [LayerCount(None, None)] * len(layers)
    return {
        **report,
        "board": board,
        "ram": {**report["ram"], "stack": result.stack, "stack_bound": image.stack_bound},
        "flash": {**report["flash"], "code": image.code_size, "entry": image.entry_size},
        "npu": report.get("npu") and {**report["npu"], "measured_cycles": result.npu_cycles},
        "instructions": result.instructions,
        "cycles": result.cycles,
        "cycle_model": result.cycle_model,
        "counter": result.counter,
        "layers": [
            {**layer, "instructions": count.instructions, "cycles": count.cycles}
            for layer, count in zip(layers, counts, strict=True)
        ],
        **({} if check is None else {"arena_check": check.report()}),
    }
