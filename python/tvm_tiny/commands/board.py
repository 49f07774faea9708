"""``tvm-tiny board serve``: share boards of this machine with others, through TVM's RPC tracker."""

from __future__ import annotations

import argparse

from tvm_tiny.commands.progress import Progress
from tvm_tiny.commands.verb import Verb
from tvm_tiny.errors import BoardError


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", metavar="serve", choices=("serve",), help="serve boards until it is interrupted")
    parser.add_argument(
        "--board",
        metavar="BOARD",
        action="append",
        required=True,
        help="a board of this machine; `tvm-tiny boards` lists them; give it several times for several boards, or for the same one "
        "as often as it can be run at a time",
    )
    parser.add_argument(
        "--tracker",
        metavar="HOST:PORT",
        required=True,
        help="where boards are shared; start it with: python -m tvm.exec.rpc_tracker --host 0.0.0.0 --port 9190",
    )
    parser.add_argument(
        "--key", metavar="NAME", help="the name under which clients ask for it as --board (default: the board's own)"
    )
    parser.add_argument("--host", metavar="HOST", default="0.0.0.0", help="where to listen (default: 0.0.0.0, all of this machine)")
    parser.add_argument("--port", metavar="PORT", type=int, default=9091, help="the first port to try (default: 9091)")
    parser.add_argument(
        "--address", metavar="HOST", help="how clients reach this machine (default: the address that the tracker sees)"
    )


def _run(options: argparse.Namespace) -> None:
    from tvm_tiny.farm import Address, serve
    from tvm_tiny.farm.serve import served

    tracker = Address.parse(options.tracker)
    if not 0 < options.port < 65536:
        raise BoardError(f"--port is {options.port}: expected 1 to 65535")
    boards = [served(name, options.key) for name in options.board]
    with Progress() as progress:
        progress(f"serving {', '.join(each.name for each in boards)} at {tracker}")
        serve(boards, tracker, host=options.host, port=options.port, address=options.address, note=progress.note)


VERB = Verb(
    "board",
    "share boards of this machine with others",
    (
        "tvm-tiny board serve --board mps2-an386 --tracker lab:9190",
        "tvm-tiny board serve --board nucleo-l4r5zi --board gdb:localhost:3334:nucleo-l4r5zi --tracker lab:9190",
    ),
    _add_options,
    _run,
)
