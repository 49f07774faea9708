"""Does the cost model help? ``python -m tvm_tiny.tune.benchmark MODEL --layers PATTERN --database WORK``.

For each seed, a search led by XGBoost with some trials, and a random one with four times as many; all share one journal, so that no
candidate is measured twice. The space is that of :mod:`tvm_tiny.tune.tiles`, or with ``--space own`` the compiler's own, which is
so small that both see all of it. Writes ``benchmark.json`` and ``benchmark.png`` into WORK: for each workload the best cost after
each trial.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tvm_tiny.errors import TargetError
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


def compare(
    model: Path, board: str, folder: Path, *, layers: str, trials: int, seeds: int, space: str = "tiles"
) -> list[Comparison]:
    """Run both searches for each of ``seeds`` seeds.

    Raises
    ------
    TargetError
        No layer is called like ``layers``, or none has the space.
    """
    from tvm_tiny.board import get_board
    from tvm_tiny.board.toolchain import compiler_version
    from tvm_tiny.frontend import load
    from tvm_tiny.target import get_core
    from tvm_tiny.tune.candidate import candidate_of
    from tvm_tiny.tune.layers import model_nodes, named_workloads
    from tvm_tiny.tune.tiles import TILES, tiled, tiled_candidate
    from tvm_tiny.tune.tuner import Options, tune_workloads

    device = get_board(board)
    core, source = get_core(device.target), load(model)
    compiler = compiler_version()
    named = named_workloads(model_nodes(source, core), core, compiler=compiler, optimize="speed", pattern=layers)
    if space == "tiles":
        named = [replace(each, workload=tiled(each.workload)) for each in named if TILES.applies(each.workload.node, core)]
    if not named:
        raise TargetError(f"no layer called {layers!r} has the space", "tiles take convolutions without padding")
    build = tiled_candidate if space == "tiles" else candidate_of

    def tuned(search: str, count: int, seed: int) -> TuningResult:
        options = Options(trials=count, seed=seed, search=search, scratch=1 << 20)
        return tune_workloads(named, core, [device], folder, options, model=source.name, compiler=compiler, build=build)

    return [Comparison(seed, tuned("xgboost", trials, seed), tuned("random", MORE * trials, seed)) for seed in range(seeds)]


def plot(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Best cost over the best that any search has found, against trials: a panel for each workload, a line for each seed.

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
    names = list(dict.fromkeys(row["layers"][0] for row in rows))
    figure = Figure(figsize=(max(4.6 * len(names), 6), 3.9), layout="constrained")
    for index, name in enumerate(names):
        mine = [row for row in rows if row["layers"][0] == name]
        least = min(min(row["guided"], row["random"]) for row in mine)
        axes = figure.add_subplot(1, len(names), index + 1)
        for key, colour, label in (("guided_curve", "#3b75af", "led by XGBoost"), ("random_curve", "#d9822b", "random")):
            for row in mine:
                axes.step(
                    range(1, len(row[key]) + 1),
                    [cost / least for cost in row[key]],
                    where="post",
                    color=colour,
                    linewidth=1.3,
                    alpha=0.75,
                    label=label if row is mine[0] else None,
                )
        axes.set_title(f"{name}, {mine[0]['candidates']} candidates, {len(mine)} seeds", fontsize=9)
        axes.set_xscale("log", base=2)
        axes.set_xticks([1, 4, 16, 64, 256], ["1", "4", "16", "64", "256"])
        axes.set_xlabel("trials")
        axes.set_ylim(0.99, 1.5)
        axes.grid(linewidth=0.3)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        if index == 0:
            axes.set_ylabel("best cost / best that is known")
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
    parser.add_argument("--space", choices=("tiles", "own"), default="tiles", help="the design space (default: tiles)")
    options = parser.parse_args(arguments)
    comparisons = compare(
        options.model,
        options.board,
        options.database,
        layers=options.layers,
        trials=options.trials,
        seeds=options.seeds,
        space=options.space,
    )
    rows = [row for each in comparisons for row in each.rows()]
    behind = [row for row in rows if row["guided"] > row["random"]]
    ratio = math.exp(sum(math.log(row["guided"] / row["random"]) for row in rows) / len(rows))
    report = {
        "trials": options.trials,
        "random_trials": MORE * options.trials,
        "behind": len(behind),
        "ratio": ratio,
        "rows": rows,
    }
    (options.database / "benchmark.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    plot(rows, options.database / "benchmark.png")
    for row in rows:
        sys.stdout.write(
            f"seed {row['seed']} {row['layers'][0]}: default {row['default']:,}, led by XGBoost {row['guided']:,}, "
            f"random {row['random']:,}, of {row['candidates']} candidates\n"
        )
    sys.stdout.write(
        f"{options.trials} trials led by XGBoost against {MORE * options.trials} random ones: behind in {len(behind)} "
        f"of {len(rows)}, cycles {ratio:.4f} times as many in the geometric mean\n"
    )


if __name__ == "__main__":
    main()
