"""``tvm-tiny npu``: command streams of the NPU, told in words and checked."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from tvm_tiny.commands.verb import Verb, say, write_json
from tvm_tiny.errors import InputError, StreamError

if TYPE_CHECKING:
    from tvm_tiny.npu.commands import Stream


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=("disassemble", "validate"),
        help="disassemble: print the commands; validate: find out whether the device would take the stream, and what it costs",
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="a command stream")
    parser.add_argument("--names", metavar="FILE", type=Path, help="a JSON list with the names of the layers, for disassemble")


def _run(options: argparse.Namespace) -> None:
    from tvm_tiny.npu.stream import decode

    try:
        data = options.file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {options.file}: {error.strerror or error}") from error
    try:
        stream = decode(data)
        if options.action == "validate":
            _validate(options, stream, data)
            return
    except StreamError as error:
        raise StreamError(f"{options.file}: {error.message}", error.hint, error.code, error.command) from error
    from tvm_tiny.npu.disassembly import as_values, disassemble

    names = _names(options.names)
    write_json(options, as_values(stream, names))
    say(options, disassemble(stream, names))


def _names(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        names = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{path}: expected a JSON list of names")
    return names


def _validate(options: argparse.Namespace, stream: Stream, data: bytes) -> None:
    from tvm_tiny.npu.device import count
    from tvm_tiny.npu.hazards import find_hazards
    from tvm_tiny.target import get_npu

    run = count(get_npu(stream.npu), data)
    hazards = find_hazards(stream.commands)
    if hazards:
        more = f" ({len(hazards) - 1} more such pairs)" if len(hazards) > 1 else ""
        raise StreamError(f"{hazards[0]}{more}", command=hazards[0].second)
    write_json(options, {"npu": stream.npu, "commands": len(stream.commands), "cycles": run.cycles, "utilisation": run.utilisation})
    say(options, f"{options.file}: {len(stream.commands)} commands for {stream.npu}, valid; {run.cycles} cycles")


VERB = Verb(
    "npu",
    "read and check command streams of an NPU",
    ("tvm-tiny npu disassemble kws.etpu", "tvm-tiny npu validate kws.etpu --json -"),
    _add_options,
    _run,
)
