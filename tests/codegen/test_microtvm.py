"""microTVM's C interface, used as the firmware of its time used it."""

from pathlib import Path

import pytest

from tvm_tiny.memory.planner import plan_memory
from tvm_tiny.model import TensorSpec
from tvm_tiny.program import Layer, Program, Tensor

from .compilers import C_COMPILERS, Compiler, name_of
from .harness import build_and_run, random_inputs, write
from .programs import every_kind, generated, output_values, tensor_table

PROGRAM = Program(
    "default",
    (TensorSpec("input_1", (1, 4), "int8"), TensorSpec("serving_default_x:0", (1, 3), "int8")),
    (TensorSpec("Identity", (1, 5), "int8"), TensorSpec("StatefulPartitionedCall:1", (2,), "float32")),
    ("a", "b"),
    ("c", "d"),
    tensor_table(
        Tensor("a", (1, 4), "int8"), Tensor("b", (1, 3), "int8"), Tensor("c", (1, 5), "int8"), Tensor("d", (2,), "float32")
    ),
    (Layer("all_0", "op", None, ("a", "b"), ("c", "d")),),
)

# What an application around microTVM 0.18's generated code looks like, in the three forms that it had.
DEFAULT = """
#include <stdio.h>
#include "tvmgen_default.h"
static int8_t first[TVMGEN_DEFAULT_INPUT_1_SIZE] = {FIRST};
static int8_t second[TVMGEN_DEFAULT_SERVING_DEFAULT_X_0_SIZE] = {SECOND};
static uint8_t Identity[TVMGEN_DEFAULT_IDENTITY_SIZE];
static float other[TVMGEN_DEFAULT_STATEFULPARTITIONEDCALL_1_SIZE / sizeof(float)];
static uint8_t pool[TVMGEN_DEFAULT_WORKSPACE_SIZE] __attribute__((aligned(16)));
static void show(const void *data, unsigned size) {
  for (unsigned i = 0; i < size; ++i) printf("%02x", ((const uint8_t *)data)[i]);
  puts("");
}
int main(void) {
  struct tvmgen_default_inputs inputs = {.input_1 = first, .serving_default_x_0 = second};
  struct tvmgen_default_outputs outputs = {.Identity = Identity, .StatefulPartitionedCall_1 = other};
  (void)pool;
  if (tvmgen_default_run(&inputs, &outputs) != 0) return 1;
  show(outputs.Identity, TVMGEN_DEFAULT_IDENTITY_SIZE);
  show(outputs.StatefulPartitionedCall_1, TVMGEN_DEFAULT_STATEFULPARTITIONEDCALL_1_SIZE);
  return 0;
}
"""
POOLS = DEFAULT.replace(
    "  if (tvmgen_default_run(&inputs, &outputs) != 0) return 1;",
    "  struct tvmgen_default_workspace_pools pools = {.global_workspace = pool};\n"
    "  struct tvmgen_default_workspace_pools crooked = {.global_workspace = pool + 1};\n"
    "  if (sizeof pool != TVMGEN_DEFAULT_GLOBAL_WORKSPACE_WORKSPACE_POOL_SIZE) return 2;\n"
    "  if (tvmgen_default_run(&inputs, &outputs, &crooked) != -1) return 3;\n"
    "  if (tvmgen_default_run(&inputs, &outputs, &pools) != 0) return 1;",
)
WORKSPACE_IO = (
    DEFAULT.replace("#include <stdio.h>", "#include <stdio.h>\n#include <string.h>")
    .replace(
        "  struct tvmgen_default_inputs inputs = {.input_1 = first, .serving_default_x_0 = second};\n"
        "  struct tvmgen_default_outputs outputs = {.Identity = Identity, .StatefulPartitionedCall_1 = other};\n",
        "  struct tvmgen_default_workspace_pools pools = {.global_workspace = pool};\n"
        "  struct tvmgen_default_inputs inputs = tvmgen_default_map_inputs(&pools);\n"
        "  struct tvmgen_default_outputs outputs = tvmgen_default_map_outputs(&pools);\n"
        "  (void)Identity;\n  (void)other;\n"
        "  memcpy(inputs.input_1, first, sizeof first);\n"
        "  memcpy(inputs.serving_default_x_0, second, sizeof second);\n",
    )
    .replace("tvmgen_default_run(&inputs, &outputs)", "tvmgen_default_run(&pools)")
)


@pytest.mark.parametrize(
    ("application", "flags"),
    [(DEFAULT, ()), (POOLS, ("-DTVM_TINY_WORKSPACE_POOLS",)), (WORKSPACE_IO, ("-DTVM_TINY_WORKSPACE_IO",))],
    ids=["default", "pools", "io"],
)
def test_firmware_of_microtvm_builds_and_runs(application: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    module = generated(PROGRAM, plan_memory(PROGRAM))
    inputs = random_inputs(PROGRAM.inputs)
    for word, data in zip(("FIRST", "SECOND"), inputs, strict=True):
        application = application.replace(f"{{{word}}}", "{" + ", ".join(map(str, data.ravel())) + "}")
    lines = build_and_run(tmp_path, [module], application, *flags)
    assert lines == [value.tobytes().hex() for value in output_values(PROGRAM, inputs)]


def test_macros_have_no_suffix() -> None:
    """microTVM wrote plain numbers, and firmware pastes them into strings and assembler."""
    header = generated(PROGRAM, plan_memory(PROGRAM)).files["tvmgen_default.h"]
    assert "#define TVMGEN_DEFAULT_INPUT_1_SIZE 4\n" in header
    assert "#define TVMGEN_DEFAULT_STATEFULPARTITIONEDCALL_1_SIZE 8\n" in header


@pytest.mark.parametrize(
    "flags", [(), ("-DTVM_TINY_WORKSPACE_POOLS",), ("-DTVM_TINY_WORKSPACE_IO",)], ids=["default", "pools", "io"]
)
@pytest.mark.parametrize("compiler", C_COMPILERS, ids=name_of)
def test_without_warnings(compiler: Compiler, flags: tuple[str, ...], tmp_path: Path) -> None:
    module = generated(every_kind(), plan_memory(every_kind()))
    write(module, tmp_path)
    compiler.check([tmp_path / "tvmgen_every.c"], [tmp_path], *flags)
