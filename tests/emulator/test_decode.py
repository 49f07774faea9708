"""The classifier against the assembler: every instruction that C compilers emit for the cores, and more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .classifier import SOURCES, classify, kinds


def sections() -> dict[str, dict[str, list[str]]]:
    """Section → kind → instructions, of instructions.txt."""
    found: dict[str, dict[str, list[str]]] = {}
    section = kind = ""
    for line in (Path(__file__).parent / "instructions.txt").read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
            found[section] = {}
        elif line.startswith("  "):
            found[section].setdefault(kind, []).extend(each.strip() for each in line.split(";"))
        elif line and not line.startswith("#"):
            kind = line
    return found


@pytest.mark.parametrize("section", sections())
def test_kinds(section: str) -> None:
    cores = {"float, m4": ["m4", "m55"]}.get(section, ["m55"])
    for core in cores:
        for kind, lines in sections()[section].items():
            found = [operation.kind for operation in classify(lines, core)]
            assert dict(zip(lines, found, strict=True)) == dict.fromkeys(lines, kind)


def test_every_kind_is_tested() -> None:
    tested = {kind for section in sections().values() for kind in section}
    assert set(kinds()) - tested == {"UNKNOWN", "IT", "COUNT"}


@pytest.mark.parametrize("name", ["narrow", "wide", "float", "vector"])
def test_patterns_have_all_their_bits(name: str) -> None:
    patterns = re.findall(r'^    \{"([01. ]+)"', (SOURCES / f"decode_{name}.c").read_text(), re.MULTILINE)
    assert patterns
    assert {len(pattern.replace(" ", "")) for pattern in patterns} == {16 if name == "narrow" else 32}


# Instruction, then what differs from the empty set.
OPERANDS = [
    ("adds r0, r1, r2", {"reads": "r1 r2", "writes": "r0 flags"}),
    ("adds r0, #7", {"reads": "r0", "writes": "r0 flags", "light": True}),
    ("add r8, r9", {"reads": "r8 r9", "writes": "r8"}),
    ("mov r8, r1", {"reads": "r1", "writes": "r8", "light": True}),
    ("cmp r0, r9", {"reads": "r0 r9", "writes": "flags"}),
    ("adcs r0, r1", {"reads": "r0 r1 flags", "writes": "r0 flags"}),
    ("muls r0, r1, r0", {"reads": "r0 r1", "writes": "r0 flags"}),
    ("uxtb r3, r5", {"reads": "r5", "writes": "r3", "light": True}),
    ("ldr r0, [r1, #4]", {"address": "r1", "offset": 4, "writes": "r0"}),
    ("ldrh r0, [r1, #6]", {"address": "r1", "offset": 6, "writes": "r0"}),
    ("ldr r0, [sp, #8]", {"address": "r13", "offset": 8, "writes": "r0"}),
    ("ldr r0, [r1, r2]", {"address": "r1 r2", "writes": "r0"}),
    ("ldr r0, [pc, #8]", {"writes": "r0"}),
    ("ldr.w r0, [r1, r2, lsl #2]", {"address": "r1 r2", "writes": "r0"}),
    ("ldr r0, [r1, #-4]", {"address": "r1", "offset": -4, "writes": "r0"}),
    ("ldr r0, [r1], #4", {"address": "r1", "writes": "r0", "updated": "r1"}),
    ("ldr r0, [r1, #-4]!", {"address": "r1", "writes": "r0", "updated": "r1"}),
    ("strb r0, [r1], #1", {"address": "r1", "stored": "r0", "updated": "r1"}),
    ("strex r0, r1, [r2]", {"address": "r2", "stored": "r1", "writes": "r0"}),
    ("ldrd r0, r1, [r2], #8", {"address": "r2", "writes": "r0 r1", "updated": "r2", "words": 2}),
    ("ldm r0!, {r1, r2, r9}", {"address": "r0", "writes": "r1 r2 r9", "updated": "r0", "words": 3}),
    ("ldm r0, {r0, r1}", {"address": "r0", "writes": "r0 r1", "words": 2}),
    ("pop {r4, pc}", {"address": "r13", "writes": "r4", "updated": "r13", "words": 2}),
    ("push {r4, r5, lr}", {"address": "r13", "stored": "r4 r5 r14", "updated": "r13", "words": 3}),
    ("add.w r0, r1, r2, lsl #2", {"reads": "r1", "shifted": "r2", "writes": "r0"}),
    ("adds.w r0, r1, r8", {"reads": "r1 r8", "writes": "r0 flags"}),
    ("cmp.w r1, r9", {"reads": "r1 r9", "writes": "flags"}),
    ("asr.w r8, r1, #31", {"reads": "r1", "writes": "r8"}),
    ("movt r0, #1", {"reads": "r0", "writes": "r0"}),
    ("ubfx r0, r1, #3, #5", {"shifted": "r1", "writes": "r0"}),
    ("bfi r0, r1, #3, #5", {"reads": "r0", "shifted": "r1", "writes": "r0"}),
    ("sxtab r0, r1, r2", {"shifted": "r2", "addend": "r1", "writes": "r0"}),
    ("pkhbt r0, r1, r2, lsl #16", {"reads": "r1", "shifted": "r2", "writes": "r0"}),
    ("smlad r0, r1, r2, r3", {"reads": "r1 r2", "addend": "r3", "writes": "r0"}),
    ("smlal r0, r1, r2, r3", {"reads": "r2 r3", "addend": "r0 r1", "writes": "r0 r1"}),
    ("csel r0, r1, r2, eq", {"reads": "r1 r2 flags", "writes": "r0"}),
    ("asrl r0, r1, r2", {"reads": "r2", "shifted": "r0 r1", "writes": "r0 r1"}),
    ("sqrshr r0, r1", {"reads": "r1", "shifted": "r0", "writes": "r0"}),
    ("sqshl r9, #3", {"shifted": "r9", "writes": "r9"}),
    ("bne .", {"reads": "flags"}),
    ("cbz r3, .+8", {"reads": "r3"}),
    ("bl .", {"writes": "r14"}),
    ("blx r3", {"reads": "r3", "writes": "r14"}),
    ("dls lr, r2", {"reads": "r2", "writes": "r14"}),
    ("le lr, .", {"reads": "r14", "writes": "r14"}),
    ("vadd.f32 s1, s2, s5", {"reads": "s2 s5", "writes": "s1"}),
    ("vmul.f64 d1, d2, d3", {"reads": "q1", "writes": "s2 s3"}),
    ("vfma.f32 s1, s2, s5", {"reads": "s2 s5", "addend": "s1", "writes": "s1"}),
    ("vmov r0, r1, d3", {"reads": "s6 s7", "writes": "r0 r1"}),
    ("vmrs APSR_nzcv, fpscr", {"writes": "flags"}),
    ("vldr d2, [r0, #8]", {"address": "r0", "writes": "s4 s5", "words": 2}),
    ("vpush {d8-d9}", {"address": "r13", "stored": "q4", "updated": "r13", "words": 4}),
    ("vldrb.8 q1, [r0], #16", {"address": "r0", "writes": "q1", "updated": "r0"}),
    ("vldrh.s32 q1, [r3]", {"address": "r3", "writes": "q1"}),
    ("vstrw.32 q7, [r8]", {"address": "r8", "stored": "q7"}),
    ("vldrw.32 q0, [r0, q1, uxtw #2]", {"address": "r0 q1", "writes": "q0"}),
    ("vldrw.32 q0, [q6, #4]!", {"address": "q6", "writes": "q0", "updated": "q6"}),
    ("vld41.8 {q2, q3, q4, q5}, [r0]!", {"address": "r0", "writes": "q2 q3 q4 q5", "updated": "r0"}),
    ("vadd.i8 q1, q2, q3", {"reads": "q2 q3", "writes": "q1"}),
    ("vadd.i8 q1, q2, r3", {"reads": "r3 q2", "writes": "q1"}),
    ("vmla.s8 q1, q2, r3", {"reads": "r3 q2", "addend": "q1", "writes": "q1"}),
    ("vdup.32 q5, r9", {"reads": "r9", "writes": "q5"}),
    ("vmladav.s8 r4, q1, q2", {"reads": "q1 q2", "writes": "r4"}),
    ("vmladava.s8 r4, q1, q2", {"reads": "q1 q2", "addend": "r4", "writes": "r4"}),
    ("vmlaldava.s16 r4, r7, q1, q2", {"reads": "q1 q2", "addend": "r4 r7", "writes": "r4 r7"}),
    ("vaddva.s32 r2, q5", {"reads": "q5", "addend": "r2", "writes": "r2"}),
    ("vqrshrnb.s32 q0, q1, #3", {"reads": "q0 q1", "writes": "q0"}),
    ("vidup.u8 q3, r4, #1", {"reads": "r4", "writes": "r4 q3"}),
    ("vmov q1[2], q1[0], r1, r2", {"reads": "r1 r2 q1", "writes": "q1"}),
]


def test_operands() -> None:
    found = classify([line for line, _ in OPERANDS])
    empty = dict.fromkeys(("reads", "address", "shifted", "addend", "stored", "writes", "updated"), "")
    for (line, expected), operation in zip(OPERANDS, found, strict=True):
        wanted = {**empty, "light": False, "offset": None, "words": 0, **expected}
        assert {name: getattr(operation, name) for name in wanted} == wanted, line


def test_if_then_blocks() -> None:
    operations = classify(["itte ne", "addne r0, r1, #1", "cmpne r0, #3", "moveq r0, r1", "adds r0, r1, #1"])
    assert [each.reads for each in operations] == ["", "r1 flags", "r0 flags", "r1 flags", "r1"]
    assert [each.writes for each in operations] == ["", "r0", "flags", "r0", "r0 flags"]


def test_encodings_of_no_instruction_are_unknown() -> None:
    assert [each.kind for each in classify([".inst.w 0xffffffff"])] == ["UNKNOWN"]
