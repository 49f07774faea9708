"""``tvm-tiny doctor``: what is missing is told with its mend; only what the demo needs makes it fail."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import tomllib
from pathlib import Path

import pytest

from tvm_tiny.commands import checks, doctor
from tvm_tiny.commands.checks import Check

from ..conftest import ROOT
from .conftest import Command


def found(*wanted: Check) -> tuple[object, ...]:
    return tuple(lambda check=check: check for check in wanted)


def outcomes() -> dict[str, Check]:
    return {check.name: check for check in (each() for each in checks.CHECKS)}


@pytest.fixture
def no_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out the check that starts another Python, which takes seconds."""
    kept = tuple(check for check in checks.CHECKS if check is not checks._plugin_of_tvm)
    monkeypatch.setattr(checks, "CHECKS", kept)
    monkeypatch.setattr(doctor, "CHECKS", kept)


def test_pins_are_those_of_the_project():
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"apache-tvm=={checks.TVM}" in dependencies["dependencies"]
    assert f"apache-tvm-ffi=={checks.TVM_FFI}" in dependencies["dependencies"]
    assert dependencies["requires-python"] == f">={checks.PYTHON[0]}.{checks.PYTHON[1]}"


def test_this_machine_can_run_the_tests(command: Command):
    """Whoever runs the tests has TVM, the planner and a compiler: those checks must say so."""
    rows = {row["name"]: row for row in command("doctor", "--json", "-").json["checks"]}
    for name in ("Python", "apache-tvm", "apache-tvm-ffi", "numpy", "onnx", "tflite", "memory planner", "runtime headers"):
        assert rows[name]["ok"], rows[name]
    assert rows["apache-tvm"]["detail"] == importlib.metadata.version("apache-tvm")


def test_every_check_that_fails_has_a_mend(command: Command, no_import: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """On a machine without any program and without the optional Python packages."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    results = outcomes()
    failed = {name for name, check in results.items() if not check.ok}
    assert {"Arm cross compiler", "C library for Arm", "Arm emulator", "host compiler", "onnxruntime", "xgboost"} <= failed
    for name in failed:
        assert results[name].mend, name
        assert results[name].detail, name
    assert "apt-get install gcc-arm-none-eabi" in results["Arm cross compiler"].mend
    done = command("doctor")
    assert done.code == 8
    assert "checks failed that the demo needs" in done.err
    assert "Arm cross compiler: install it: apt-get install gcc-arm-none-eabi" in done.out
    assert "Traceback" not in done.err


def test_what_the_demo_does_not_need_is_told_and_does_not_fail(command: Command, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        doctor, "CHECKS", found(Check("Python", True, "3.11"), Check("xgboost", False, "not installed", "install it", "tuning"))
    )
    done = command("doctor")
    assert done.code == 0
    assert "xgboost: install it (needed only for tuning)" in done.out
    assert "All that the demo needs is there." in done.out


def test_what_the_demo_needs_fails(command: Command, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "CHECKS", found(Check("Python", False, "3.8", "upgrade"), Check("numpy", True, "2.0")))
    done = command("doctor", "--json", "-")
    assert done.code == 8
    assert not done.json["ok"]
    assert "1 of 2 checks failed that the demo needs: Python" in done.err


def test_ffi_that_crashes_tvm_is_told_with_the_version_to_install(monkeypatch: pytest.MonkeyPatch):
    versions = {"apache-tvm-ffi": "0.1.15", "apache-tvm": checks.TVM}
    monkeypatch.setattr(importlib.metadata, "version", versions.__getitem__)
    check = checks._tvm_ffi()
    assert check.stands_in_the_way
    assert f"0.1.15, expected {checks.TVM_FFI}" in check.detail
    assert check.mend == f"pip install apache-tvm-ffi=={checks.TVM_FFI}"
    assert checks._tvm().ok


def test_plugin_that_is_switched_off_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TVM_DEVICE_BACKEND_AUTOLOAD", "0")
    check = checks._plugin_of_tvm()
    assert not check.ok
    assert not check.stands_in_the_way
    assert check.mend == "unset TVM_DEVICE_BACKEND_AUTOLOAD"


def test_tvm_that_cannot_be_imported_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "tvm.py").write_text("import os; os.abort()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    check = checks._plugin_of_tvm()
    assert check.stands_in_the_way
    assert "`import tvm` fails: it ended with code -6" in check.detail


@pytest.mark.parametrize(
    ("version", "ok"), [("5.2.0", False), ("6.0.0", True), ("7.2.22", True), ("8.2.1", True), ("9.0.0", False)]
)
def test_emulator_that_does_not_take_the_plugin_is_told(version: str, ok: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(checks, "emulator_plugin", lambda: tmp_path)
    monkeypatch.setattr(checks, "tool_version", lambda _tool: version)
    check = checks._emulator_plugin()
    assert check.ok == ok
    assert not check.stands_in_the_way
    assert ok or "does not take it: expected 6.0 or later, before 9.0" in check.detail
