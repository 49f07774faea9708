"""The ``tvm-tiny`` command: a thin skin over the API. Each verb is a file in :mod:`tvm_tiny.commands`.

A failure that a user can act on is one message on standard error and the exit code of its class (:mod:`tvm_tiny.errors`); 2 is a
wrong command line, 70 an error inside the program, 130 an interruption. Tracebacks are shown only with ``--debug``.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from tvm_tiny import __version__
from tvm_tiny.commands import (
    bench,
    board,
    boards,
    compile,  # noqa: A004 - the verb's file
    database,
    doctor,
    npu,
    operators,
    package,
    profile,
    quantize,
    report,
    run,
    targets,
    tune,
    verify,
)
from tvm_tiny.commands.verb import Verb, check_json
from tvm_tiny.errors import TinyError

VERBS: tuple[Verb, ...] = (
    compile.VERB,
    run.VERB,
    verify.VERB,
    profile.VERB,
    bench.VERB,
    tune.VERB,
    database.VERB,
    package.VERB,
    quantize.VERB,
    report.VERB,
    targets.VERB,
    boards.VERB,
    board.VERB,
    operators.VERB,
    npu.VERB,
    doctor.VERB,
)

INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
BROKEN_PIPE = 141  # 128 + SIGPIPE


class _CMakeDir(argparse.Action):
    """Prints where tvm_tiny-config.cmake is, and ends, as ``--version`` does."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:  # noqa: A002 - argparse's name
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_rest: object) -> None:
        from tvm_tiny.resources import cmake_dir

        sys.stdout.write(f"{cmake_dir()}\n")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """The command line of all verbs."""
    top = argparse.ArgumentParser(
        prog="tvm-tiny",
        description="TVM for microcontrollers: int8 models to small, readable, bit-exact C.",
        epilog="`tvm-tiny VERB --help` tells more of each.",
    )
    top.add_argument("--version", action="version", version=f"tvm-tiny {__version__}")
    top.add_argument("--cmake-dir", action=_CMakeDir, help="print the folder for CMake's find_package: -Dtvm_tiny_DIR=...")
    top.add_argument("--debug", action="store_true", help="show tracebacks")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb in VERBS:
        sub = verbs.add_parser(
            verb.name,
            help=verb.summary,
            description=f"{verb.summary[0].upper()}{verb.summary[1:]}.",
            epilog="examples:\n" + "\n".join(f"  {example}" for example in verb.examples),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        verb.add_options(sub)
        sub.add_argument("--json", metavar="FILE", help="write the result as JSON; - is standard output, with nothing else on it")
        # Without a default of its own, so that it does not take back a --debug in front of the verb.
        sub.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help="show tracebacks")
        sub.set_defaults(run=verb.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with ``arguments``, by default those of the process, and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # names in a model may have letters that the terminal lacks
            stream.reconfigure(errors="backslashreplace")
    try:
        options = parser().parse_args(arguments)
    except SystemExit as end:  # --help, --version, or a wrong command line, on which argparse has said all there is to say
        return end.code if isinstance(end.code, int) else 2
    try:
        check_json(options)
        options.run(options)
        sys.stdout.flush()
    except TinyError as error:
        _tell(options, f"error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        _tell(options, "interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone. Python would fail once more when it flushes standard output at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        _tell(
            options, f"internal error: {what}" + ("" if options.debug else "; run it again with --debug and report what that shows")
        )
        return INTERNAL_ERROR
    return 0


def _tell(options: argparse.Namespace, message: str) -> None:
    if options.debug:
        traceback.print_exc()
    sys.stderr.write(f"tvm-tiny: {message}\n")
