"""What a verb is to the command, and how verbs write their results."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvm_tiny.errors import OutputError


@dataclass(frozen=True)
class Verb:
    """One verb.

    Attributes
    ----------
    name, summary : str
        "compile", and one line about it.
    examples : tuple of str
        Command lines, for ``--help``.
    add_options : callable
        Adds the verb's options to its parser; ``--json`` and ``--debug`` are every verb's.
    run : callable
        Does it. Raises what stands in the way; returns only when what was asked for happened.
    """

    name: str
    summary: str
    examples: tuple[str, ...]
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]


def say(options: argparse.Namespace, *parts: str) -> None:
    """Print what people read: the parts that are not empty, a blank line between them. Nothing where JSON is printed."""
    if options.json != "-":
        sys.stdout.write("\n\n".join(part for part in parts if part) + "\n")


def check_json(options: argparse.Namespace) -> None:
    """Find out that ``--json`` cannot be written before minutes are spent on what it shall hold.

    Raises
    ------
    OutputError
        Its folder is not there, or its path is a folder.
    """
    if options.json not in (None, "-"):
        check_file(Path(options.json), "--json")


def check_file(path: Path, option: str) -> None:
    """As :func:`check_json`, for the file that ``option`` names."""
    if path.is_dir():
        raise OutputError(f"{option} {path} is a folder", "name a file")
    if not path.parent.is_dir():
        raise OutputError(f"{option} {path}: there is no folder {path.parent}", "make it first, or choose another place")


def check_picture(path: Path, option: str) -> None:
    """Find out before the work that the picture which ``option`` names cannot be drawn or written.

    Raises
    ------
    OutputError
        Its folder is not there, or its path is a folder.
    ToolchainError
        ``matplotlib`` is not installed.
    """
    from tvm_tiny.report.picture import new_figure

    check_file(path, option)
    new_figure(1, 1)


def write_json(options: argparse.Namespace, value: Any) -> None:
    """Write ``value`` where ``--json`` says, the whole of it or nothing; nowhere without the option.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    if options.json is None:
        return
    text = json.dumps(value, indent=2) + "\n"
    if options.json == "-":
        sys.stdout.write(text)
        return
    write_file(Path(options.json), text.encode(), "--json")


def write_file(path: Path, data: bytes, option: str) -> None:
    """Write ``data`` beside its place and move it there: a failure leaves what was there.

    Raises
    ------
    OutputError
        It cannot be written; names ``option``.
    """
    partial = None
    try:
        if path.exists() and not path.is_file():  # a device or a pipe cannot be replaced
            path.write_bytes(data)
            return
        handle, partial = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(partial, 0o666 & ~_umask())
        os.replace(partial, path)
    except OSError as error:
        if partial is not None:
            Path(partial).unlink(missing_ok=True)
        raise OutputError(
            f"cannot write {option} {path}: {error.strerror or error}", "choose a place that can be written"
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
