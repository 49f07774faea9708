"""Renews the records that come with the package: ``python -m tvm_tiny.tune.ship MODEL... --database WORK``.

Each model is tuned on the emulated board of each core into a folder of its own below WORK, whose journals make the next time cheap.
From these come ``records/<core>``: workloads for which something is better than the default, compressed. Tests hold the arenas and
the code of the models against their limits.
"""

from __future__ import annotations

import argparse
import gzip
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tvm_tiny.schedule.implementation import Decide, by_default
from tvm_tiny.target import Core
from tvm_tiny.tune import DEFAULT_SCRATCH
from tvm_tiny.tune.database import RECORDS, WORKLOADS, Tuned, load_database, save_database
from tvm_tiny.tune.decide import Decisions, shipped_folder

if TYPE_CHECKING:
    from tvm_tiny.model import Model
    from tvm_tiny.tune.tuner import Options
    from tvm_tiny.tune.workload import Workload

BOARDS = {"cortex-m4": "mps2-an386", "cortex-m7": "mps2-an500", "cortex-m33": "mps2-an505", "cortex-m55": "mps3-an547"}
"""Core → the board that its records are measured on."""

GROWTH = 1.05
"""How much larger than by default a model's arena may be. Where it is larger, its layers are tuned within the memory of the
defaults: an output that finds no room over its input any more costs more than the working memory that it gave way to."""

LEFT_OUT = ("winograd",)
"""Implementations that are not shipped: their weights take several times the flash, which a user should have asked for."""


def pack(folder: Path, known: Mapping[str, Tuned]) -> None:
    """Write those of ``known`` that gain something as compressed files; the same records make the same bytes."""
    save_database(folder, [each for _, each in sorted(known.items()) if each.best is not None])
    for name in (WORKLOADS, RECORDS):
        path = folder / name
        path.with_name(f"{name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        path.unlink()


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tvm_tiny.tune.ship", description="Renew the records that come with the package."
    )
    parser.add_argument("models", metavar="MODEL", type=Path, nargs="+", help="model files")
    parser.add_argument("--database", metavar="WORK", type=Path, required=True, help="folder for databases and journals")
    parser.add_argument("--core", metavar="CORE", action="append", choices=list(BOARDS), help="only for this core (default: all)")
    parser.add_argument("--trials", metavar="N", type=int, default=64, help="candidates for each different layer (default: 64)")
    parser.add_argument("--scratch", metavar="BYTES", type=int, default=DEFAULT_SCRATCH, help="as for tvm-tiny tune")
    parser.add_argument("--seed", metavar="S", type=int, default=0)
    options = parser.parse_args(arguments)
    from tvm_tiny.tune.tuner import Options

    for core in options.core or BOARDS:
        renew(core, options.models, options.database / core, Options(options.trials, options.seed, scratch=options.scratch))


def renew(core: str, models: Sequence[Path], work: Path, options: Options) -> None:
    """Tune ``models`` on ``core`` and write its records."""
    from tvm_tiny.board import get_board
    from tvm_tiny.board.toolchain import compiler_version
    from tvm_tiny.frontend import load
    from tvm_tiny.target import get_core
    from tvm_tiny.tune.layers import model_nodes, named_workloads
    from tvm_tiny.tune.tuner import tune_workloads

    target, board, compiler = get_core(core), get_board(BOARDS[core]), compiler_version()
    save_database(work, [])  # the journal knows what was measured
    for path in models:
        model = load(path)
        named = named_workloads(model_nodes(model, target), target, compiler=compiler, optimize="speed")
        open_ = [replace(each, workload=_shippable(each.workload)) for each in named]
        before = load_database(work)
        result = tune_workloads(open_, target, [board], work, options, model=model.name, compiler=compiler)
        if options.scratch and _arena(model, target, Decisions([load_database(work)], compiler)) > GROWTH * _arena(model, target):
            save_database(work, before.values())
            careful = replace(options, scratch=0)
            result = tune_workloads(open_, target, [board], work, careful, model=model.name, compiler=compiler)
        sys.stderr.write(f"{core} {model.name}: {result.default_total:,} -> {result.best_total:,} {result.unit}\n")
    pack(shipped_folder(core), load_database(work))


def _arena(model: Model, core: Core, decide: Decide = by_default) -> int:
    """Bytes of the arena as it is planned without streams."""
    from tvm_tiny.memory.order import plan_in_order
    from tvm_tiny.tune.layers import model_program

    _, plan = plan_in_order(model_program(model, core, decide=decide))
    return plan.arena_size


def _shippable(workload: Workload) -> Workload:
    """``workload`` without the implementations that are not shipped, unless one of them is the default."""
    first, *others = workload.spaces
    return replace(workload, spaces=(first, *(each for each in others if each.implementation not in LEFT_OUT)))


if __name__ == "__main__":
    main()
