"""How many candidates a minute? ``python -m tvm_tiny.tune.throughput MODEL --layers PATTERN``.

Design spaces are often smaller than a figure by the minute needs, so each candidate of a layer comes again and again. It is
scheduled, printed, compiled, linked, run, and held against the reference each time, and the search proposes and learns as with any
other. What is told is what was measured, over the time from the first proposal to the last result; before it come, once, the start
of Python and TVM, the references and the defaults.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tvm_tiny.errors import TargetError
from tvm_tiny.schedule.implementation import Decision, Knob
from tvm_tiny.tune.workload import Space, Workload

if TYPE_CHECKING:
    from tvm_tiny.tune.candidate import Candidate
    from tvm_tiny.tune.result import TuningResult

AGAIN = "again"
"""A knob that changes nothing."""


def repeated(workload: Workload, candidates: int) -> Workload:
    """``workload`` with each candidate so often that there are at least ``candidates``."""
    again = Knob(AGAIN, tuple(range(-(-candidates // workload.size))))
    return replace(workload, spaces=tuple(Space(each.implementation, (*each.knobs, again)) for each in workload.spaces))


def built_anew(workload: Workload, decision: Decision) -> Candidate:
    """The candidate, which is taken for another one each time that it comes again."""
    from tvm_tiny.tune.candidate import candidate_of

    choices = {name: value for name, value in decision.choices.items() if name != AGAIN}
    built = candidate_of(workload, Decision(decision.implementation, choices))
    return replace(built, decision=decision, digest=f"{built.digest} {decision.choices[AGAIN]}")


def measured(model: Path, board: str, *, layers: str, candidates: int, search: str) -> TuningResult:
    """A run on the first workload that ``layers`` names."""
    from tvm_tiny.board import get_board
    from tvm_tiny.board.toolchain import compiler_version
    from tvm_tiny.frontend import load
    from tvm_tiny.target import get_core
    from tvm_tiny.tune.layers import model_nodes, named_workloads
    from tvm_tiny.tune.tuner import Options, tune_workloads

    device, compiler = get_board(board), compiler_version()
    core, source = get_core(device.target), load(model)
    found = named_workloads(model_nodes(source, core), core, compiler=compiler, optimize="speed", pattern=layers)
    if not found:
        raise TargetError(f"{layers!r} has one schedule on {core.name}: there is nothing to measure", "name other layers")
    named = found[0]
    many = replace(named, workload=repeated(named.workload, candidates))
    options = Options(trials=candidates, search=search)
    with tempfile.TemporaryDirectory(prefix="tvm_tiny-throughput-") as folder:
        return tune_workloads([many], core, [device], Path(folder), options, model=source.name, compiler=compiler, build=built_anew)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tvm_tiny.tune.throughput", description="Candidates measured a minute.")
    parser.add_argument("model", metavar="MODEL", type=Path)
    parser.add_argument("--board", metavar="BOARD", default="mps2-an386")
    parser.add_argument("--layers", metavar="PATTERN", default="conv2d*", help="of these the first (default: conv2d*)")
    parser.add_argument("--candidates", metavar="N", type=int, default=256)
    parser.add_argument("--search", metavar="xgboost|random", default="xgboost")
    options = parser.parse_args(arguments)
    result = measured(options.model, options.board, layers=options.layers, candidates=options.candidates, search=options.search)
    (layer,) = result.layers
    sys.stdout.write(
        f"{layer.layers[0]}: {len(layer.trials)} candidates, {layer.failed} failed, {result.pace:.0f} a minute "
        f"({result.seconds:.0f} s in all)\n"
    )


if __name__ == "__main__":
    main()
