"""Options that several verbs share."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvm_tiny.commands.progress import Progress
from tvm_tiny.commands.verb import write_json
from tvm_tiny.errors import ArenaError, TargetError
from tvm_tiny.memory.options import Memory, parse_bytes
from tvm_tiny.memory.pool_options import parse_pins, parse_pool, read_pools
from tvm_tiny.memory.pools import Pool
from tvm_tiny.target import get_target, list_targets
from tvm_tiny.tune import DEFAULT_COMPILER

if TYPE_CHECKING:
    from tvm_tiny.board.base import Board
    from tvm_tiny.model import Model


COMPILATION = ("optimize", "rounding", "planner", "database", "compiler", "io", "pool", "pin", "pools")
"""The options of :func:`add_compilation` and :func:`add_memory`, besides the target."""


def add_memory(parser: argparse.ArgumentParser) -> None:
    """What can be asked of the memory plan, besides the algorithm."""
    parser.add_argument(
        "--io",
        metavar="arena|outside",
        help="inputs and outputs have places in the arena, or lie in memory that the caller always brings (default: arena)",
    )
    parser.add_argument(
        "--pool",
        metavar="NAME:BYTES[:cost=N]",
        action="append",
        help="a memory that may hold buffers, the preferred one first; several make a struct of pools of the arena",
    )
    parser.add_argument(
        "--pin", metavar="NAME=POOL", action="append", help="put a tensor, what a layer writes, scratch or a constant into a pool"
    )
    parser.add_argument("--pools", metavar="FILE", type=Path, help="a TOML file with tables [pool.NAME] (size, cost) and [pin]")


def add_model(parser: argparse.ArgumentParser, what: str = "a .tflite or .onnx file") -> None:
    parser.add_argument("model", metavar="MODEL", type=Path, help=what)


def add_compilation(parser: argparse.ArgumentParser, rounding: str = "tflite-micro") -> None:
    """How a model is compiled; ``rounding`` describes that option's default. None stands for an option that was not given."""
    parser.add_argument("--target", metavar="TARGET", help="the core; `tvm-tiny targets` lists them (default: that of the board)")
    parser.add_argument(
        "--optimize",
        metavar="speed|size|ram",
        help="what to favour (default: speed); ram runs layers row by row where that saves memory",
    )
    parser.add_argument(
        "--planner",
        metavar="PLANNER",
        help="what places the buffers in the arena: exact, hill-climb, greedy-by-conflicts or greedy-by-size (default: exact)",
    )
    parser.add_argument(
        "--rounding",
        metavar="tflite-micro|litert",
        help=f"whose rounding fully connected layers of TFLite models follow; they differ by one step (default: {rounding})",
    )
    parser.add_argument(
        "--database",
        metavar="DIR",
        help="schedules that `tvm-tiny tune` has found, preferred to those that come with the package; none for default ones only",
    )
    parser.add_argument(
        "--compiler",
        metavar="NAME-VERSION",
        help=f"the compiler whose tuned schedules are used (default: {DEFAULT_COMPILER})",
    )


def add_board(parser: argparse.ArgumentParser, default: str | None, what: str) -> None:
    parser.add_argument("--board", metavar="BOARD", default=default, help=what)


def add_tracker(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tracker",
        metavar="HOST:PORT",
        help="look the board up at this RPC tracker, where others share theirs with `tvm-tiny board serve`",
    )


def opened_board(name: str, options: argparse.Namespace) -> Board:
    """The board ``name`` of this machine, or of the farm at --tracker.

    Raises
    ------
    BoardError
        It is unknown, here or there; or the tracker does not answer.
    """
    if options.tracker is None:
        from tvm_tiny.board import get_board

        return get_board(name)
    from tvm_tiny.farm import Address, remote_board

    return remote_board(name, Address.parse(options.tracker))


def add_check_arena(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--check-arena",
        action="store_true",
        help="also run a build that compares the whole arena, and guards around it, before and after each layer: "
        "fails if a layer changed anything but its outputs and scratch memory",
    )


@contextmanager
def findings_written(options: argparse.Namespace) -> Iterator[None]:
    """--json has what a check of the arena found, also where the verb fails for it."""
    try:
        yield
    except ArenaError as error:
        write_json(options, error.report)
        raise


def add_random(parser: argparse.ArgumentParser, samples: str) -> None:
    parser.add_argument("--samples", metavar="N", type=int, help=samples)
    parser.add_argument("--seed", metavar="S", type=int, help="seed of the random inputs (default: 0)")


def chosen(options: argparse.Namespace) -> dict[str, Any]:
    """The keyword arguments of the API for how to compile, ``memory`` among them, where something of them was given."""
    names = ("optimize", "rounding", "database", "compiler")
    given = {name: value for name in names if (value := getattr(options, name)) is not None}
    memory = memory_of(options)
    return {**given, "memory": memory} if memory != Memory() else given


def memory_of(options: argparse.Namespace) -> Memory:
    """What the options ask of the memory plan."""
    limit = getattr(options, "ram", None)
    pools, pins = _pools_of(options)
    return Memory(
        planner=options.planner or Memory.planner,
        io=getattr(options, "io", None) or Memory.io,
        pools=pools,
        pins=pins,
        limit=None if limit is None else parse_bytes(limit),
    )


def _pools_of(options: argparse.Namespace) -> tuple[tuple[Pool, ...], dict[str, str]]:
    """The pools and pins of --pools, and those of --pool and --pin behind them."""
    pools, pins = ((), {}) if getattr(options, "pools", None) is None else read_pools(options.pools)
    given = tuple(parse_pool(text) for text in getattr(options, "pool", None) or ())
    return pools + given, pins | parse_pins(getattr(options, "pin", None) or ())


def read_model(path: Path, progress: Progress, name: str | None = None) -> Model:
    """The model in ``path``. A file that is none is told before TVM is imported, which takes seconds."""
    from tvm_tiny.frontend import load

    progress("reading the model")
    return load(path, name=name)


def target_of(options: argparse.Namespace) -> str:
    """The target that ``--target`` names, else that of the board.

    Raises
    ------
    TargetError
        Neither is given, or the target is unknown.
    BoardError
        The board is unknown.
    """
    if options.target is not None:
        return get_target(options.target).name
    if options.board is None:
        raise TargetError(
            f"no target is given: expected --target with one of {', '.join(list_targets())}", "or --board: its core is the target"
        )
    from tvm_tiny.board import get_board

    return get_board(options.board).target
