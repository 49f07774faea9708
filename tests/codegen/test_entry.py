"""``<model>_run``, compiled and run: every pointer must be the right one, wherever the tensors lie."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tvm_tiny.memory.plan import MemoryPlan, Placement
from tvm_tiny.memory.planner import plan_memory
from tvm_tiny.model import TensorSpec
from tvm_tiny.program import Layer, Program, Tensor

from ..memory.programs import programs
from .harness import build_and_run, main_of, random_inputs, runner
from .programs import every_kind, generated, mixed, output_values, tensor_table


def check(folder: Path, program: Program, plan: MemoryPlan | None = None, seed: int = 0) -> None:
    """``program`` gives the right outputs for every choice of tensors inside and outside the arena (a sample if there are many)."""
    module = generated(program, plan)
    inputs = random_inputs(program.inputs, seed)
    count = len(program.inputs) + len(program.outputs)
    rng = np.random.default_rng(seed)
    choices = sorted({-1, 0, 2**count - 1, *rng.integers(0, 2**count, 6).tolist()})
    runners = [runner(module, inputs, outside) for outside in choices]
    body = [f"if (run_{module.name}_{outside & 0xFFFF}() != 0) return 2;" for outside in choices]
    lines = build_and_run(folder, [module], main_of([module], runners, body))
    expected = [value.tobytes().hex() for value in output_values(program, inputs)]
    assert lines == expected * len(choices)


def spec(name: str, size: int, dtype: str = "int8") -> TensorSpec:
    return TensorSpec(name, (size,), dtype)


def tensors(*names: str, size: int = 5) -> dict[str, Tensor]:
    return tensor_table(*(Tensor(name, (size,), "int8") for name in names))


def layer(name: str, inputs: str, outputs: str) -> Layer:
    return Layer(name, "op", None, tuple(inputs.split()), tuple(outputs.split()))


def test_every_kind_of_tensor(tmp_path: Path) -> None:
    check(tmp_path, every_kind(), plan_memory(every_kind()))


def test_layers_that_find_their_tensors_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in models of many layers."""
    monkeypatch.setattr("tvm_tiny.codegen.fold.LIMIT", 0)
    program, plan = every_kind(), plan_memory(every_kind())
    assert "_body(" in generated(program, plan).files[f"{program.name}.c"]
    check(tmp_path, program, plan)


def test_output_that_later_layers_read(tmp_path: Path) -> None:
    layers = (layer("first", "x", "early"), layer("second", "early", "late"))
    program = Program(
        "net",
        (spec("x", 5),),
        (spec("late", 5), spec("early", 5)),
        ("x",),
        ("late", "early"),
        tensors("x", "early", "late"),
        layers,
    )
    check(tmp_path, program, plan_memory(program))


def test_output_that_is_the_input(tmp_path: Path) -> None:
    """A model whose only operator is a reshape has no layer at all."""
    views = tensors("x") | tensor_table(Tensor("y", (5, 1), "int8"))
    program = Program("net", (spec("x", 5),), (TensorSpec("y", (5, 1), "int8"),), ("x",), ("y",), views, (), {"y": "x"})
    check(tmp_path, program, plan_memory(program))


def test_output_that_is_an_input_which_layers_read_too(tmp_path: Path) -> None:
    views = tensors("x", "z", "y")
    program = Program(
        "net", (spec("x", 5),), (spec("y", 5), spec("z", 5)), ("x",), ("y", "z"), views, (layer("only", "x", "z"),), {"y": "x"}
    )
    check(tmp_path, program, plan_memory(program))


def test_outputs_that_are_one_tensor(tmp_path: Path) -> None:
    outputs = (spec("y", 5), spec("again", 5), spec("view", 5))
    program = Program(
        "net",
        (spec("x", 5),),
        outputs,
        ("x",),
        ("y", "y", "view"),
        tensors("x", "y", "view"),
        (layer("only", "x", "y"),),
        {"view": "y"},
    )
    check(tmp_path, program, plan_memory(program))


def test_output_that_is_the_beginning_of_a_tensor(tmp_path: Path) -> None:
    """Its outside memory is too small for the layer to write into."""
    all_tensors = tensors("x", "whole", "z") | tensors("part", size=3)
    layers = (layer("first", "x", "whole"), layer("second", "whole", "z"))
    program = Program(
        "net", (spec("x", 5),), (spec("part", 3), spec("z", 5)), ("x",), ("part", "z"), all_tensors, layers, {"part": "whole"}
    )
    check(tmp_path, program, plan_memory(program))


def test_input_that_nobody_reads(tmp_path: Path) -> None:
    program = Program(
        "net",
        (spec("unused", 5), spec("x", 5)),
        (spec("y", 5),),
        ("unused", "x"),
        ("y",),
        tensors("unused", "x", "y"),
        (layer("only", "x", "y"),),
    )
    check(tmp_path, program, plan_memory(program))


def test_model_without_inputs(tmp_path: Path) -> None:
    program = Program("net", (), (spec("y", 5),), (), ("y",), tensors("y"), (layer("only", "", "y"),))
    check(tmp_path, program, plan_memory(program))


def test_names_that_mean_something_in_the_function(tmp_path: Path) -> None:
    names = ("arena", "memory", "inputs", "outputs", "memcpy", "net_only", "NULL", "int8_t", "memory_", "class")
    inputs, outputs = tuple(f"x{i}" for i in range(5)), tuple(f"y{i}" for i in range(5))
    specs = tuple(spec(name, 5) for name in names)
    layers = (layer("only", "x0 x1 x2 x3 x4", "y0 y1 y2"), layer("last", "y0", "y3"))
    program = Program("net", specs[:5], specs[5:], inputs, outputs, tensors(*inputs, *outputs), layers, {"y4": "x1"})
    check(tmp_path, program, plan_memory(program))


def _without_overlaps(program: Program) -> Program:
    """The layers of these tests mix all inputs into all outputs: none may run over its input."""
    return replace(program, layers=tuple(replace(layer, overlaps=()) for layer in program.layers))


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(st.lists(programs(), min_size=5, max_size=5), st.integers(0, 2**16))
def test_random_graphs(tmp_path_factory: pytest.TempPathFactory, batch: list[Program], seed: int) -> None:
    """Several graphs in one executable, their buffers as close as they may be without overlap."""
    folder = tmp_path_factory.mktemp("graphs")
    batch = [replace(_without_overlaps(program), name=f"net{index}") for index, program in enumerate(batch)]
    rng = np.random.default_rng(seed)
    modules, runners, body, expected = [], [], [], []
    for program in batch:
        module = generated(program, plan_memory(program, alignment=4))
        inputs = random_inputs(program.inputs, seed)
        count = len(program.inputs) + len(program.outputs)
        modules.append(module)
        for outside in sorted({-1, 2**count - 1, int(rng.integers(0, 2**count))}):
            runners.append(runner(module, inputs, outside))
            body.append(f"if (run_{module.name}_{outside & 0xFFFF}() != 0) return 2;")
            expected += [value.tobytes().hex() for value in output_values(program, inputs)]
    assert build_and_run(folder, modules, main_of(modules, runners, body)) == expected


def test_tensors_that_the_plan_leaves_outside(tmp_path: Path) -> None:
    """A plan may give a tensor at the border no place: then the caller must bring memory for it."""
    program = Program(
        "net",
        (spec("x", 5),),
        (spec("y", 5),),
        ("x",),
        ("y",),
        tensors("x", "t", "y"),
        (layer("a", "x", "t"), layer("b", "t", "y")),
    )
    plan = MemoryPlan(5, 5, 16, {"t": Placement("t", 0, 5, 0, 1)}, "by hand")
    module = generated(program, plan)
    assert "NET_X_OFFSET" not in module.files["net.h"]
    data = random_inputs(program.inputs)[0]
    body = [
        "static int8_t arena[16] __attribute__((aligned(16)));",
        f"int8_t x[5] = {{{', '.join(map(str, data))}}}, y[5];",
        "struct net_inputs inputs = {x};",
        "struct net_outputs outputs = {y};",
        'printf("%d\\n", net_run(arena, &inputs, &outputs));',
        "dump(y, 5);",
        "inputs.x = NULL;",
        'printf("%d\\n", net_run(arena, &inputs, &outputs));',
        'printf("%d\\n", net_run(arena, NULL, &outputs));',
        "inputs.x = x;",
        'printf("%d\\n", net_run(arena, &inputs, NULL));',
    ]
    lines = build_and_run(tmp_path, [module], main_of([module], [], body))
    assert lines == ["0", output_values(program, [data])[0].tobytes().hex(), "1", "1", "1"]


def test_no_arena_at_all(tmp_path: Path) -> None:
    program = Program("net", (spec("x", 5),), (spec("y", 5),), ("x",), ("y",), tensors("x", "y"), (layer("a", "x", "y"),))
    module = generated(program, MemoryPlan(0, 0, 16, {}, "by hand"))
    body = [
        "int8_t x[5] = {1, 2, 3, 4, 5}, y[5];",
        "const struct net_inputs inputs = {x};",
        "const struct net_outputs outputs = {y};",
    ]
    body += ['printf("%d\\n", net_run(NULL, &inputs, &outputs));', "dump(y, 5);"]
    expected = output_values(program, [np.arange(1, 6, dtype=np.int8)])[0].tobytes().hex()
    assert build_and_run(tmp_path, [module], main_of([module], [], body)) == ["0", expected]


def test_wrong_arenas_are_refused(tmp_path: Path) -> None:
    program = every_kind()
    module = generated(program)
    body = [
        f"static int8_t arena[{module.arena_size + 16}] __attribute__((aligned(16)));",
        'printf("%d %d %d\\n", EVERY_OK, EVERY_ERROR_NULL, EVERY_ERROR_ALIGNMENT);',
        'printf("%d\\n", every_run(NULL, NULL, NULL));',
        'printf("%d\\n", every_run(arena + 8, NULL, NULL));',
        "memset(arena, 0, sizeof arena);",
        'printf("%d\\n", every_run(arena, NULL, NULL));',
    ]
    assert build_and_run(tmp_path, [module], main_of([module], [], body)) == ["0 1 2", "1", "2", "0"]


def test_trace_reports_every_layer(tmp_path: Path) -> None:
    program = every_kind()
    module = generated(program, plan_memory(program))
    inputs = random_inputs(program.inputs)
    trace = """
void tvm_tiny_trace(int layer, const void *output, size_t size);
void tvm_tiny_trace(int layer, const void *output, size_t size) {
  printf("%d ", layer);
  dump(output, size);
}
"""
    main = main_of([module], [trace, runner(module, inputs, -1)], [f"if (run_{module.name}_{-1 & 0xFFFF}() != 0) return 2;"])
    lines = build_and_run(tmp_path, [module], main, "-DTVM_TINY_TRACE")
    values = mixed(program, inputs)
    expected = [f"{index} {values[info.output].tobytes().hex()}" for index, info in enumerate(module.layers)]
    assert lines[: len(expected)] == expected


def test_the_text_reads_like_a_list_of_layers() -> None:
    source = generated(every_kind()).files["every.c"]
    layer_0 = """
  /* 0: conv2d_0, 1x3x5x4 int8, "model/ *weird* /conv "one";..." */
  TVM_TINY_BEGIN_LAYER(0);
  every_conv2d_0(serving_default_x_0, serving_default_x_0_2, memory + 256, (int32_t *)(void *)(memory + 288));
  TVM_TINY_TRACE_LAYER(0, serving_default_x_0_2, 60u);
"""
    layer_1 = """
  /* 1: split_1, 7 int32 */
  TVM_TINY_BEGIN_LAYER(1);
  every_split_1(serving_default_x_0_2, int_, (int32_t *)(void *)(memory + 128), (float *)(void *)(memory + 160));
  TVM_TINY_TRACE_LAYER(1, memory + 128, 28u);
"""
    assert layer_0 + layer_1 in source
