"""The way of a model, from its file to C that runs: what ``tvm_tiny.compile`` and the ``tvm-tiny`` command do, on one page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from tvm_tiny.board.base import Board
from tvm_tiny.compiled import CompiledModel
from tvm_tiny.errors import TargetError
from tvm_tiny.memory.options import Memory
from tvm_tiny.model import Model
from tvm_tiny.target import Core, get_core, get_target
from tvm_tiny.tune import DEFAULT_COMPILER
from tvm_tiny.verification import Verification, verify_model

if TYPE_CHECKING:
    from tvm import IRModule

    from tvm_tiny.npu.knobs import Lookup
    from tvm_tiny.npu.partition import Remark
    from tvm_tiny.schedule.program import Offload
    from tvm_tiny.target import Npu
    from tvm_tiny.tune.result import TuningResult

__all__ = ["CompiledModel", "Verification", "compile", "package", "tune", "verify"]

Optimize = Literal["speed", "size", "ram"]
Rounding = Literal["tflite-micro", "litert"]
Progress = Callable[[str], None]

OPTIMIZE: tuple[Optimize, ...] = ("speed", "size", "ram")
DEFAULT = Memory()
ROUNDING: tuple[Rounding, ...] = ("tflite-micro", "litert")


def compile(  # noqa: A001 - the public name
    model: str | Path | Model,
    *,
    target: str = "c",
    optimize: Optimize = "speed",
    rounding: Rounding = "tflite-micro",
    name: str | None = None,
    memory: Memory = DEFAULT,
    streaming: bool = False,
    database: str | Path | None = None,
    compiler: str = DEFAULT_COMPILER,
    progress: Progress = lambda _step: None,
) -> CompiledModel:
    """Compile a model to C99.

    Parameters
    ----------
    model : path or Model
        A ``.tflite`` or ``.onnx`` file, or what :func:`tvm_tiny.load` made of one.
    target : str
        A name of :func:`tvm_tiny.list_targets`.
    optimize : "speed", "size" or "ram"
        What the C compiler's flags and the schedules favour. With "ram", layers run row by row where that makes the arena smaller
        (:mod:`tvm_tiny.memory.chains`).
    rounding : "tflite-micro" or "litert"
        Whose rounding the fully-connected layers of a TFLite model follow; the two differ by at most one step. ONNX models follow
        ONNX Runtime.
    name : str, optional
        Prefix of the generated C; the file's name by default.
    memory : Memory
        What is asked of the memory plan.
    streaming : bool
        The rows of the input, its second axis, are frames in time: the C takes one at each call, and computes only what is new.
    database : path, optional
        The folder of a tuning database, whose schedules are preferred; "none" for default schedules everywhere. To favour speed,
        the records that come with the package are used too.
    compiler : str
        Whose records are used, by family and major version: the compiler that the C is for.
    progress : callable
        Called with the name of each step as it begins.

    Raises
    ------
    ModelError
        The file is missing, damaged or of a foreign format, or has shapes that are not fixed.
    UnsupportedOperatorError
        Operators that cannot be compiled, each with its reason.
    TargetError
        The target or an option is unknown.
    DatabaseError
        ``database`` holds no database, or a damaged one.
    CapacityError
        The arena is larger than ``memory.limit``; says by how many bytes, and for what.
    """
    _check_choice("optimize", optimize, OPTIMIZE)
    _check_choice("rounding", rounding, ROUNDING)
    core, npu = _core_of(target, optimize), get_target(target).npu
    progress("importing TVM")
    from tvm_tiny.codegen.module import generate
    from tvm_tiny.codegen.peak import check_limit
    from tvm_tiny.memory.chains import with_chains
    from tvm_tiny.memory.check import check_plan
    from tvm_tiny.memory.order import plan_in_order
    from tvm_tiny.op.qdq import Arithmetic
    from tvm_tiny.schedule.program import schedule_program
    from tvm_tiny.schedule.stream import stream_program
    from tvm_tiny.transform.lower_integer import lower_integer
    from tvm_tiny.transform.pipeline import run_passes
    from tvm_tiny.tune.decide import decisions_for

    progress("reading the model")
    source = _loaded(model, name)
    progress("lowering to integer arithmetic")
    lowered = lower_integer(source, Arithmetic("onnx" if source.source_format == "onnx" else rounding))
    decisions = decisions_for(core, database, compiler=compiler, optimize=optimize)
    mod, offload, on_core = _offloaded(run_passes(lowered.mod), npu, optimize, decisions.of_region, progress)
    progress("scheduling")
    program = schedule_program(mod, source, core, decisions, offload)
    if streaming:
        program = stream_program(program, core)
    progress("planning memory")
    planned = partial(
        plan_in_order, algorithm=memory.planner, io=memory.io, overlap=memory.overlap, pools=memory.pools, pins=memory.pins
    )
    row_by_row = optimize == "ram" and not memory.pins  # what is pinned has to be there as a whole
    program, plan = with_chains(program, core, planned) if row_by_row else planned(program)
    check_plan(program, plan)
    progress("writing C")
    module = generate(program, plan, core, target=get_target(target).name, compact=optimize == "size")
    if memory.limit is not None:
        check_limit(module, memory.limit)
    compiled = CompiledModel.of(source, module, plan, optimize, lowered.remarks, on_core)
    return replace(compiled, report={**compiled.report, "tuning": decisions.report()})


def verify(
    model: str | Path | Model,
    *,
    board: str | Board = "host",
    samples: int = 20,
    seed: int = 0,
    layers: bool = False,
    check_arena: bool = False,
    target: str | None = None,
    rounding: Rounding | None = None,
    optimize: Optimize = "speed",
    memory: Memory = DEFAULT,
    database: str | Path | None = None,
    compiler: str = DEFAULT_COMPILER,
    inputs: Sequence[Mapping[str, np.ndarray]] | None = None,
    expected: Sequence[Mapping[str, np.ndarray]] | None = None,
    progress: Progress = lambda _step: None,
) -> Verification:
    """Compile ``model``, run it on ``board`` and compare it with the reference interpreter of its format.

    Parameters
    ----------
    samples, seed : int
        How many random inputs, from which seed; ignored where ``inputs`` are given.
    layers : bool
        Compare every inner tensor that both sides have, not only the outputs.
    check_arena : bool
        Also run a build that compares the whole arena, and guards around it, before and after each layer.
    rounding : "tflite-micro" or "litert", optional
        By default that of what is compared with: "litert" for the reference interpreter, which is LiteRT, and "tflite-micro" for
        ``expected`` outputs. (The two round fully-connected layers differently: compiled for one, a model can differ from the other
        by a step in such a layer.)
    memory, database, compiler
        As for :func:`compile`.
    inputs, expected : sequences of dict, optional
        Inputs by name, and outputs to compare with instead of the reference interpreter's.

    Returns
    -------
    Verification
        The number of mismatching elements and the largest difference, by tensor.

    Raises
    ------
    ArenaError
        With ``check_arena``: a layer wrote outside its buffers.
    """
    from tvm_tiny.board import get_board

    progress("reading the model")
    source = _loaded(model, None)
    device = get_board(board) if isinstance(board, str) else board
    rounding = rounding or ("tflite-micro" if expected is not None and not layers else "litert")
    compiled = compile(
        source,
        target=target or device.target,
        optimize=optimize,
        rounding=rounding,
        memory=memory,
        database=database,
        compiler=compiler,
        progress=progress,
    )
    return verify_model(
        source,
        compiled,
        device,
        samples=samples,
        seed=seed,
        layers=layers,
        check_arena=check_arena,
        inputs=inputs,
        expected=expected,
        progress=progress,
    )


def package(
    models: Sequence[str | Path | Model],
    *,
    form: str,
    output: str | Path,
    target: str = "c",
    board: str | None = None,
    optimize: Optimize = "speed",
    rounding: Rounding = "tflite-micro",
    memory: Memory = DEFAULT,
    database: str | Path | None = None,
    compiler: str = DEFAULT_COMPILER,
    measure: bool = False,
    progress: Progress = lambda _step: None,
) -> None:
    """Compile ``models`` and write them to ``output`` as a package that firmware projects take.

    Parameters
    ----------
    models : sequence of path or Model
        At least one; each has a name of its own.
    form : str
        A name of :data:`tvm_tiny.package.FORMATS`.
    board : str, optional
        For formats that are a firmware: the board whose memory it is linked for, by default the emulated one of the target.
    memory : Memory
        As for :func:`compile`.
    database, compiler
        As for :func:`compile`.
    measure : bool
        Add ``<model>_facts.h``: code size, bound of the stack and cycles, as the emulated board of the target shows them. Then the
        package depends on the C compiler of this machine, too.

    Raises
    ------
    OutputError
        The format is unknown, two models have one name, or ``output`` cannot be written; what was there stays.
    ModelError, UnsupportedOperatorError, TargetError, BoardError, ToolchainError
        As :func:`compile`; a C compiler of this machine runs each model's sample once.
    """
    from tvm_tiny.package import get_format
    from tvm_tiny.packaging import package_models

    chosen = get_format(form)
    compiled = []
    for each in models:
        source = _loaded(each, None)
        result = compile(
            source,
            target=target,
            optimize=optimize,
            rounding=rounding,
            memory=memory,
            database=database,
            compiler=compiler,
            progress=progress,
        )
        compiled.append((result, str(source.mod.script())))
    package_models(compiled, chosen, Path(output), board=board, measure=measure, progress=progress)


def tune(
    model: str | Path | Model,
    *,
    board: str | Board | Sequence[Board],
    database: str | Path,
    trials: int = 64,
    target: str | None = None,
    optimize: Optimize = "speed",
    rounding: Rounding = "tflite-micro",
    layers: str = "*",
    search: str = "xgboost",
    seed: int = 0,
    scratch: int | None = None,
    timeout: float = 30.0,
    progress: Progress = lambda _step: None,
) -> TuningResult:
    """Look for faster schedules of a model's layers by measuring them on a board, and of what its NPU computes on the device model.

    Parameters
    ----------
    board : str, Board or sequence of Board
        Where candidates are measured; several boards of one kind share the work.
    database : path
        The folder of the database, which may be new. Measurements of earlier runs on the same kind of board are not repeated.
    trials : int
        Candidates to look at for each different layer.
    layers : str
        Which layers, by name or operator, with ``*`` and ``?``.
    search : "xgboost" or "random"
        MetaSchedule's evolutionary search, led by its cost model; or random candidates.
    seed : int
        Of the search and of the inputs that candidates are checked with.
    scratch : int or None
        Bytes by which a layer's working memory may exceed the default's; the arena may grow by as much. None for 8,192, and for
        none on an NPU.
    timeout : float
        Seconds after which candidates on a board are given up.

    Returns
    -------
    TuningResult
        What was measured and found, by layer. ``compile(..., database=database)`` uses it.

    Raises
    ------
    BoardError
        The board is unknown, does not work, or counts neither cycles nor instructions.
    DatabaseError
        The folder holds another thing, or cannot be written.
    """
    from tvm_tiny.board import get_board

    device = get_board(board) if isinstance(board, str) else board
    boards = [device] if isinstance(device, Board) else list(device)
    _check_choice("optimize", optimize, OPTIMIZE)
    _check_choice("rounding", rounding, ROUNDING)
    core = _core_of(target or boards[0].target, optimize)
    progress("importing TVM")
    from tvm_tiny.board.toolchain import compiler_version
    from tvm_tiny.tune import DEFAULT_SCRATCH
    from tvm_tiny.tune.layers import model_nodes
    from tvm_tiny.tune.tuner import Options, tune_nodes

    progress("reading the model")
    source = _loaded(model, None)
    npu = get_target(target or boards[0].target).npu
    if npu is not None:
        from tvm_tiny.tune.npu_tuner import model_parts, tune_parts

        return tune_parts(
            model_parts(source, core, npu, optimize, rounding),
            core,
            npu,
            boards,
            Path(database),
            Options(trials, seed, search, scratch or 0, timeout),
            model=source.name,
            compiler=compiler_version(),
            optimize=optimize,
            pattern=layers,
            progress=progress,
        )
    return tune_nodes(
        model_nodes(source, core, rounding),
        core,
        boards,
        Path(database),
        Options(trials, seed, search, DEFAULT_SCRATCH if scratch is None else scratch, timeout),
        model=source.name,
        compiler=compiler_version(),
        optimize=optimize,
        pattern=layers,
        progress=progress,
    )


def _offloaded(
    mod: IRModule, npu: Npu | None, optimize: Optimize, known: Lookup, progress: Progress
) -> tuple[IRModule, Offload | None, Sequence[Remark]]:
    """``mod`` with what ``npu`` computes cut out, what makes layers of that, and why the rest stays on the core."""
    if npu is None:
        return mod, None, ()
    progress(f"cutting out what {npu.name} computes")
    from tvm_tiny.npu.compiler import offload_for
    from tvm_tiny.npu.partition import partition

    cut = partition(mod, npu)
    return cut.mod, offload_for(npu, optimize, known), cut.remarks


def _loaded(model: str | Path | Model, name: str | None) -> Model:
    from tvm_tiny.frontend import load

    return model if isinstance(model, Model) else load(model, name=name)


def _core_of(target: str, optimize: Optimize) -> Core:
    """The core, with as much unrolling as suits what is favoured."""
    core = get_core(target)
    return replace(core, unroll=1) if optimize == "size" else core


def _check_choice(option: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise TargetError(f"{option} is {value!r}: expected one of {', '.join(choices)}")
