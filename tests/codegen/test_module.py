"""The generated files as a whole."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tvm_tiny.codegen.function import Function
from tvm_tiny.memory.planner import plan_memory
from tvm_tiny.program import Layer

from ..conftest import ROOT
from .compilers import C_COMPILERS, Compiler, name_of
from .harness import write
from .programs import every_kind, generated, mixing_printer, stacked_plan


def test_files() -> None:
    module = generated(every_kind())
    assert [name for name in module.files if not name.startswith("tvm_tiny/")] == [
        "every.h", "every.c", "every_weights.h", "every_weights.c", "tvmgen_every.h", "tvmgen_every.c",
    ]  # fmt: skip
    assert module.sources == ("every.c", "every_weights.c", "tvmgen_every.c")
    included = {name for text in module.files.values() for name in re.findall(r'#include "(.*)"', text)}
    assert included <= set(module.files)


def test_only_the_named_standard_headers() -> None:
    module = generated(every_kind())
    included = {name for text in module.files.values() for name in re.findall(r"#include <(.*)>", text)}
    assert included <= {"stdint.h", "stddef.h", "string.h"}
    assert not module.needs_libm


def test_math_where_a_layer_needs_it() -> None:
    from tvm_tiny.codegen.module import generate
    from tvm_tiny.target import get_core

    program = every_kind()
    printer = mixing_printer(program.tensors)

    def with_libm(layer: Layer, prefix: str) -> Function:
        return replace(printer(layer, prefix), needs_libm=layer.name == "end_3")

    module = generate(program, stacked_plan(program), get_core("c"), printer=with_libm)
    assert module.needs_libm
    assert "#include <math.h>\n" in module.files["every.c"]


@pytest.mark.parametrize("compiler", C_COMPILERS, ids=name_of)
def test_without_warnings(compiler: Compiler, tmp_path: Path) -> None:
    module = generated(every_kind(), plan_memory(every_kind()))
    write(module, tmp_path)
    sources = [tmp_path / source for source in module.sources]
    compiler.check(sources, [tmp_path])
    compiler.check(sources, [tmp_path], "-DTVM_TINY_TRACE", "-DTVM_TINY_WORKSPACE_POOLS")


def test_no_symbol_outside_the_prefix_and_no_variable(tmp_path: Path) -> None:
    module = generated(every_kind())
    write(module, tmp_path)
    compiler = Compiler("gcc-m4", "arm-none-eabi-gcc", ("-std=c99", "-mcpu=cortex-m4", "-mthumb", "-O2"))
    for source in module.sources:
        compiler.run(f"-I{tmp_path}", "-c", tmp_path / source, "-o", tmp_path / "object.o")
        listing = subprocess.run(["arm-none-eabi-nm", tmp_path / "object.o"], capture_output=True, text=True, check=True).stdout
        for kind, name in re.findall(r"([A-Za-z]) (\S+)$", listing, re.M):
            if name.startswith("$"):  # mapping symbols of the assembler
                continue
            if kind == "U":
                assert name.startswith(("every_", "mem", "__aeabi_")), name
            elif source == "tvmgen_every.c" and name == "tvmgen_every_workspace":
                assert kind == "b"
            else:
                assert name.startswith(("every_", "tvmgen_every_")), name
                assert kind in "tTR", f"{name} is a variable"


def test_layers_say_what_a_report_needs() -> None:
    module = generated(every_kind())
    first, *_, last = module.layers
    assert (first.name, first.function, first.op, first.macs) == ("conv2d_0", "every_conv2d_0", "conv2d", 1080)
    assert (first.output, first.output_shape, first.output_dtype) == ("conv", (1, 3, 5, 4), "int8")
    assert first.output_source.startswith("model/*weird*/conv")
    assert first.layer_inputs == ("image",)
    assert first.integer
    assert not last.integer


def test_model_called_like_a_standard_header(tmp_path: Path) -> None:
    program = replace(every_kind(), name="string")
    module = generated(program)
    assert module.name == "string_model"
    write(module, tmp_path)
    C_COMPILERS[0].check([tmp_path / source for source in module.sources], [tmp_path])


def test_names_of_the_model_file_are_no_code() -> None:
    program = every_kind()
    tensors = program.tensors | {"wide": replace(program.tensors["wide"], source="tvm_tiny_nonsense(memcpy())")}
    source = generated(replace(program, tensors=tensors)).files["every.c"]
    assert "tvm_tiny_nonsense(memcpy())" in source


def test_same_bytes_in_every_process() -> None:
    code = (
        "import hashlib; from tests.codegen.programs import every_kind, generated; m = generated(every_kind());"
        "print(hashlib.sha256(repr(sorted(m.files.items())).encode()).hexdigest())"
    )
    digests = set()
    for seed in ("1", "2"):
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join([str(ROOT), *sys.path])}
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        digests.add(result.stdout)
    assert len(digests) == 1


def test_no_path_and_no_date_in_the_text() -> None:
    module = generated(every_kind())
    text = "".join(module.files.values())
    assert str(ROOT) not in text
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b|__DATE__|__TIME__|__FILE__", text)
