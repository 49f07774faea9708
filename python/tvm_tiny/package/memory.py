"""The memory that a model works in, as an example defines it: an arena, or an array for each of its pools."""

from __future__ import annotations

from dataclasses import dataclass

from tvm_tiny.codegen.sources import CModule


@dataclass(frozen=True)
class MemoryText:
    """C text: ``definitions`` at file scope, ``lines`` in a function, and what that then passes to ``<model>_run``."""

    definitions: str
    lines: tuple[str, ...]
    argument: str


def memory_text(module: CModule) -> MemoryText:
    """The memory of ``module``; needs ``<model>.h`` and the runtime's ``compiler.h``."""
    name, upper = module.name, module.name.upper()
    if not module.arena_size and not module.pools:
        return MemoryText("/* The model needs no memory but that of its tensors. */", (), "NULL")
    if not module.pools:
        array = f"static uint8_t arena[{upper}_ARENA_SIZE] TVM_TINY_ALIGNED({upper}_ARENA_ALIGNMENT);"
        head = "/* The memory that the model works in. It may be shared with other models that do not run at the same time. */"
        return MemoryText(f"{head}\n{array}", (), "arena")
    used = [pool.name for pool in module.pools if pool.size]
    head = (
        f"""\
/* The memories that the model works in. To place one, define its macro as the name of a section, in quotes; a name that
 * begins with .bss takes no room in flash: -D{upper}_POOL_{used[0].upper()}_SECTION='".bss.{used[0]}"'. They may be shared
 * with other models that do not run at the same time. */"""
        if used
        else "/* The model needs no memory but that of its tensors. */"
    )
    members = ", ".join(f"{pool.name}_pool" if pool.size else "NULL" for pool in module.pools)
    line = f"  const struct {name}_pools pools = {{{members}}};"
    return MemoryText("\n".join([head, *(_pool(upper, pool) for pool in used)]), (line,), "&pools")


def _pool(upper: str, pool: str) -> str:
    macro = f"{upper}_POOL_{pool.upper()}"
    return f"""\
#ifndef {macro}_SECTION
#define {macro}_PLACE
#else
#define {macro}_PLACE TVM_TINY_SECTION({macro}_SECTION)
#endif
static {macro}_PLACE uint8_t {pool}_pool[{macro}_BYTES] TVM_TINY_ALIGNED({upper}_ARENA_ALIGNMENT);"""
