"""Packages of models whose tensors lie outside the arena, or that work in several memories."""

from __future__ import annotations

import re
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest

from tvm_tiny import api
from tvm_tiny.memory.options import Memory
from tvm_tiny.memory.pools import Pool
from tvm_tiny.package import FORMATS
from tvm_tiny.packaging import package_models
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

from .conftest import call

POOLS = (Pool("fast", 1024), Pool("slow", 4096, cost=4))
MEMORIES = {
    "outside": Memory(io="outside"),
    "pools": Memory(pools=POOLS, pins={"second": "slow"}),
    "outside-pools": Memory(io="outside", pools=POOLS, pins={"second": "slow"}),
}


@pytest.fixture(scope="module")
def layered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three fully connected layers, 24 wide, of which the last two lie in the arena only in part."""
    b = TFLiteBuilder()
    tensor = b.input("x", (1, 24), "int8", 0.05, -3)
    for index, name in enumerate(("first", "second", "y")):
        weights = b.weights(f"w{index}", np.random.default_rng(index).normal(0.0, 0.3, (24, 24)).astype(np.float32), None)
        tensor = b.fully_connected(tensor, weights, np.arange(24, dtype=np.int32), name, scale=0.1, zero_point=5)
    path = tmp_path_factory.mktemp("layered") / "net.tflite"
    path.write_bytes(b.build([tensor]))
    return path


@pytest.mark.parametrize("memory", ["outside", "pools"])
def test_the_firmware_prints_pass(layered: Path, tmp_path: Path, memory: str) -> None:
    project = tmp_path / "project"
    api.package([layered], form="cmake", output=project, target="cortex-m4", memory=MEMORIES[memory])
    call("cmake", "-S", project, "-B", "build", cwd=tmp_path)
    log = call("cmake", "--build", "build", cwd=tmp_path)

    assert "warning" not in log.lower(), log
    assert "100% tests passed" in call("ctest", cwd=tmp_path / "build")


def test_each_pool_is_an_array_that_a_macro_places(layered: Path, tmp_path: Path) -> None:
    """In the firmware's linker script .bss.slow goes where .bss does; here the object tells the section."""
    api.package([layered], form="esp-idf", output=tmp_path, target="cortex-m4", memory=MEMORIES["pools"])
    flags = ("-mcpu=cortex-m4", f"-I{tmp_path}/runtime", f"-I{tmp_path}/models/net", '-DNET_POOL_SLOW_SECTION=".bss.slow"')
    call("arm-none-eabi-gcc", *flags, "-c", tmp_path / "examples/net/main/net_example.c", "-o", tmp_path / "object.o", cwd=tmp_path)

    symbols = call("arm-none-eabi-objdump", "-t", tmp_path / "object.o", cwd=tmp_path)
    sections = dict(re.findall(r"(\S+)\s+[0-9a-f]+ (\w+_pool)$", symbols, re.M))
    assert sections == {".bss": "fast_pool", ".bss.slow": "slow_pool"}


@pytest.mark.parametrize("memory", MEMORIES)
def test_the_program_in_an_archive_runs(layered: Path, tmp_path: Path, memory: str) -> None:
    api.package([layered], form="mlf", output=tmp_path / "net.tar", target="c", memory=MEMORIES[memory])
    with tarfile.open(tmp_path / "net.tar") as tar:
        tar.extractall(tmp_path)
    (tmp_path / "main.c").write_text((tmp_path / "templates/main.c.template").read_text())
    sources = sorted((tmp_path / "codegen/host/src").glob("*.c"))
    includes = ("-Icodegen/host/include", "-Iruntime/include", "-Wall", "-Wextra", "-Werror")
    call("gcc", "-std=c99", *includes, "main.c", *sources, "-o", "program", cwd=tmp_path)

    assert subprocess.run([tmp_path / "program"], check=False).returncode == 0


def test_the_example_of_every_format_compiles(layered: Path, tmp_path: Path) -> None:
    compiled = api.compile(layered, target="cortex-m4", memory=MEMORIES["outside-pools"])
    for form in (form for form in FORMATS if form.container == "folder"):
        folder = tmp_path / form.name
        package_models([(compiled, "")], form, folder)
        (example,) = folder.rglob("net_example.c")
        headers = {path.parent for path in folder.rglob("net*.h")} | {path.parent for path in folder.rglob("tvm_tiny")}
        flags = ("-std=c99", "-mcpu=cortex-m4", "-Wall", "-Wextra", "-Werror", *(f"-I{each}" for each in sorted(headers)))
        call("arm-none-eabi-gcc", *flags, "-c", example, "-o", tmp_path / "object.o", cwd=tmp_path)


def test_a_model_that_needs_no_memory(model_files: list[Path], tmp_path: Path) -> None:
    """One layer, whose tensors both lie outside."""
    api.package(model_files[:1], form="cmake", output=tmp_path / "project", target="c", memory=Memory(io="outside"))
    call("cmake", "-S", "project", "-B", "build", cwd=tmp_path)
    call("cmake", "--build", "build", cwd=tmp_path)

    assert "alpha_run(NULL, &inputs, &outputs)" in (tmp_path / "project/models/alpha/alpha_example.c").read_text()
    assert call(tmp_path / "build/example", cwd=tmp_path) == "PASS\n"
