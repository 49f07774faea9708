"""``tvm-tiny boards``: what models can be run on, whether this machine has what that takes, and a board's resident firmware."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from tvm_tiny.board import BoardInfo, list_boards
from tvm_tiny.board.toolchain import ARM_GCC, HOST_CC, QEMU, Tool, find_tool
from tvm_tiny.commands.verb import Verb, say, write_json
from tvm_tiny.errors import ToolchainError
from tvm_tiny.report.table import text_table

# What boards of each kind are built and run with.
_TOOLS: dict[str, tuple[Tool, ...]] = {
    "host": (HOST_CC,),
    "qemu": (ARM_GCC, QEMU),
    "gdb": (ARM_GCC,),
    "serial": (ARM_GCC,),
    "probe": (ARM_GCC,),
}
_PACKAGES = {"serial": ("serial", "boards"), "probe": ("pyocd", "probe")}  # kind → module, and the extra that installs it

_ATTACHED = """Any of them, on the desk: --board gdb:HOST:PORT[:BOARD]        behind a GDB remote server
                          --board serial:DEVICE[:BAUD][:BOARD]  with its resident firmware (--resident) on a serial port
                          --board probe[:UID]:BOARD             behind a debug probe, by pyOCD"""


def _missing(info: BoardInfo) -> list[str]:
    """What the board needs and this machine lacks, one message each."""
    problems = []
    for tool in _TOOLS[info.kind]:
        try:
            find_tool(tool)
        except ToolchainError as error:
            problems.append(error.message)
    module, extra = _PACKAGES.get(info.kind, ("", ""))
    if module and find_spec(module) is None:
        problems.append(f"the Python package {module!r} is missing: pip install 'tvm-tiny[{extra}]'")
    return problems


def _size(info: BoardInfo, region: str) -> int | None:
    memory = info.region(region)
    return None if memory is None else memory.size


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tracker", metavar="HOST:PORT", help="list the boards that are shared at this RPC tracker instead")
    parser.add_argument(
        "--resident", metavar="BOARD", help="build the firmware that a serial board needs, to be written to its flash once"
    )
    parser.add_argument(
        "--output", metavar="FILE", type=Path, default=Path("resident.elf"), help="its file (default: resident.elf)"
    )


def _list_shared(options: argparse.Namespace) -> None:
    from tvm_tiny.farm import Address, shared_boards

    shared = shared_boards(Address.parse(options.tracker))
    write_json(options, [asdict(each) for each in shared])
    rows = [(each.name, each.servers, each.free, each.waiting) for each in shared]
    say(
        options, text_table(["board", "servers", "free", "waiting"], rows) if rows else f"no boards are shared at {options.tracker}"
    )


def _resident(options: argparse.Namespace) -> None:
    from tvm_tiny.board.catalogue import board_info
    from tvm_tiny.board.resident import build_resident, window_of

    info = board_info(options.resident)
    output = build_resident(info, options.output)
    window = window_of(info)
    write_json(options, {"board": info.name, "file": str(output), "window": {"origin": window.origin, "size": window.size}})
    say(
        options,
        f"{output}: the resident firmware of {info.name}, which leaves {window.size:,} bytes at 0x{window.origin:08x} to images.\n"
        "Write it to the board's flash; from then on the board is --board serial:DEVICE.",
    )


def _run(options: argparse.Namespace) -> None:
    if options.tracker is not None:
        _list_shared(options)
        return
    if options.resident is not None:
        _resident(options)
        return
    boards = [(info, _missing(info)) for info in list_boards()]
    write_json(
        options,
        [
            {
                "name": info.name,
                "description": info.description,
                "kind": info.kind,
                "target": info.target,
                "clock": info.clock,
                "ram": _size(info, "ram"),
                "flash": _size(info, "flash"),
                "ready": not missing,
                "missing": missing,
            }
            for info, missing in boards
        ],
    )
    rows = [
        (info.name, info.target, _size(info, "ram"), _size(info, "flash"), not missing, info.description)
        for info, missing in boards
    ]
    problems = "\n".join(dict.fromkeys(problem for _, missing in boards for problem in missing))
    hint = "`tvm-tiny doctor` tells how to mend it." if problems else ""
    table = text_table(["board", "target", "RAM", "flash", "ready", "description"], rows)
    say(options, table, _ATTACHED, problems and f"{problems}\n{hint}")


VERB = Verb(
    "boards",
    "list the boards",
    (
        "tvm-tiny boards",
        "tvm-tiny boards --json boards.json",
        "tvm-tiny boards --tracker lab:9190",
        "tvm-tiny boards --resident mine.toml --output resident.elf",
    ),
    _add_options,
    _run,
)
