"""The README is true: its examples are run, its figures measured, its links and the files it names are there.

After a change of the figures on purpose: ``python -m pytest tests/test_readme.py -k figures --update-golden`` writes them anew.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tvm_tiny
from tvm_tiny.cli import VERBS
from tvm_tiny.commands.verb import Verb
from tvm_tiny.testing.digits import digits_model_path
from tvm_tiny.testing.samples import random_inputs

from .conftest import ROOT

README = (ROOT / "README.md").read_text()
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
# A schedule may become faster and the README lag behind; it must not promise more than there is.
TOLERANCE = 1.02


def blocks(language: str) -> list[str]:
    """The code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs ``script`` line by line in ``folder``; the command ``tvm-tiny`` is that of this checkout."""
    (folder / "bin").mkdir(exist_ok=True)
    command = folder / "bin" / "tvm-tiny"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tvm_tiny "$@"\n')
    command.chmod(0o755)
    variables = os.environ | {"PATH": f"{command.parent}:{os.environ['PATH']}"}
    return subprocess.run(["sh", "-euc", script], cwd=folder, env=variables, check=False, capture_output=True, text=True)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like a checkout, with what the README's commands have written."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "python").symlink_to(ROOT / "python")
    commands, build = blocks("sh")
    done = shell(commands, folder)
    assert done.returncode == 0, done.stderr
    (folder / "commands.txt").write_text(done.stdout)
    (folder / "build.sh").write_text(build)
    return folder


def test_commands(checkout: Path):
    printed = (checkout / "commands.txt").read_text()
    assert (checkout / "digits" / "digits.h").is_file()
    assert "digits for cortex-m4 on mps2-an386" in printed
    assert "0 mismatches in 200 elements of 20 samples on mps2-an386, against ONNX Runtime" in printed


def test_c_compiles_for_the_core_and_reads_the_digit(checkout: Path):
    (example,) = blocks("c")
    (checkout / "main.c").write_text(example)
    done = shell((checkout / "build.sh").read_text(), checkout)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"It prints `{done.stdout.strip()}`." in README
    for compiler in ("cc", "arm-none-eabi-gcc"):
        flags = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror", "-Idigits", "-c"]
        done = subprocess.run([compiler, *flags, "main.c"], cwd=checkout, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_python(tmp_path: Path):
    (example,) = blocks("python")
    done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    accuracy, differing = re.fullmatch(r"accuracy (\S+) .*\n(\d+) elements differ from ONNX.*\n", done.stdout).groups()
    assert float(accuracy) >= 0.97
    assert int(differing) == 0
    assert (tmp_path / "digits" / "digits.h").is_file()


COLUMNS = ("arena", "weights", "code", "stack", "instructions")


def row_of(model: str, text: str) -> str:
    """The row of ``model`` in the table under "Figures"."""
    (row,) = re.findall(rf"^\| {model} \|(?: [\d,]+ \|)+$", text, re.MULTILINE)
    return row


def promised(model: str) -> dict[str, int]:
    return dict(zip(COLUMNS, (int(cell.replace(",", "")) for cell in row_of(model, README).split("|")[2:-1]), strict=True))


def measured(path: Path) -> dict[str, int]:
    compiled = tvm_tiny.compile(path, target="cortex-m4")
    report = compiled.run(random_inputs(compiled.inputs, 1), board="mps2-an386").report
    ram, flash = report["ram"], report["flash"]
    return dict(zip(COLUMNS, (ram["arena"], flash["weights"], flash["code"], ram["stack"], report["instructions"]), strict=True))


def check_figures(path: Path, request: pytest.FixtureRequest) -> None:
    found, told = measured(path), promised(path.stem)
    row = f"| {path.stem} | " + " | ".join(f"{each:,}" for each in found.values()) + " |"
    if request.config.getoption("--update-golden"):
        page = ROOT / "README.md"
        now = page.read_text()
        page.write_text(now.replace(row_of(path.stem, now), row))
        return
    for name in COLUMNS:
        assert found[name] <= told[name] * TOLERANCE, f"the {name} is larger than the README tells; it is now\n{row}"


def test_figures_of_the_sample_model_are_not_better_than_what_is_measured(request: pytest.FixtureRequest):
    check_figures(digits_model_path(), request)


@pytest.mark.models
@pytest.mark.parametrize("model", ["kws", "vww", "ic", "ad"])
def test_figures_are_not_better_than_what_is_measured(model: str, models_dir: Path, request: pytest.FixtureRequest):
    check_figures(models_dir / f"{model}.tflite", request)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_is_told(verb: Verb):
    assert re.search(rf"tvm-tiny {verb.name}\b", README)


def test_the_table_of_rooms_has_every_room():
    package = ROOT / "python" / "tvm_tiny"
    rooms = {f"{path.name}/" for path in package.iterdir() if (path / "__init__.py").is_file()}
    modules = {path.name for path in package.glob("*.py")} - {"__init__.py", "__main__.py"}
    assert {name for name in rooms | modules if f"`{name}`" not in README} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path):
    targets = [link for link in re.findall(r"\]\(([^)#]+)", page.read_text()) if "://" not in link]
    assert [link for link in targets if not (page.parent / link).exists()] == []


# Where files that the pages name without their whole path may lie.
PLACES = [ROOT, ROOT / "docs", ROOT / "python" / "tvm_tiny", ROOT / "src", ROOT / "src" / "planner"]
ROOMS = [ROOT / "python" / "tvm_tiny" / room for room in ("frontend", "transform", "schedule", "memory", "op", "board")]


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", ROOT / "docs" / "adding.md", ROOT / "docs" / "design.md"], ids=lambda page: page.name
)
def test_files_that_are_named_are_there(page: Path):
    names = set(re.findall(r"`((?:[\w.]+/)*[\w]+\.(?:py|h|cc|c|cmake|txt|md|toml))`", page.read_text()))
    made = {"main.c"}  # what readers write themselves
    assert names
    missing = [name for name in names - made if not any((place / name).exists() for place in (*PLACES, *ROOMS))]
    assert missing == []


def test_first_thing_is_the_two_commands():
    assert README.startswith("# tvm_tiny\n\n```\nmake demo ")
