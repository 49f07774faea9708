"""From compiled models to a package: a sample for each, what the model makes of it, and the board's own code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tvm_tiny.board import BoardInfo, get_board, list_boards
from tvm_tiny.board.base import Board
from tvm_tiny.board.catalogue import board_info, emulated_board
from tvm_tiny.board.firmware_build import OPTIMIZE, SUPPORT, linker_script, required_region
from tvm_tiny.board.toolchain import ARM_GCC, find_tool, run_tool
from tvm_tiny.compiled import CompiledModel
from tvm_tiny.errors import CapacityError, OutputError, TargetError
from tvm_tiny.package import Format, Hardware, Part
from tvm_tiny.package.part import Facts
from tvm_tiny.package.write import write_package
from tvm_tiny.resources import firmware_dir
from tvm_tiny.testing.samples import random_inputs

_SEED = 0
_SAMPLES = 10
_FLAGS = ("-fomit-frame-pointer", "-ffp-contract=off")
"""The kernels need every register, which clang grants only so; float layers round alike everywhere only without contraction."""


def package_models(
    models: Sequence[tuple[CompiledModel, str]],
    form: Format,
    output: Path,
    *,
    board: str | None = None,
    measure: bool = False,
    progress: Callable[[str], None] = lambda _step: None,
) -> None:
    """Write ``models``, each with the text of its operators, to ``output``; ``measure`` adds facts from an emulated board.

    The sample of a model is random (always the same); what the package expects of it is what the C computes on this machine.

    Raises
    ------
    OutputError
        Two models have one name, or ``output`` cannot be written.
    TargetError
        The format is a firmware, and no board is known for the target.
    CapacityError
        The weights or arenas alone are larger than the board's memory; says by how much.
    ToolchainError
        There is no C compiler on this machine to run the samples.
    """
    compiled = [model for model, _ in models]
    names = [model.module.name for model in compiled]
    for name in names:
        if names.count(name) > 1:
            raise OutputError(f"two models of the package are called {name}", "give each a name of its own with --name")
    hardware = _hardware(compiled, board) if form.needs_hardware and compiled[0].module.target != "c" else None
    device = _emulated(compiled[0].module.target, board) if measure else None
    parts = []
    for model, graph in models:
        progress(f"running the sample of {model.module.name}")
        parts.append(_part(model, graph, device))
    progress("writing the package")
    write_package(form.build(parts, hardware), output, form.container)


def _part(model: CompiledModel, graph: str, device: Board | None) -> Part:
    sample = random_inputs(model.inputs, 1, _SEED)[0]
    expected = model.run(sample, board="host").outputs[0]
    flags = (*OPTIMIZE[model.optimize], *_FLAGS)
    facts = _measured(model, device, flags) if device is not None else None
    return Part(model.module, model.report, model.optimize, flags, sample, expected, graph, facts)


def _emulated(target: str, board: str | None) -> Board:
    """The board to measure on: the one named, or the first emulated one of the target."""
    name = board or emulated_board(target)
    if name is None:
        raise TargetError(f"no emulated board has a {target}, on which the facts could be measured", "name a board with --board")
    return get_board(name)


def _measured(model: CompiledModel, device: Board, flags: tuple[str, ...]) -> Facts:
    """The size of the code, the bound of the stack, and the slowest of some inferences."""
    image = device.build(model.module, optimize=model.optimize)
    samples = random_inputs(model.inputs, _SAMPLES, _SEED)
    counts = device.run(image, samples).per_inference
    slowest = device.run(image, [samples[max(range(len(counts)), key=lambda index: counts[index])]]) if counts else None
    version = run_tool([find_tool(ARM_GCC), "-dumpfullversion"]).stdout.strip()
    return Facts(
        board=device.name,
        compiler=f"arm-none-eabi-gcc {version}",
        flags=flags,
        code=image.code_size or 0,
        stack=image.stack_bound,
        cycles=round(slowest.cycles) if slowest and slowest.cycles is not None else None,
        instructions=max(counts) if counts else None,
        samples=_SAMPLES,
        model=(slowest.cycle_model or "") if slowest else "",
    )


def _hardware(models: Sequence[CompiledModel], board: str | None) -> Hardware:
    """The memory map and start-up code of ``board``; by default of the target's first emulated board on which the models fit."""
    core = models[0].module.target.partition("+")[0]
    known = (
        [board_info(board)] if board is not None else [info for info in list_boards() if (info.kind, info.target) == ("qemu", core)]
    )
    if not known:
        raise TargetError(f"no board with a {core} is known, whose memory a firmware could be linked for", "name one with --board")
    info = next((each for each in known if not _missing(models, each)), known[-1])
    missing = _missing(models, info)
    if missing:
        raise CapacityError(f"the models do not fit {info.name}: {missing}", "choose a larger board with --board")
    return Hardware(
        name=info.name,
        description=info.description,
        target=core,
        linker_script=linker_script(info),
        support={path.name: path.read_text(encoding="utf-8") for path in _support()},
        emulator=_emulator(info),
    )


def _missing(models: Sequence[CompiledModel], info: BoardInfo) -> str:
    """What of ``info``'s memory the models alone already exceed, "" if nothing. Code is only known when it is linked."""
    modules = [model.module for model in models]
    tensors = sum(spec.nbytes for module in modules for spec in (*module.inputs, *module.outputs))
    needed = {
        "flash": ("weights and samples", sum(module.weights_size for module in modules) + tensors),
        "ram": ("arenas and stack", sum(module.arena_size for module in modules) + info.stack),
    }
    lacking = []
    for name, (what, size) in needed.items():
        region = required_region(info, name)
        if size > region.size:
            lacking.append(f"{what} need {size:,} bytes of {name}, which has {region.size:,}: {size - region.size:,} are missing")
    return "; ".join(lacking)


def _support() -> list[Path]:
    """The start-up code and what it includes, without the harness that measures."""
    root = firmware_dir()
    return [*(root / name for name in SUPPORT), *sorted(root.glob("*.h"))]


def _emulator(info: BoardInfo) -> tuple[str, ...]:
    if info.kind != "qemu" or info.connection is None:
        return ()
    machine, arguments = info.connection["machine"], info.connection.get("arguments", ())
    return ("qemu-system-arm", "-machine", machine, *arguments, "-nographic", "-semihosting", "-kernel")
