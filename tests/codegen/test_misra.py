"""Required rules of MISRA C:2012: cppcheck's addon finds nothing that the table in docs/misra.md does not name."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tvm_tiny.api import Optimize
from tvm_tiny.api import compile as compile_model
from tvm_tiny.frontend import load
from tvm_tiny.resources import runtime_dir

from ..conftest import ROOT
from .harness import write
from .programs import generated
from .test_golden import plain

ADVISORY = frozenset(
    (
        "1.2 2.3 2.4 2.5 2.6 2.7 4.2 5.9 8.7 8.9 8.11 8.13 10.5 11.4 11.5 12.1 12.3 12.4 13.3 13.4 15.1 15.4 15.5 17.5 17.8 "
        "18.4 18.5 19.2 20.1 20.5 20.10 21.12"
    ).split()
)
"""The advisory rules of MISRA C:2012; all others are required or mandatory."""

_GNU = ("-D__GNUC__=12", "-D__OPTIMIZE__=1", "-D__arm__=1", "-D__thumb__=1")
CORES = {
    "portable": ("-DNO_CORE=1",),  # any macro keeps cppcheck from trying combinations of those that it meets
    "cortex-m0": _GNU,
    "cortex-m4": (*_GNU, "-D__thumb2__=1", "-D__ARM_FEATURE_DSP=1"),
    "cortex-m55": (*_GNU, "-D__thumb2__=1", "-D__ARM_FEATURE_DSP=1", "-D__ARM_FEATURE_MVE=3"),
}
"""What the compiler of a core defines, as far as the runtime asks for it."""


def documented() -> list[tuple[str, str]]:
    """(rule, pattern of paths) of the table in docs/misra.md."""
    rows = re.findall(r"^\| (\d+\.\d+) \| ([^|]*) \|", (ROOT / "docs" / "misra.md").read_text(encoding="utf-8"), re.M)
    return [(rule, pattern) for rule, where in rows for pattern in re.findall(r"`([^`]+)`", where)]


def findings(folder: Path, sources: Sequence[str], core: str) -> set[tuple[str, str, int]]:
    """(rule, path, line) of every required rule that the addon finds broken in ``sources`` and what they include."""
    if shutil.which("cppcheck") is None:
        pytest.skip("cppcheck is not installed")
    command = ["cppcheck", "--addon=misra", "--quiet", "--std=c99", "-I.", "--template={file}:{line}: {id}", *CORES[core], *sources]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    if "Did not find addon" in result.stdout + result.stderr:
        pytest.skip("cppcheck's misra addon is not installed")
    found = re.findall(r"^(.*):(\d+): (\S+)$", result.stderr, re.M)
    assert found, f"the addon finds nothing at all, not even of the advisory rules:\n{result.stdout}{result.stderr}"
    others = [each for each in found if not each[2].startswith("misra-c2012-")]
    assert not others, f"cppcheck could not read the sources: {others}"
    rules = [(name.removeprefix("misra-c2012-"), path, int(line)) for path, line, name in found]
    return {each for each in rules if each[0] not in ADVISORY}


def undocumented(found: set[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
    """What no row of the table names."""
    table = documented()
    return sorted(each for each in found if not any(each[0] == rule and fnmatch(each[1], path) for rule, path in table))


def test_the_table_is_short_and_has_required_rules_only() -> None:
    rules = {rule for rule, _ in documented()}
    assert 0 < len(rules) <= 6
    assert not rules & ADVISORY


def test_what_is_not_in_the_table_is_found(tmp_path: Path) -> None:
    (tmp_path / "net.c").write_text("int f(int a);\nint f(int a) { goto end; end: return a + 0x80000000 + 017; }\n")
    assert ("7.1", "net.c", 2) in undocumented(findings(tmp_path, ["net.c"], "portable"))


@pytest.mark.parametrize("core", CORES)
def test_every_header_of_the_runtime(core: str, tmp_path: Path) -> None:
    shutil.copytree(runtime_dir() / "tvm_tiny", tmp_path / "tvm_tiny")
    headers = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.h"))
    (tmp_path / "all.c").write_text("".join(f'#include "{header}"\n' for header in headers))

    found = findings(tmp_path, ["all.c"], core)

    assert not undocumented(found)
    assert "10.1" in {rule for rule, _, _ in found}  # the addon saw the headers


@pytest.mark.parametrize("form", ["", "-DTVM_TINY_WORKSPACE_POOLS=1", "-DTVM_TINY_WORKSPACE_IO=1"])
def test_what_stands_around_the_layers(form: str, tmp_path: Path) -> None:
    """In every form of microTVM's interface."""
    folder = write(generated(plain()), tmp_path)
    options = [form] if form else []
    assert not undocumented(findings(folder, ["net_weights.c", "tvmgen_net.c", *options], "cortex-m4"))


@pytest.mark.models
@pytest.mark.parametrize(
    ("name", "core", "optimize"),
    [
        *((name, "cortex-m4", optimize) for name in ("kws", "vww", "ic") for optimize in ("speed", "size")),
        ("ad", "cortex-m4", "speed"),  # with "size" it is the same C
        ("kws", "cortex-m55", "speed"),
        ("kws", "cortex-m55", "size"),
    ],
)
def test_layers_of_the_models(models_dir: Path, tmp_path: Path, name: str, core: str, optimize: Optimize) -> None:
    folder = write(compile_model(load(models_dir / f"{name}.tflite"), target=core, optimize=optimize).module, tmp_path)

    found = findings(folder, [f"{name}.c"], core)

    assert not undocumented(found)
    assert ("8.14", f"{name}.c") in {(rule, path) for rule, path, _ in found}  # the addon saw the layers
