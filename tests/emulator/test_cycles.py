"""The cycle models against sequences whose cycles were counted by hand, from the sources that src/emulator/cycles_*.c name."""

from __future__ import annotations

import pytest

from .hand_cycles import cycles, run
from .programs import Function

# Sequence, cycles. The terms of a sum are instructions, or groups that start together.
Table = dict[str, tuple[str, int]]

CALL = "mov r4, lr\nbl 2f\nmov lr, r4\nb 3f\n2: bx lr\n3:"
POP = "mov r4, lr\nbl 2f\nmov lr, r4\nb 3f\n2: push {r4, lr}\npop {r4, pc}\n3:"
LOOP = "movs r4, #10\n1: subs r4, #1\nbne 1b"

# DDI 0432C, table 3-1.
M0: Table = {
    "data processing": ("movs r4, #1\nadds r4, r0\nlsls r4, #3\nmuls r4, r0\nuxtb r5, r4\nrev r5, r5", 6),
    "load": ("ldr r4, [r0]", 2),
    "loads behind each other": ("ldr r4, [r0]\nldrb r5, [r1]\nldrsh r6, [r2, r3]", 2 + 2 + 2),
    "stores": ("str r3, [r0]\nstrb r3, [r1]\nstrh r3, [r2, #2]", 2 + 2 + 2),
    "load multiple": ("ldm r0!, {r4-r7}", 1 + 4),
    "push and pop": ("push {r4-r7}\npop {r4-r7}", 1 + 4 + 1 + 4),
    "branch": ("b 1f\nnop\n1:", 3),
    "conditional branch taken": ("cmp r3, #0\nbeq 1f\nnop\n1:", 1 + 3),
    "conditional branch not taken": ("cmp r3, #0\nbne 1f\nnop\n1:", 1 + 1 + 1),
    "loop": (LOOP, 1 + 10 * 1 + 9 * 3 + 1),
    "call": (CALL, 1 + 4 + 3 + 1 + 3),
    "return by pop": (POP, 1 + 4 + (1 + 2) + (4 + 2) + 1 + 3),
    "system": ("mrs r4, primask\ndsb", 4 + 4),
}

# DDI 0484C, table 3-1.
M0_PLUS: Table = {
    "data processing": ("movs r4, #1\nadds r4, r0\nmuls r4, r0", 3),
    "loads and stores": ("ldr r4, [r0]\nldr r5, [r1]\nstr r4, [r0]", 2 + 2 + 2),
    "load multiple": ("ldm r0!, {r4-r7}", 1 + 4),
    "branch": ("b 1f\nnop\n1:", 2),
    "loop": (LOOP, 1 + 10 * 1 + 9 * 2 + 1),
    "call": (CALL, 1 + 3 + 2 + 1 + 2),
    "return by pop": (POP, 1 + 3 + (1 + 2) + (3 + 2) + 1 + 2),
}

# DDI 0337I, table 3-1 and section 3.3.2; DDI 0439, table 3-1 and section 3.3.3.
M3_AND_M4: Table = {
    "data processing": (
        "add.w r4, r0, r1, lsl #2\nubfx r4, r4, #1, #8\nmul r5, r4, r4\nssat r5, #8, r5\nclz r5, r5\nmovw r4, #9",
        6,
    ),
    "divide": ("udiv r4, r0, r1", 7),
    "load": ("ldr r4, [r0]", 2),
    "loads behind each other": ("ldr r4, [r0]\nldr r5, [r1]", 3),  # the manual's first example
    "load, then store of it": ("ldr r4, [r0, r3]\nstr r4, [r1, #20]", 3),  # its second
    "three loads": ("ldr r4, [r0, r3]\nldr r5, [r1]\nldr r6, [r2, #4]", 4),  # its fourth
    "parts of words": ("ldrb r4, [r0]\nldrsh r5, [r1]\nstrb r4, [r2]\nldrh r6, [r0]", 2 + 1 + 1 + 1),
    "something between": ("ldr r4, [r0]\nadds r6, r3, #1\nldr r5, [r1]", 2 + 1 + 2),
    "loads along a pointer": ("ldr r4, [r0], #4\nldr r5, [r0], #4", 2 + 1),
    "an address that was just loaded": ("str r0, [r0]\nldr r4, [r0]\nldr r5, [r4]", 1 + 1 + 2),
    "load behind a store": ("str r3, [r0, #4]\nldr r4, [r0]", 1 + 1),
    "stores": ("str r3, [r0]\nstr r3, [r0, #4]\nstrb r3, [r1, #1]", 3),
    "literal": ("ldr r4, =0x12345678", 2),
    "pairs": ("ldrd r4, r5, [r0]\nstrd r4, r5, [r0]", 1 + 2 + 1 + 2),
    "no overlap with a pair": ("ldrd r4, r5, [r0]\nldr r6, [r1]", 1 + 2 + 2),
    "multiple": ("ldm r0, {r4-r7}\nstm r0!, {r4-r6}", 1 + 4 + 1 + 3),
    "push and pop": ("push {r4-r7}\npop {r4-r7}", 1 + 4 + 1 + 4),
    "branch": ("b 1f\nnop\n1:", 3),
    "conditional branch taken": ("cmp r3, #0\nbeq 1f\nnop\n1:", 1 + 3),
    "conditional branch not taken": ("cmp r3, #0\nbne 1f\nnop\n1:", 1 + 1 + 1),
    "compare and branch": ("cbz r3, 1f\nnop\n1: cbnz r3, 2f\nnop\n2:", 3 + 1 + 1),
    "loop": (LOOP, 1 + 10 * 1 + 9 * 3 + 1),
    "call": (CALL, 1 + 3 + 3 + 1 + 3),
    "return by pop": (POP, 1 + 3 + (1 + 2) + (1 + 2 + 2) + 1 + 3),
    "load of PC": ("adr r4, 1f + 1\nstr r4, [r0]\nldr pc, [r0]\nnop\n.p2align 2\n1:", 1 + 1 + 2 + 2),
    "table branch": ("tbb [pc, r3]\n1: .byte (2f - 1b) / 2, 0\n2:", 2 + 2),
    "if-then": ("cmp r3, #0\nite ne\naddne r4, r3, #1\naddeq r4, r3, #2", 4),
    "skipped return": ("cmp r3, #0\nit ne\nbxne lr", 1 + 1 + 1),
    "skipped pop": ("cmp r3, #0\nit ne\npopne {r4, pc}", 1 + 1 + 1),
}

M3: Table = {
    **M3_AND_M4,
    "multiply and add": ("mla r4, r3, r3, r3\nmls r4, r3, r3, r3", 2 + 2),
    "long products": ("smull r4, r5, r0, r1\numlal r4, r5, r0, r1", 5 + 7),
}

# Floating point: DDI 0439, table 7-1.
M4: Table = {
    **M3_AND_M4,
    "multiply and add": (
        "mla r4, r3, r3, r3\nsmlad r4, r3, r3, r4\nsmull r4, r5, r0, r1\nsmlal r4, r5, r0, r1\nsmmulr r4, r4, r4",
        5,
    ),
    "parallel": ("sxtb16 r4, r0\nsxtb16 r5, r0, ror #8\npkhbt r6, r4, r5, lsl #16\nsadd16 r6, r6, r6", 4),
    "float": ("vmov s0, r3\nvmov s1, s0\nvadd.f32 s2, s0, s1\nvmul.f32 s2, s2, s1\nvcvt.s32.f32 s2, s2\nvcmp.f32 s0, s1", 6),
    "float multiply-accumulate": ("vmla.f32 s0, s1, s2\nvfma.f32 s0, s1, s2", 3 + 3),
    "float divide": ("vdiv.f32 s0, s1, s2\nvsqrt.f32 s0, s1", 14 + 14),
    "float loads": ("vldr s0, [r0]\nnop\nvldr d1, [r0]\nvldm r0, {s0-s3}\nvstr d1, [r0]", 2 + 1 + 3 + (1 + 4) + 3),
    # The inner loop of a pointwise layer, 3 pixels by 2 channels, 4 deep: 24 multiply-accumulates in 25 cycles.
    "pointwise step": (
        "ldrd r4, r5, [r0], #8\nldm r1!, {r6, r7, r12}\n"
        + ".rept 6\nsmlad r3, r6, r4, r3\n.endr\nuxtb16 r4, r4\nuxtb16 r5, r5\nldm r1!, {r6, r7, r12}\n"
        + ".rept 6\nsmlad r3, r6, r4, r3\n.endr",
        3 + 4 + 6 + 2 + 4 + 6,
    ),
}

# github.com/jnk0le/random, "pipeline cycle test", doc/cortex_m33.md.
M33: Table = {
    "load to use": ("ldr r4, [r0]\nadds r4, #1", 1 + 1 + 1),
    "load and no use": ("ldr r4, [r0]\nadds r5, r3, #1", 1 + 1),
    "loads": ("ldr r4, [r0]\nldr r5, [r1]\nldrb r6, [r2]", 3),
    "load to store": ("ldr r4, [r0]\nstr r4, [r1, #4]", 1 + 1),
    "load to address": ("str r0, [r0]\nldr r4, [r0]\nldr r5, [r4]", 1 + 1 + 1 + 1),
    "load to addend": ("ldr r4, [r0]\nmla r5, r3, r3, r4", 1 + 1),
    "chained products": ("mla r4, r3, r3, r3\nmla r4, r3, r3, r4\nsmlad r4, r3, r3, r4", 3),
    "product to use": ("mla r4, r3, r3, r3\nadds r4, #1", 1 + 1 + 1),
    "narrow multiply": ("movs r4, #3\nmuls r4, r4", 1 + 2),
    "shifted operand to use": ("add.w r4, r0, r1, lsl #2\nadd.w r5, r4, r0", 1 + 1 + 1),
    "shifted constant with flags": ("adds.w r4, r0, #0x1fc0", 2),
    "pairs and multiples": (
        "ldrd r4, r5, [r0]\nstrd r4, r5, [r1]\nldm r0, {r4-r7}\npush {r4, r5}\npop {r4, r5}",
        2 + 2 + 4 + 2 + 2,
    ),
    "branch": ("movw r4, #1\nb 1f\nnop\n1:", 1 + 1 + 1),
    "loop of two": (LOOP, 1 + 10 * 1 + 9 * 2 + 0),
    "loop whose branch joins": ("movs r4, #10\n1: subs r4, #1\nadd r5, r1\nbne 1b", 1 + 9 * (1 + 1 + 1) + (1 + 1 + 0)),
    "nop first": ("nop\nadds r4, r3, #1", 1),
    "nop second": ("adds r4, r3, #1\nnop", 2),
    "additions": ("adds r4, r3, #1\nadds r5, r3, #1", 2),
    "if-then": ("cmp r3, #0\nite ne\naddne r4, r3, #1\naddeq r4, r3, #2", 1 + 0 + 1 + 1),
    "fused multiply-add": ("vfma.f32 s0, s1, s2\nvfma.f32 s3, s4, s5", 1 + 3),
    "divide": ("udiv r4, r0, r1", 7),
}

# LLVM's ARMScheduleM7.td, and github.com/jnk0le/random, doc/cortex_m7.md.
M7: Table = {
    "independent": ("add.w r4, r0, #1\nadd.w r5, r1, #1\nadd.w r6, r0, #1\nadd.w r7, r1, #1", 2),
    "dependent": ("add.w r4, r0, #1\nadd.w r5, r4, #1", 2),
    "two banks": ("ldr r4, [r0]\nldr r5, [r0, #4]", 1),
    "one bank": ("ldr r4, [r0]\nldr r5, [r0, #8]", 2),
    "unknown banks": ("ldr r4, [r0]\nldr r5, [r1, #4]", 2),
    "load and store": ("ldr r4, [r0]\nstr r3, [r1, #4]", 1),
    "store of what is loaded": ("ldr r4, [r0]\nstr r4, [r1, #4]", 1),
    "load to use": ("ldr r4, [r0]\nadd.w r5, r4, #1", 2),
    "byte to use": ("ldrb r4, [r0]\nadd.w r5, r4, #1", 3),
    "load to multiply": ("ldr r4, [r0]\nmul r5, r4, r3", 3),
    "load to shift": ("ldr r4, [r0]\nadd.w r5, r3, r4, lsl #1", 3),
    "load to address": ("str r0, [r0]\nldr r4, [r0, #0]\nldr r5, [r4]", 3),
    "addition to address": ("add.w r4, r0, #4\nldr r5, [r4]", 2),
    "logic to address": ("orr.w r4, r0, #4\nldr r5, [r4]", 3),
    "two products": ("mul r4, r3, r3\nmul r5, r3, r3", 2),
    "product and addition": ("mul r4, r3, r3\nadd.w r5, r3, #1", 1),
    "product and load": ("mul r4, r3, r3\nldr r5, [r0]", 1),
    "product and store": ("mul r4, r3, r3\nstr r3, [r0]", 2),
    "chained products": ("smlad r4, r3, r3, r3\nsmlad r4, r3, r3, r4\nsmlad r4, r3, r3, r4", 3),
    "product to use": ("mul r4, r3, r3\nadd.w r5, r4, #1", 3),
    "extension first": ("sxtb16 r4, r0\nadd.w r5, r3, #1", 1),
    "extension second": ("add.w r5, r3, #1\nsxtb16 r4, r0", 2),
    "one shifter": ("add.w r4, r3, r0, lsl #1\nadd.w r5, r3, r1, lsl #1", 2),
    "pairs and multiples": ("ldm r0, {r4-r7}\nldrd r4, r5, [r1]\nstm r2, {r4-r6}", 2 + 1 + 2),
    "divide": ("udiv r4, r0, r1", 7),
    # Predicted to be taken, which is wrong once, in the last pass. The branch joins the subtraction.
    "loop": (LOOP, 1 + 10 * 1 + 8),
    # Both branches join what is before them; where the return goes is not known the first time.
    "call": (CALL, 1 + (1 + 8) + 1),
}

# LLVM's ARMScheduleM55.td. Vector instructions: the cycle in which the last one starts.
M55: Table = {
    "partners": ("adds r4, r3, #1\nadds r5, r3, #1", 1),
    "one partner": ("ands r4, r0\nadds r5, r3, #1", 1),
    "no partner": ("ands r4, r0\neors r5, r1", 2),
    "wide": ("add.w r4, r0, #1\nadd.w r5, r0, #1", 2),
    "dependent": ("adds r4, r3, #1\nadds r5, r4, #1", 2),
    "load and partner": ("ldr r4, [r0]\nadds r5, r3, #1", 1),
    "load to use": ("ldr r4, [r0]\nadd.w r5, r4, #1", 1 + 1 + 1),
    "product to use": ("mla r4, r3, r3, r3\nadd.w r5, r4, #1", 1 + 1 + 1),
    "pair": ("ldrd r4, r5, [r0]", 1),
    "multiple": ("ldm r0, {r4-r7}", 4),
    "branch": ("movw r4, #1\nb 1f\nnop\n1:", 1 + 1 + 2),
    # LLVM's own two examples.
    "beats overlap": ("vldrb.8 q0, [r0]\nvadd.i8 q1, q0, q0\nvmul.i8 q2, q1, q1\nvstrb.8 q2, [r1]", 4),
    "beats of one unit": ("vldrb.8 q0, [r0]\nvldrb.8 q1, [r1]\nvadd.i8 q2, q0, q1\nvstrb.8 q2, [r2]", 1 + 2 + 1 + 1),
    "loads between products": (
        "vldrb.8 q0, [r0]\nvmladava.s8 r4, q1, q2\nvldrb.8 q1, [r1]\n"
        "vmladava.s8 r4, q0, q2\nvldrb.8 q2, [r2]\nvmladava.s8 r4, q0, q1",
        6,
    ),
    "products alone": ("vmladava.s8 r4, q0, q1\nvmladava.s8 r6, q0, q1\nvmladava.s8 r4, q0, q1", 1 + 2 + 2),
    "product to vector": ("vmul.i8 q0, q1, q2\nvadd.i8 q3, q0, q1", 1 + 2),
    "narrowing to store": ("vmovnb.i32 q0, q1\nvstrb.8 q0, [r0]", 1 + 3),
    "scalar in the second beat": ("vldrb.8 q0, [r0]\nadd.w r4, r3, #1\nvldrb.8 q1, [r1]", 3),
    "gather": ("vmov.i32 q0, #0\nvldrw.32 q1, [r0, q0]", 1 + 5),
    "double": ("vadd.f64 d0, d1, d2\nvadd.f64 d3, d0, d1", 1 + 15),
    # mov, movs | dls | 4 passes of two | le once, with its refill | mov
    "low-overhead loop": (
        "mov r6, lr\nmovs r5, #4\ndls lr, r5\n1: vldrb.8 q0, [r0]\nvmladava.s8 r4, q0, q0\nle lr, 1b\nmov.w lr, r6",
        1 + 1 + 4 * 2 + (1 + 2) + 1,
    ),
    # Each time it is entered a loop has a first pass.
    "loop in a loop": (
        "mov r6, lr\nmovs r7, #3\n2: movs r5, #4\ndls lr, r5\n1: add.w r4, r3, #1\nle lr, 1b\nsubs r7, #1\nbne 2b\nmov.w lr, r6",
        1 + 3 * (1 + 1 + 4 * 1 + (1 + 2) + 1) + 2 * (1 + 2) + 1,
    ),
}


@pytest.mark.parametrize(
    ("table", "board", "core"),
    [
        (M0, "microbit-xl", None),
        (M0_PLUS, "microbit-xl", "cortex-m0plus"),
        (M3, "mps2-an385", None),
        (M4, "mps2-an386", None),
        (M7, "mps2-an500", None),
        (M33, "mps2-an505", None),
        (M55, "mps3-an547", None),
    ],
    ids=["m0", "m0plus", "m3", "m4", "m7", "m33", "m55"],
)
def test_against_hand_counts(table: Table, board: str, core: str | None) -> None:
    assert cycles(board, {name: body for name, (body, _) in table.items()}, core) == {
        name: expected for name, (_, expected) in table.items()
    }


def test_a_run_is_the_sum_of_its_layers_and_its_own_instructions() -> None:
    result = run("mps2-an386", [Function("one", LOOP + "\nbx lr"), Function("two", "bx lr")])
    assert result.cycle_model == "cortex-m4 zero-wait-state 1"
    assert [layer.cycles for layer in result.layers] == [39 + 3, 3]
    own = (1 + 5) + 2 * 3 + 1 + (1 + 5 + 2)  # push of five, two calls, MOVS, pop of five
    assert result.cycles == 39 + 3 + 3 + own


def test_without_a_model_of_the_core() -> None:
    result = run("mps2-an386", [Function("one", "nop\nbx lr")], core="cortex-m23")
    assert (result.cycles, result.cycle_model, [layer.cycles for layer in result.layers]) == (None, None, [None])
    assert result.instructions == 2 + 4
