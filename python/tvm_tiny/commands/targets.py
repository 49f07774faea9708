"""``tvm-tiny targets``: the cores that can be compiled for, and the NPUs beside them."""

from __future__ import annotations

import argparse
import dataclasses

from tvm_tiny.commands.verb import Verb, say, write_json
from tvm_tiny.report.table import text_table
from tvm_tiny.target import CORES, NPUS, Npu, get_target, list_targets


def _run(options: argparse.Namespace) -> None:
    write_json(options, [_facts(name) for name in list_targets()])
    rows = [(core.name, core.isa, core.fpu or "none", core.tag, " ".join(core.cflags)) for core in CORES]
    say(options, text_table(["target", "instructions", "FPU", "TVM tag", "compiler flags"], rows))
    npus = [_npu_row(npu) for npu in NPUS]
    say(options, "\n" + text_table(["with an NPU", "array", "MACs/cycle", "SRAM", "off-chip"], npus))


def _npu_row(npu: Npu) -> tuple[str | int, ...]:
    kib = f"{npu.sram // 1024} kB"
    return f"CORE+{npu.name}", f"{npu.size} x {npu.size}", npu.macs_per_cycle, kib, f"{npu.dma_bandwidth} B/cycle"


def _facts(name: str) -> dict[str, object]:
    target = get_target(name)
    npu = dataclasses.asdict(target.npu) if target.npu else None
    return {**dataclasses.asdict(target.core), "name": name, "tag": f"tiny/{name}", "npu": npu}


VERB = Verb("targets", "list the cores and NPUs", ("tvm-tiny targets", "tvm-tiny targets --json -"), lambda _parser: None, _run)
