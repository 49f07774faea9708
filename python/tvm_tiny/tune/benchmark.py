"""Does the cost model help? ``python -m tvm_tiny.tune.benchmark MODEL --layers PATTERN --database WORK``.

For each seed, a search led by XGBoost with some trials, and a random one with four times as many; all share one journal, so that no
candidate is measured twice. Writes ``benchmark.json`` and ``benchmark.png`` into WORK: for each workload the best cost after each
trial.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvm_tiny.tune.result import TuningResult

MORE = 4
"""How many times as many trials the random search has."""


@dataclass(frozen=True)
class Comparison:
    """What both searches have found with one seed."""

    seed: int
    guided: TuningResult
    random: TuningResult

    def rows(self) -> list[dict[str, Any]]:
        """By workload: costs of the default and of both searches' best, and their curves."""
        return [
            {
                "seed": self.seed,
                "layers": list(guided.layers),
                "candidates": guided.candidates,
                "default": guided.default,
                "guided": min(guided.best_so_far, default=guided.default),
                "random": min(random.best_so_far, default=random.default),
                "guided_curve": guided.best_so_far,
                "random_curve": random.best_so_far,
            }
            for guided, random in zip(self.guided.layers, self.random.layers, strict=True)
        ]


def compare(model: Path, board: str, folder: Path, *, layers: str, trials: int, seeds: int) -> list[Comparison]:
    """Run both searches for each of ``seeds`` seeds."""
    from tvm_tiny.board import get_board
    from tvm_tiny.board.toolchain import compiler_version
    from tvm_tiny.frontend import load
    from tvm_tiny.target import get_core
    from tvm_tiny.tune.layers import model_nodes
    from tvm_tiny.tune.tuner import Options, tune_nodes

    device = get_board(board)
    core, source = get_core(device.target), load(model)
    nodes, compiler = model_nodes(source, core), compiler_version()

    def tuned(search: str, count: int, seed: int) -> TuningResult:
        options = Options(trials=count, seed=seed, search=search)
        return tune_nodes(nodes, core, [device], folder, options, model=source.name, compiler=compiler, pattern=layers)

    return [Comparison(seed, tuned("xgboost", trials, seed), tuned("random", MORE * trials, seed)) for seed in range(seeds)]


def plot(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Mean over workloads and seeds of best cost over the default's, against trials.

    Raises
    ------
    ToolchainError
        ``matplotlib`` is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        from tvm_tiny.errors import ToolchainError

        raise ToolchainError("the picture needs matplotlib", "pip install 'tvm-tiny[plot]'") from error
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for key, colour in (("guided_curve", "#3b75af"), ("random_curve", "#d9822b")):
        for row in rows:
            curve = [cost / row["default"] for cost in (row["default"], *row[key])]
            axes.step(range(len(curve)), curve, where="post", color=colour, alpha=0.5, linewidth=1.0)
        axes.plot([], [], color=colour, label="led by XGBoost" if key == "guided_curve" else "random")
    axes.set_xscale("symlog", linthresh=16)
    axes.set_xlabel("trials")
    axes.set_ylabel("best cost / default")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150, metadata={"Software": None})


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tvm_tiny.tune.benchmark", description=(__doc__ or "").partition("``")[0])
    parser.add_argument("model", metavar="MODEL", type=Path)
    parser.add_argument("--board", metavar="BOARD", default="mps2-an386")
    parser.add_argument("--database", metavar="WORK", type=Path, required=True)
    parser.add_argument("--layers", metavar="PATTERN", default="*")
    parser.add_argument("--trials", metavar="N", type=int, default=64)
    parser.add_argument("--seeds", metavar="N", type=int, default=3)
    options = parser.parse_args(arguments)
    comparisons = compare(
        options.model, options.board, options.database, layers=options.layers, trials=options.trials, seeds=options.seeds
    )
    rows = [row for each in comparisons for row in each.rows()]
    behind = [row for row in rows if row["guided"] > row["random"]]
    report = {"trials": options.trials, "random_trials": MORE * options.trials, "behind": len(behind), "rows": rows}
    (options.database / "benchmark.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    plot(rows, options.database / "benchmark.png")
    for row in rows:
        sys.stdout.write(
            f"seed {row['seed']} {row['layers'][0]}: default {row['default']:,}, led by XGBoost {row['guided']:,}, "
            f"random {row['random']:,}, of {row['candidates']} candidates\n"
        )
    sys.stdout.write(f"the guided search is behind in {len(behind)} of {len(rows)}\n")


if __name__ == "__main__":
    main()
