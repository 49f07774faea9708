from __future__ import annotations

from tvm_tiny.board.link_map import LinkedSection, parse_link_map

MAP = """\
Discarded input sections

 .text          0x00000000        0x4 main.o

Memory Configuration

Linker script and memory map

LOAD objects/main.o
.text           0x00000400      0x1a8
 *(.text .text.*)
 .text.short    0x00000400       0x14 objects/main.o
 .text.a_name_that_is_too_long_for_its_column
                0x00000414       0x20 objects/model/kws.o
                0x00000414                a_name_that_is_too_long_for_its_column
 *fill*         0x00000434        0x4
 .text          0x00000438        0x0 objects/empty.o
 .text.memcpy   0x00000438       0x9c /usr/lib/libc.a(libc_a-memcpy.o)
 .rodata.str1.4
                0x000004d4       0x0b objects/main.o
                                 0x0f (size before relaxing)

.bss            0x20000000       0x40
 COMMON         0x20000000       0x40 objects/main.o
                0x20000040                        end = .

/DISCARD/
 *(.ARM.exidx*)
 .ARM.exidx     0x00000000        0x8 /usr/lib/libgcc.a(_divdi3.o)
"""


def test_reads_what_was_kept() -> None:
    assert parse_link_map(MAP) == [
        LinkedSection(".text", ".text.short", 0x14, "objects/main.o"),
        LinkedSection(".text", ".text.a_name_that_is_too_long_for_its_column", 0x20, "objects/model/kws.o"),
        LinkedSection(".text", ".text.memcpy", 0x9C, "/usr/lib/libc.a(libc_a-memcpy.o)"),
        LinkedSection(".text", ".rodata.str1.4", 0x0B, "objects/main.o"),
        LinkedSection(".bss", "COMMON", 0x40, "objects/main.o"),
    ]


def test_tells_libraries_from_objects() -> None:
    assert [section.archive for section in parse_link_map(MAP)] == [False, False, True, False, False]
