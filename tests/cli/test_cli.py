"""The command as a whole: its help, its exit codes, and what it says when something goes wrong."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tvm_tiny import cli
from tvm_tiny.commands import targets
from tvm_tiny.errors import MismatchError, TinyError

from .conftest import Command

MODULE = [sys.executable, "-m", "tvm_tiny"]


def test_help_lists_every_verb(command: Command):
    done = command("--help")
    assert done.code == 0
    text = " ".join(done.out.split())  # long summaries take two lines
    assert [verb.name for verb in cli.VERBS if f"{verb.name} {verb.summary}" not in text] == []


@pytest.mark.parametrize("verb", cli.VERBS, ids=lambda verb: verb.name)
def test_help_of_a_verb_has_examples_that_are_valid(verb: cli.Verb, command: Command):
    done = command(verb.name, "--help")
    assert done.code == 0
    assert verb.examples
    for example in verb.examples:
        assert example in done.out
        program, *arguments = shlex.split(example.partition(" > ")[0])
        assert program == "tvm-tiny"
        assert cli.parser().parse_args(arguments).verb == verb.name


def test_help_names_the_choices_of_the_api(command: Command):
    from tvm_tiny.api import OPTIMIZE, ROUNDING

    for verb in ("compile", "run", "verify"):
        text = command(verb, "--help").out
        assert "|".join(OPTIMIZE) in text
        assert "|".join(ROUNDING) in text


def test_version(command: Command):
    assert command("--version").out.startswith("tvm-tiny 0.")


@pytest.mark.parametrize("arguments", [[], ["bake"], ["compile"], ["compile", "m.tflite", "--bake"]])
def test_wrong_command_line_is_told_with_the_usage(arguments: list[str], command: Command):
    done = command(*arguments)
    assert done.code == 2
    assert done.err.startswith("usage: tvm-tiny")
    assert not done.out


def test_runs_as_a_module_from_any_folder(tmp_path: Path):
    done = subprocess.run([*MODULE, "targets"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "cortex-m4" in done.stdout
    assert done.stderr == ""


def test_exit_code_of_the_process_is_that_of_the_error(tmp_path: Path):
    done = subprocess.run(
        [*MODULE, "compile", "none.tflite", "--target", "c"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert done.stderr.startswith("tvm-tiny: error: none.tflite: no such file")


@pytest.mark.parametrize("verb", ["--help", "targets", "boards", "operators"])
def test_what_needs_no_compiler_imports_none(verb: str):
    code = f"import sys; from tvm_tiny.cli import main; main([{verb!r}]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"tvm", "tvm_ffi", "onnx", "onnxruntime", "ai_edge_litert", "tflite", "matplotlib"} & set(done.stderr.split())


def failing(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the verb ``targets`` raise ``error``."""

    def run(_options: object) -> None:
        raise error

    monkeypatch.setattr(cli, "VERBS", (cli.Verb("targets", "list", ("tvm-tiny targets",), targets.VERB.add_options, run),))


@pytest.mark.parametrize("error", [TinyError("flat tyre", "pump it up"), MismatchError("flat tyre", "pump it up")])
def test_error_is_message_hint_and_its_code(error: TinyError, command: Command, monkeypatch: pytest.MonkeyPatch):
    failing(error, monkeypatch)
    done = command("targets")
    assert done.code == error.exit_code
    assert done.err == "tvm-tiny: error: flat tyre\n  hint: pump it up\n"


def test_unexpected_error_is_one_line_and_asks_for_a_traceback(command: Command, monkeypatch: pytest.MonkeyPatch):
    failing(ZeroDivisionError("division by zero\nin two lines"), monkeypatch)
    done = command("targets")
    assert done.code == 70
    assert done.err == (
        "tvm-tiny: internal error: ZeroDivisionError: division by zero; run it again with --debug and report what that shows\n"
    )


@pytest.mark.parametrize("arguments", [["--debug", "targets"], ["targets", "--debug"]])
@pytest.mark.parametrize("error", [ZeroDivisionError("boom"), TinyError("boom")])
def test_debug_shows_the_traceback_wherever_it_stands(
    error: Exception, arguments: list[str], command: Command, monkeypatch: pytest.MonkeyPatch
):
    failing(error, monkeypatch)
    done = command(*arguments)
    assert done.code == (70 if isinstance(error, ZeroDivisionError) else 1)
    assert done.err.startswith("Traceback (most recent call last):")
    assert "raise error" in done.err
    assert done.err.endswith("boom\n")


def test_interruption_ends_quietly(command: Command, monkeypatch: pytest.MonkeyPatch):
    failing(KeyboardInterrupt(), monkeypatch)
    done = command("targets")
    assert (done.code, done.err) == (130, "tvm-tiny: interrupted\n")


def test_reader_that_goes_away_is_no_error():
    """As in `tvm-tiny operators | head -1`."""
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run([*MODULE, "operators"], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(write)
    assert done.returncode == 141
    assert done.stderr == ""


def test_names_that_the_terminal_cannot_show_do_not_stop_the_command(model: Path, tmp_path: Path):
    named = tmp_path / "größe.tflite"
    named.write_bytes(model.read_bytes())
    command = [*MODULE, "compile", str(named), "--target", "c", "--output", str(tmp_path / "größe")]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert b"gr\\xf6\\xdfe" in done.stdout
