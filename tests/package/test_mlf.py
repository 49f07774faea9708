"""Model Library Format: what tools that read microTVM's archives look for, and that its numbers are true."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import tvm

from .conftest import Packager, call


@pytest.fixture
def archive(packaged: Packager, tmp_path: Path) -> Path:
    """The archive of both models, unpacked."""
    with tarfile.open(packaged("mlf")) as tar:
        tar.extractall(tmp_path)
    return tmp_path


def metadata(archive: Path) -> dict[str, Any]:
    text = (archive / "metadata.json").read_text()
    data: dict[str, Any] = json.loads(text)
    return data


def test_the_keys_are_those_of_version_7(archive: Path) -> None:
    data = metadata(archive)

    assert data["version"] == 7
    assert set(data["modules"]) == {"alpha", "beta"}
    alpha = data["modules"]["alpha"]
    assert set(alpha) == {
        "model_name",
        "export_datetime",
        "memory",
        "target",
        "executors",
        "style",
        "external_dependencies",
    }
    assert (alpha["model_name"], alpha["executors"], alpha["style"]) == ("alpha", ["aot"], "full-model")


def test_sizes_are_true(archive: Path) -> None:
    """alpha has 8 bytes of input and 4 of output, and its header states the arena."""
    functions = metadata(archive)["modules"]["alpha"]["memory"]["functions"]
    main = functions["main"][0]
    header = (archive / "codegen/host/include/alpha.h").read_text()

    assert main["device"] == 1
    assert main["io_size_bytes"] == 8 + 4
    assert main["inputs"] == {"x": {"size": 8, "dtype": "int8"}}
    assert main["outputs"] == {"y": {"size": 4, "dtype": "int8"}}
    assert f"#define ALPHA_ARENA_SIZE {main['workspace_size_bytes']}u" in header
    assert f"#define ALPHA_WEIGHTS_SIZE {main['constants_size_bytes']}u" in header
    [operator] = functions["operator_functions"]
    assert operator["function_name"] == "alpha_fully_connected_0"
    assert operator["workspace"][0]["workspace_size_bytes"] <= main["workspace_size_bytes"]


def test_parameters_are_tvms_dictionary(archive: Path) -> None:
    """Constants are linked in, so it is empty, as microTVM's was."""
    assert dict(tvm.runtime.load_param_dict((archive / "parameters/alpha.params").read_bytes())) == {}


def test_the_operators_are_there_as_text(archive: Path) -> None:
    assert "def main" in (archive / "src/alpha.relax").read_text()


def test_a_build_of_all_that_is_in_codegen_links(archive: Path) -> None:
    """What a project that was written for microTVM's archives does: all sources, both include folders, its own main."""
    (archive / "main.c").write_text((archive / "templates/main.c.template").read_text())
    sources = sorted((archive / "codegen/host/src").glob("*.c"))
    includes = ["-Icodegen/host/include", "-Iruntime/include"]
    call("gcc", "-std=c99", *includes, "main.c", *sources, "-o", "program", cwd=archive)

    assert subprocess.run([archive / "program"], check=False).returncode == 0


def test_the_same_models_give_the_same_bytes(packaged: Packager, model_files: list[Path], tmp_path: Path) -> None:
    from tvm_tiny import api

    api.package(model_files, form="mlf", output=tmp_path / "again", target="cortex-m4")

    assert (tmp_path / "again").read_bytes() == packaged("mlf").read_bytes()
