"""What each setting of ``--optimize`` costs: the model compiled, built and run once with every one of them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tvm_tiny.commands.options import chosen
from tvm_tiny.commands.progress import Progress

if TYPE_CHECKING:
    from tvm_tiny.model import Model


def compare(model: Model, target: str, options: argparse.Namespace, progress: Progress) -> list[dict[str, Any]]:
    """A report for each setting, measured on ``--board``, else on an emulated board of the target, else not measured."""
    from tvm_tiny import api
    from tvm_tiny.board.catalogue import emulated_board
    from tvm_tiny.testing.samples import random_inputs

    board = options.board or emulated_board(target)
    reports = []
    for setting in api.OPTIMIZE:
        compiled = api.compile(model, target=target, progress=progress, **{**chosen(options), "optimize": setting})
        if board is None:
            reports.append(compiled.report)
            continue
        progress(f"running it on {board}, optimised for {setting}")
        reports.append(compiled.run(random_inputs(compiled.inputs, 1)[0], board=board).report)
    return reports
