"""This machine as a board: the module compiled by its own compiler, with the same harness as everywhere."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tvm_tiny.board.arena_check import read_check
from tvm_tiny.board.base import Image, RunResult
from tvm_tiny.board.compile import Unit, compile_units, complaint, hook_flags, model_units, write_module
from tvm_tiny.board.glue import glue_header
from tvm_tiny.board.harness import completed_samples, read_records, read_traces, write_inputs
from tvm_tiny.board.info import BoardInfo
from tvm_tiny.board.process import Finished, run_process
from tvm_tiny.board.toolchain import HOST_CC, find_tool, run_tool
from tvm_tiny.board.verdict import end_error, hang_error
from tvm_tiny.board.workspace import build_in, run_folder
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.errors import FirmwareError, TargetError
from tvm_tiny.resources import firmware_dir, library, npu_model_dir
from tvm_tiny.target import get_target

OPTIMIZE: dict[str, tuple[str, ...]] = {"speed": ("-O2",), "size": ("-Os",), "ram": ("-O2",)}

_HARNESS = ("io_hosted.c", "measure_hosted.c")
"""Besides main.c, which includes a generated header."""
_SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g")
# Leaks cannot happen without malloc, and looking for them fails under a debugger.
_SANITIZER_OPTIONS = {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
_TOLD = (0, 2)


def _crash(module: CModule, finished: Finished, sample: int) -> FirmwareError | None:
    """The error for a program that a sanitizer or a signal ended, None if neither did."""
    found = re.search(r"^.*(runtime error: .*)$|^.*ERROR: (AddressSanitizer: .*)$", finished.console, re.MULTILINE)
    if found is not None:
        frame = re.search(r"#\d+ \S+ in (\w+) \S*/model/(\S+)", finished.console)
        place = f" in {frame[1]} ({frame[2]})" if frame else ""
        return FirmwareError(f"{module.name} failed on the host at sample {sample}{place}: {found[1] or found[2]}")
    if finished.code is not None and finished.code < 0:
        name = signal.Signals(-finished.code).name
        return FirmwareError(
            f"{module.name} crashed on the host at sample {sample}: {name}", "a build with sanitize=True says where and why"
        )
    return None


def _npu(module: CModule, root: Path, objects: Path, flags: Sequence[str]) -> tuple[list[Unit], list[str | Path]]:
    """Where the module works with an NPU: the HAL with a model of the device behind it, and what the linker needs for that."""
    npu = get_target(module.target).npu
    if npu is None:
        return [], []
    source, model = firmware_dir() / "npu" / "hal_host.c", library("tvm_tiny_npu")
    includes = (f"-I{root}", f"-I{npu_model_dir()}")
    unit = Unit(source, objects / f"{source.name}.o", ("-std=c99", *flags, *includes, f'-DETPU_VARIANT="{npu.name}"'))
    return [unit], [model, f"-Wl,-rpath,{model.parent}"]


class HostBoard:
    """The machine on which this runs. It counts nothing; it is there to check results, with sanitizers if wanted."""

    def __init__(self, info: BoardInfo) -> None:
        self.info = info
        self.name: str = info.name
        self.target: str = info.target
        self.ram_size: int | None = None
        self.flash_size: int | None = None

    def build(
        self,
        module: CModule,
        *,
        optimize: str = "speed",
        trace: bool = False,
        sanitize: bool = False,
        check_arena: bool = False,
        folder: Path | None = None,
    ) -> Image:
        """As :meth:`Board.build`."""
        if optimize not in OPTIMIZE:
            raise TargetError(f"unknown optimisation {optimize!r}: expected one of {', '.join(OPTIMIZE)}")
        hooks = hook_flags(module, trace=trace, check_arena=check_arena)
        # The check reads the guards around the arena, which a sanitizer would report.
        flags = (*OPTIMIZE[optimize], *(_SANITIZE if sanitize and not check_arena else ()), *hooks)
        return build_in(folder, lambda where: self._build(module, where, flags, trace=trace, check_arena=check_arena))

    def _build(self, module: CModule, folder: Path, flags: tuple[str, ...], *, trace: bool, check_arena: bool) -> Image:
        compiler = find_tool(HOST_CC)
        root = write_module(module, folder)
        (folder / "model_glue.h").write_text(glue_header(module, outside=True), encoding="utf-8")
        firmware = firmware_dir()
        harness, objects = firmware / "harness", folder / "objects" / "harness"
        harness_flags = ("-std=c99", *flags, f"-I{firmware}", f"-I{harness}")
        device_units, device = _npu(module, root, objects, flags)
        units = model_units(module, root, folder / "objects" / "model", (*flags, *(["-DETPU_HAL_CUSTOM"] if device else [])))
        units += device_units
        units.append(Unit(harness / "main.c", objects / "main.c.o", (*harness_flags, f"-I{folder}")))
        alone = (*_HARNESS, *(("arena_check.c",) if check_arena else ()))
        units += [Unit(harness / name, objects / f"{name}.o", harness_flags, reused=True) for name in alone]
        log = compile_units(compiler, units)
        program = folder / f"{module.name}.exe"  # "model" and "objects" are folders here
        finished = run_tool([compiler, *flags, *(unit.object for unit in units), *device, "-lm", "-o", program])
        if finished.returncode != 0:
            raise complaint(compiler, "to link the program", finished.stderr)
        return Image(program, module, None, module.weights_size, trace=trace, check_arena=check_arena, log=log + finished.stderr)

    def run(self, image: Image, inputs: Sequence[Mapping[str, np.ndarray]], *, timeout: float = 300.0) -> RunResult:
        """As :meth:`Board.run`."""
        module = image.module
        with run_folder() as folder:
            write_inputs(folder, module, inputs, ticks=False)
            finished = run_process([image.path.resolve()], folder, timeout, _SANITIZER_OPTIONS)
            done = completed_samples(folder, module)
            check = read_check(folder, module, len(inputs)) if image.check_arena else None
            if check is not None and check.touched:
                return RunResult([], arena_check=check, log=finished.console)
            if finished.code is None:
                raise hang_error(module, self.info, timeout, (done, len(inputs)), None, None)
            crash = _crash(module, finished, done)
            if crash is not None:
                raise crash
            if finished.code not in _TOLD:
                raise end_error(module, self.info, finished.code, finished.console)
            records = read_records(folder, module, len(inputs))
            traces = read_traces(folder, module, len(inputs)) if image.trace else ()
            if check is not None:
                check.require_all()
            return RunResult([record.outputs for record in records], traces, log=finished.console, arena_check=check)
