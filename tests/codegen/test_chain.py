"""Chains of layers as C: the same outputs as LiteRT's, on this machine with sanitizers and on an emulated Cortex-M4."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.codegen.compilers import CLANG, Compiler
from tests.schedule.chained import NETWORKS, Net, module_of, only_chain, overlapping_plan, program_of, whole_chain, with_chain
from tvm_tiny.board import get_board
from tvm_tiny.codegen.module import generate
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.model import Model
from tvm_tiny.schedule.chain import chain_of
from tvm_tiny.testing.reference import reference_for
from tvm_tiny.testing.samples import random_inputs

GCC = Compiler("gcc", "gcc", ("-std=c99", "-pedantic"))


def assert_as_litert(source: Model, module: CModule, board: str) -> None:
    samples = random_inputs(source.inputs, 3, seed=4)
    device = get_board(board)
    image = device.build(module, sanitize=True) if board == "host" else device.build(module)
    outputs = device.run(image, samples).outputs
    reference = reference_for(source)
    for sample, output in zip(samples, outputs, strict=True):
        wanted = reference.run(sample)
        for name in wanted:
            np.testing.assert_array_equal(output[name], wanted[name])
            assert len(np.unique(wanted[name])) > 4  # the network is no constant


def chained(name: str, target: str, rows: int, *, coarse: bool = False) -> tuple[Model, CModule]:
    source, program, core = program_of(NETWORKS[name](), target)
    height = program.layers[-1].node.output.shape[1]
    plan = whole_chain(program, rows if height % rows == 0 else 1, coarse=coarse)
    return source, module_of(with_chain(program, plan, core), core)


@pytest.mark.parametrize(("rows", "coarse"), [(1, False), (2, True), (3, False)])
@pytest.mark.parametrize("name", NETWORKS)
def test_chains_compute_what_litert_does(name: str, rows: int, coarse: bool) -> None:
    assert_as_litert(*chained(name, "c", rows, coarse=coarse), "host")


CORES = [("mps2-an386", "cortex-m4"), ("mps3-an547", "cortex-m55"), ("microbit", "cortex-m0")]


@pytest.mark.parametrize(
    ("name", "board", "target"),
    [
        *((name, *CORES[0]) for name in NETWORKS),
        *((name, *core) for name in ("strided_residual", "separable") for core in CORES[1:]),
    ],
)
def test_chains_on_emulated_cores(name: str, board: str, target: str) -> None:
    assert_as_litert(*chained(name, target, 1), board)


WINDOWS = [(1, 2, "SAME", 11), (2, 1, "SAME", 10), (3, 2, "VALID", 12), (4, 1, "VALID", 11), (4, 2, "SAME", 13), (5, 3, "SAME", 14)]


@pytest.mark.parametrize(("kernel", "stride", "padding", "height"), WINDOWS)
def test_any_window_and_height(kernel: int, stride: int, padding: str, height: int) -> None:
    net = Net((height, 12, 2), seed=kernel)
    last = net.depthwise(net.conv(net.x, 4, kernel, stride, padding), 3)
    source, program, core = program_of(net.b.build([last]))
    assert_as_litert(source, module_of(with_chain(program, whole_chain(program, 1), core), core), "host")


@pytest.mark.parametrize("name", ["strided_residual", "separable", "pools"])
def test_the_output_may_run_over_the_input(name: str) -> None:
    """With the overlap that the layer declares, no more."""
    source, program, core = program_of(NETWORKS[name]())
    program = with_chain(program, whole_chain(program, 1), core)
    plan = overlapping_plan(program, only_chain(program).overlaps[0])
    module = generate(program, plan, core)
    device = get_board("host")
    samples = random_inputs(source.inputs, 3, seed=6)
    reference = reference_for(source)
    for sample, output in zip(samples, device.run(device.build(module), samples).outputs, strict=True):
        for tensor, wanted in reference.run(sample).items():
            np.testing.assert_array_equal(output[tensor], wanted)


def test_a_chain_between_other_layers() -> None:
    source, program, core = program_of(NETWORKS["residual"]())
    plan = chain_of(program, 1, 3, 1)
    assert plan is not None
    module = module_of(with_chain(program, plan, core), core)
    assert [layer.name for layer in module.layers] == ["conv2d_0", "conv2d_1_to_add_3", "conv2d_4"]
    assert_as_litert(source, module, "host")


def test_two_chains_in_a_row() -> None:
    source, program, core = program_of(NETWORKS["separable"]())
    first, second = chain_of(program, 0, 1, 1), chain_of(program, 2, 4, 1)
    assert first is not None
    assert second is not None
    program = with_chain(with_chain(program, second, core), first, core)
    assert_as_litert(source, module_of(program, core), "host")


@pytest.mark.parametrize("compiler", [GCC, CLANG], ids=["gcc", "clang"])
@pytest.mark.parametrize("name", ["strided_residual", "separable"])
def test_the_c_compiles_without_a_warning(name: str, compiler: Compiler, tmp_path: Path) -> None:
    _, module = chained(name, "c", 1)
    for path, text in module.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    compiler.check([tmp_path / source for source in module.sources], [tmp_path])


def test_stages_share_functions_as_other_layers_do() -> None:
    _, module = chained("residual", "c", 1)
    functions = re.findall(r"static TVM_TINY_NOINLINE void (\w+)\(", module.files["net.c"])
    assert functions == ["net_conv2d_0", "net_conv2d_like_1", "net_add_3", "net_conv2d_4", "net_conv2d_0_to_conv2d_4"]
    assert [layer.function for layer in module.layers] == ["net_conv2d_0_to_conv2d_4"]
