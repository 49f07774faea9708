"""Models in two memories: bit-exact, and within each of them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tvm_tiny.testing.networks import residual_net

from .conftest import Command

TWO = ("--pool", "dtcm:6k", "--pool", "sram:64k:cost=2")


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "residual.onnx"
    path.write_bytes(residual_net())
    return path


@pytest.mark.parametrize("io", ["arena", "outside"])
@pytest.mark.parametrize("board", ["host", "mps2-an386"])
def test_two_pools_compute_the_same_and_no_layer_leaves_its_buffers(network: Path, board: str, io: str, command: Command) -> None:
    options = ["--board", board, "--samples", 4, "--seed", 5, "--json", "-"]
    one = command("verify", network, *options).json
    two = command("verify", network, *options, *TWO, "--io", io, "--check-arena").json
    fast, slow = two["memory"]["pools"]
    assert (fast["name"], fast["capacity"], slow["name"], slow["cost"]) == ("dtcm", 6144, "sram", 2)
    assert 0 < fast["bytes"] <= 6144
    assert 0 < slow["bytes"] <= 65536
    assert two["ram"]["arena"] == fast["bytes"] + slow["bytes"]
    assert {each["pool"] for each in two["memory"]["buffers"]} == {"dtcm", "sram"}
    for pool in (fast, slow):
        ends = [each["offset"] + each["bytes"] for each in two["memory"]["buffers"] if each["pool"] == pool["name"]]
        assert max(ends) == pool["bytes"]
    assert two["arena_check"]["touched"] == []
    assert two["mismatches"] == one["mismatches"]


@pytest.fixture(scope="session")
def folder(network: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tvm_tiny.cli import main

    out = tmp_path_factory.mktemp("pools") / "out"
    pins = ["--pin", "conv2d_6_weight=sram", "--pin", "conv2d_7=sram"]
    assert main(["compile", str(network), "--target", "c", *TWO, *pins, "--output", str(out)]) == 0
    return out


def test_the_interface_is_a_struct_of_pools(folder: Path) -> None:
    header = (folder / "residual.h").read_text()
    assert "struct residual_pools {\n  void *dtcm;\n  void *sram;\n};" in header
    assert re.search(r"#define RESIDUAL_POOL_DTCM_BYTES \d+u\n#define RESIDUAL_POOL_SRAM_BYTES \d+u", header)
    assert "residual_run(const struct residual_pools *pools, " in header
    assert "ARENA_SIZE" not in header
    assert re.search(r'Input "image", .*, in pool \w+\.', header)
    source = (folder / "residual.c").read_text()
    assert "if (pools == NULL) {\n    return RESIDUAL_ERROR_NULL;" in source
    assert re.search(r"residual_conv2d_7\w*\([^;]*sram_pool", source)


@pytest.mark.parametrize("form", [[], ["-DTVM_TINY_WORKSPACE_POOLS"], ["-DTVM_TINY_WORKSPACE_IO"]])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_microtvms_forms_have_the_pools(folder: Path, form: list[str], compiler: str, tmp_path: Path) -> None:
    flags = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", f"-I{folder}"]
    sources = [folder / name for name in ("residual.c", "residual_weights.c", "tvmgen_residual.c")]
    subprocess.run([compiler, *flags, *form, "-c", *sources], check=True, cwd=tmp_path)
    header = (folder / "tvmgen_residual.h").read_text()
    assert "struct tvmgen_residual_workspace_pools {\n  void *dtcm;\n  void *sram;\n};" in header
    assert re.search(r"#define TVMGEN_RESIDUAL_SRAM_WORKSPACE_POOL_SIZE \d+\n", header)


def test_constants_go_to_the_section_of_their_pool(folder: Path, tmp_path: Path) -> None:
    flags = [f"-I{folder}", "-DRESIDUAL_SRAM_SECTION=\".sram_weights\"", "-o", tmp_path / "weights.o"]  # fmt: skip
    subprocess.run(["gcc", *flags, "-c", folder / "residual_weights.c"], check=True)
    symbols = subprocess.run(["objdump", "-t", tmp_path / "weights.o"], check=True, capture_output=True, text=True).stdout
    assert re.search(r"\.sram_weights\s+\w+ residual_conv2d_6_weight$", symbols, re.MULTILINE)
    assert re.search(r"\.rodata\s+\w+ residual_conv2d_8_weight$", symbols, re.MULTILINE)


def test_microtvms_pools_run(folder: Path, tmp_path: Path) -> None:
    """Through microTVM's struct of pools, with tensors in the pools and outside them: the same scores."""
    program = tmp_path / "main.c"
    program.write_text(_MAIN)
    common = ["gcc", "-std=c99", "-O1", f"-I{folder}", "-fsanitize=address,undefined"]
    sources = [folder / "residual.c", folder / "residual_weights.c", folder / "tvmgen_residual.c", program]
    printed = []
    for form in ("-DTVM_TINY_WORKSPACE_POOLS", "-DTVM_TINY_WORKSPACE_IO", "-DOWN"):
        subprocess.run([*common, form, *sources, "-lm", "-o", tmp_path / "program"], check=True)
        printed.append(subprocess.run([tmp_path / "program"], check=True, capture_output=True, text=True).stdout)
    assert len(set(printed)) == 1
    assert len(set(printed[0].split())) > 3


_MAIN = """
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "residual.h"
#include "tvmgen_residual.h"
static __attribute__((aligned(16))) uint8_t dtcm[RESIDUAL_POOL_DTCM_BYTES], sram[RESIDUAL_POOL_SRAM_BYTES];
static float image[RESIDUAL_IMAGE_ELEMENTS], scores[RESIDUAL_SCORES_ELEMENTS];
int main(void) {
  for (unsigned i = 0; i < RESIDUAL_IMAGE_ELEMENTS; ++i) image[i] = (float)(i * 37u % 101u) / 101.0f;
#if defined(OWN)
  struct tvmgen_residual_inputs inputs = {image};
  struct tvmgen_residual_outputs outputs = {scores};
  if (tvmgen_residual_run(&inputs, &outputs) != 0) return 1;
#else
  struct tvmgen_residual_workspace_pools pools = {dtcm, sram};
#if defined(TVM_TINY_WORKSPACE_IO)
  memcpy(tvmgen_residual_map_inputs(&pools).image, image, sizeof image);
  if (tvmgen_residual_run(&pools) != 0) return 1;
  memcpy(scores, tvmgen_residual_map_outputs(&pools).scores, sizeof scores);
#else
  struct tvmgen_residual_inputs inputs = {image};
  struct tvmgen_residual_outputs outputs = {scores};
  if (tvmgen_residual_run(&inputs, &outputs, &pools) != 0) return 1;
  pools.sram = 0;
  if (tvmgen_residual_run(&inputs, &outputs, &pools) != -1) return 2;
#endif
#endif
  for (unsigned i = 0; i < RESIDUAL_SCORES_ELEMENTS; ++i) printf("%g\\n", (double)scores[i]);
  return 0;
}
"""


def test_pools_that_are_too_small_write_nothing(network: Path, tmp_path: Path, command: Command) -> None:
    done = command("compile", network, "--target", "c", "--pool", "dtcm:2k", "--pool", "sram:4k", "--output", tmp_path / "out")
    assert done.code == 9
    assert re.search(r"the pools \(dtcm 2,048, sram 4,096\) are too small: [\d,]+ bytes of buffers find no room", done.err)
    assert not (tmp_path / "out").exists()


def test_pools_of_a_file_and_the_map(network: Path, tmp_path: Path, command: Command) -> None:
    path = tmp_path / "pools.toml"
    path.write_text('[pool.dtcm]\nsize = "6k"\n[pool.sram]\nsize = "64k"\ncost = 2\n[pin]\nimage = "sram"\n')
    done = command("compile", network, "--target", "c", "--pools", path, "--map", tmp_path / "map.png")
    assert re.search(r"dtcm +[\d,]+ bytes +of 6,144, cost 0\n +sram +[\d,]+ bytes +of 65,536, cost 2", done.out)
    assert (tmp_path / "map.png").stat().st_size > 10_000
