"""Builds a firmware for a board with a memory map: the model, start-up code and the harness, linked by the cross compiler.

Nothing here knows how the image reaches the board; that is the transport's part.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from tvm_tiny.board.base import Image
from tvm_tiny.board.capacity import capacity_error
from tvm_tiny.board.compile import Unit, compile_units, complaint, hook_flags, model_units, write_module
from tvm_tiny.board.glue import all_in_arena, glue_header, outside_buffer
from tvm_tiny.board.info import BoardInfo, MemoryRegion
from tvm_tiny.board.link_map import LinkedSection, parse_link_map
from tvm_tiny.board.npu_board import registers_address
from tvm_tiny.board.sizes import measure_sizes
from tvm_tiny.board.stack_bound import stack_bound
from tvm_tiny.board.toolchain import ARM_GCC, find_tool, run_tool
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.errors import BoardError, TargetError, ToolchainError
from tvm_tiny.resources import firmware_dir
from tvm_tiny.target import Core, get_core, get_target

# What each setting of --optimize means to the compiler. With the scalar schedules, -O3 takes a fifth of the instructions of -O2 off
# and nearly doubles the code; its stack is deeper by some 100 to 160 bytes, so "ram" stays with -O2.
OPTIMIZE: dict[str, tuple[str, ...]] = {"speed": ("-O2",), "size": ("-Os",), "ram": ("-O2",)}

SUPPORT = ("startup.c", "fault.c", "semihosting.c")
"""What any firmware of ours needs besides its own main."""
_HARNESS = ("main.c", "measure_cortex_m.c", "measure_cortex_m.S")
_CHECK = "harness/arena_check.c"
# How samples and results pass: files by semihosting, or memory that is read and written while the harness stands, at a debugger's
# breakpoint or in a call of the resident firmware.
_TRANSPORT = {
    "semihosting": (*SUPPORT, *(f"harness/{name}" for name in (*_HARNESS, "io_semihosting.c"))),
    "mailbox": ("startup.c", "fault.c", *(f"harness/{name}" for name in (*_HARNESS, "io_mailbox.c", "mailbox_breakpoint.c"))),
    "resident": ("startup.c", "fault.c", *(f"harness/{name}" for name in (*_HARNESS, "io_mailbox.c", "mailbox_resident.c"))),
}
_ALONE = frozenset(
    {
        *SUPPORT,
        "arena_check.c",
        "measure_cortex_m.c",
        "measure_cortex_m.S",
        "io_semihosting.c",
        "io_mailbox.c",
        "mailbox_breakpoint.c",
        "mailbox_resident.c",
    }
)
"""Sources that include no generated header."""

# The harness must call nothing of the C library: what of it is in the image was then pulled in by the model.
HARNESS_FLAGS = (
    "-std=c99",
    "-Os",
    "-ffreestanding",
    "-fno-tree-loop-distribute-patterns",
    "-ffunction-sections",
    "-fdata-sections",
)

# Bytes of RAM for the harness's own variables, when it is decided whether tensors also fit outside the arena.
_HARNESS_RAM = 2048
_ADDRESSES = 1 << 32
_ISA_RANK = {"scalar": 0, "dsp": 1, "mve": 2}
_FPU_RANK = {"": 0, "single": 1, "double": 2}


@dataclass(frozen=True)
class Linked:
    """What the linker made: where the memory sufficed, the image; the sections in any case."""

    sections: list[LinkedSection]
    overflow: dict[str, int]  # region → bytes too many
    log: str


def core_for(module: CModule, info: BoardInfo) -> Core:
    """The core that ``module`` is compiled for: its target's, or the board's where the target is generic C.

    Raises
    ------
    TargetError
        The board's core lacks what the module's target has, or it has no such NPU.
    """
    board = get_core(info.target)
    core = get_core(module.target)
    require_npu(module, info)
    if not core.mcpu:
        return board
    if _ISA_RANK[core.isa] > _ISA_RANK[board.isa] or _FPU_RANK[core.fpu] > _FPU_RANK[board.fpu]:
        raise TargetError(
            f"{module.name} is compiled for {core.name}, and {info.name} has a {board.name}, which lacks instructions of it",
            f"compile for {board.name}, or choose another board",
        )
    return core


def require_npu(module: CModule, info: BoardInfo) -> None:
    """Refuse a module whose NPU the board does not have.

    Raises
    ------
    TargetError
        It names both, and the board that would do.
    """
    npu = get_target(module.target).npu
    if npu is not None and info.npu != npu.name:
        has = f"has an {info.npu}" if info.npu else "has no NPU"
        base = info.name.partition("+")[0]
        raise TargetError(
            f"{module.name} is compiled for an {npu.name}, and {info.name} {has}", f"choose the board {base}+{npu.name}"
        )


def _npu_units(module: CModule, info: BoardInfo, root: Path, objects: Path, core: Core) -> tuple[list[Unit], tuple[str, ...]]:
    """The HAL of the board's NPU, and flags for the model: its constants have to lie where the device sees them."""
    if not info.npu or get_target(module.target).npu is None:
        return [], ()
    base = f"-DETPU_BASE_ADDRESS=0x{registers_address(info):08x}u"
    source = firmware_dir() / "npu" / "hal_shared.c"
    unit = Unit(source, objects / f"{source.name}.o", (*core.cflags, *HARNESS_FLAGS, "-Wall", "-Wextra", f"-I{root}", base))
    return [unit], ("-DETPU_HAL_CUSTOM", '-DTVM_TINY_WEIGHTS_SECTION=".npu"')


def required_region(info: BoardInfo, name: str) -> MemoryRegion:
    """The board's memory called ``name``.

    Raises
    ------
    BoardError
        The board's file does not give it.
    """
    region = info.region(name)
    if region is None:
        raise BoardError(
            f"the board {info.name} has no memory {name!r}", f"add [memory.{name}] with origin and size to its TOML file"
        )
    return region


def linker_script(info: BoardInfo, *, limited: bool = True, in_ram: bool = False) -> str:
    """The linker script of the board; without ``limited``, with memories that hold anything, to learn how much is needed.

    ``in_ram``: all lies in the memory "ram", code and constants too.
    """
    ram = required_region(info, "ram")
    if in_ram:
        return Template((firmware_dir() / "link_window.ld.in").read_text(encoding="utf-8")).substitute(
            board=info.name,
            ram_origin=hex(ram.origin),
            ram_size=hex(ram.size if limited else _ADDRESSES - ram.origin),
            stack_size=info.stack,
        )
    flash = required_region(info, "flash")
    return Template((firmware_dir() / "link.ld.in").read_text(encoding="utf-8")).substitute(
        board=info.name,
        flash_origin=hex(flash.origin),
        flash_size=hex(flash.size if limited else _ADDRESSES - flash.origin),
        ram_origin=hex(ram.origin),
        ram_size=hex(ram.size if limited else _ADDRESSES - ram.origin),
        stack_size=info.stack,
    )


def _harness_units(
    objects: Path, folder: Path, core: Core, defines: Sequence[str], transport: str, *, check_arena: bool
) -> list[Unit]:
    names = (*_TRANSPORT[transport], *((_CHECK,) if check_arena else ()))
    return firmware_units([firmware_dir() / name for name in names], objects, folder, core, defines)


def firmware_units(sources: Sequence[Path], objects: Path, folder: Path, core: Core, defines: Sequence[str] = ()) -> list[Unit]:
    """Files of ours for ``core``, which include generated headers in ``folder``."""
    root = firmware_dir()
    flags = (*core.cflags, *HARNESS_FLAGS, "-Wall", "-Wextra", f"-I{root}", f"-I{root / 'harness'}", *defines)
    return [
        Unit(source, objects / f"{source.name}.o", flags, reused=True)
        if source.name in _ALONE
        else Unit(source, objects / f"{source.name}.o", (*flags, f"-I{folder}"))
        for source in sources
    ]


def link(gcc: Path, core: Core, objects: Sequence[Path], script: str, folder: Path, name: str, *options: str) -> Linked:
    """Link ``objects`` by the linker script ``script`` to ``folder/name.elf``, with its map beside it.

    Raises
    ------
    ToolchainError
        The linker refuses, for another reason than a memory that is too small.
    """
    script_path, map_path = folder / f"{name}.ld", folder / f"{name}.map"
    script_path.write_text(script, encoding="utf-8")
    finished = run_tool(
        [
            gcc,
            *core.cflags,
            "-nostartfiles",
            "-Wl,--gc-sections",
            "-T",
            script_path,
            "-Xlinker",
            f"-Map={map_path}",
            *objects,
            "-lm",
            *options,
            "-o",
            folder / f"{name}.elf",
        ]
    )
    overflow = {
        region.lower(): int(size) for region, size in re.findall(r"region `(\w+)' overflowed by (\d+) bytes?", finished.stderr)
    }
    if finished.returncode != 0 and not overflow:
        raise complaint(gcc, "to link the firmware", finished.stderr)
    sections = parse_link_map(map_path.read_text(encoding="utf-8", errors="replace"))
    return Linked(sections, overflow, finished.stderr)


def build_firmware(
    module: CModule,
    info: BoardInfo,
    folder: Path,
    *,
    optimize: str,
    trace: bool,
    check_arena: bool = False,
    transport: str = "semihosting",
) -> Image:
    """Build the firmware that runs ``module`` on the board; everything lies in ``folder``.

    ``transport`` is how samples and results pass: "semihosting"; "mailbox"; or "resident", where the image lies in RAM as a whole.

    Raises
    ------
    ToolchainError
        The cross compiler is missing or refuses the code.
    TargetError
        The module's target does not run on the board's core, or ``optimize`` is unknown.
    CapacityError
        The board's flash or RAM is too small.
    """
    if optimize not in OPTIMIZE:
        raise TargetError(f"unknown optimisation {optimize!r}: expected one of {', '.join(OPTIMIZE)}")
    gcc = find_tool(ARM_GCC)
    core = core_for(module, info)
    ram = required_region(info, "ram")
    root = write_module(module, folder)
    arenas = module.arena_size * (2 if check_arena else 1)  # what checks the arena keeps a copy of it
    outside = not all_in_arena(module) or arenas + outside_buffer(module).size + info.stack + _HARNESS_RAM <= ram.size
    (folder / "model_glue.h").write_text(glue_header(module, outside=outside), encoding="utf-8")

    defines = hook_flags(module, trace=trace, check_arena=check_arena)
    model_objects = folder / "objects" / "model"
    device_units, device_flags = _npu_units(module, info, root, folder / "objects" / "harness", core)
    units = model_units(module, root, model_objects, (*core.cflags, *OPTIMIZE[optimize], *defines, *device_flags))
    units += device_units
    in_ram = transport == "resident"
    harness_defines = (*defines, *(("-DTVM_TINY_RESIDENT",) if in_ram else ()))
    units += _harness_units(folder / "objects" / "harness", folder, core, harness_defines, transport, check_arena=check_arena)
    log = compile_units(gcc, units)
    objects = [unit.object for unit in units]

    linked = link(gcc, core, objects, linker_script(info, in_ram=in_ram), folder, "firmware")
    if linked.overflow:
        script = linker_script(info, limited=False, in_ram=in_ram)
        endless = link(gcc, core, objects, script, folder, "endless", "-Wl,--no-check-sections")
        raise capacity_error(module, info, linked.overflow, measure_sizes(endless.sections, module, model_objects))
    sizes = measure_sizes(linked.sections, module, model_objects)
    elf = folder / "firmware.elf"
    bound = None if trace or check_arena else _stack_bound(elf, module)
    log += linked.log
    return Image(
        elf,
        module,
        sizes.code,
        sizes.weights,
        trace=trace,
        check_arena=check_arena,
        log=log,
        stack_bound=bound,
        entry_size=sizes.entry,
    )


def _stack_bound(elf: Path, module: CModule) -> int | None:
    try:
        return stack_bound(elf, f"{module.name}_run")
    except (BoardError, ToolchainError):
        return None  # a stack of variable size in a library that a float layer calls, for instance; or no disassembler
