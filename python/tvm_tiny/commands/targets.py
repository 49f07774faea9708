"""``tvm-tiny targets``: the cores that can be compiled for."""

from __future__ import annotations

import argparse
import dataclasses

from tvm_tiny.commands.verb import Verb, say, write_json
from tvm_tiny.report.table import text_table
from tvm_tiny.target import CORES


def _run(options: argparse.Namespace) -> None:
    write_json(options, [{**dataclasses.asdict(core), "tag": core.tag} for core in CORES])
    rows = [(core.name, core.isa, core.fpu or "none", core.tag, " ".join(core.cflags)) for core in CORES]
    say(options, text_table(["target", "instructions", "FPU", "TVM tag", "compiler flags"], rows))


VERB = Verb("targets", "list the cores", ("tvm-tiny targets", "tvm-tiny targets --json -"), lambda _parser: None, _run)
