"""The classifier against the assembler: every instruction that C compilers emit for the cores, and more."""

from __future__ import annotations

import re

import pytest

from .classifier import SOURCES, classify, kinds

# Kind → instructions; those of one line are independent of each other.
INTEGER = {
    "NOP": "nop; nop.w; sev; pld [r0]; pld [r0, r1]; pli [r1, #4]; sg; yield",
    "MOVE": "movs r0, #1; movs r0, r1; mov r8, r1; mov.w r0, #0x12; mov.w r0, #0x120012; mov.w r0, r9; adds r0, r1, r2; "
    "adds r0, #200; adds r0, r1, #3; add r8, r9; add.w r0, r1, r2; addw r0, r1, #4000; add sp, #16; sub sp, #16; subs r0, r1, r2; "
    "subs r0, #9; sub.w r0, r1, r8; subw r0, r1, #4001; add r0, sp, #8; adr r0, .; rsbs r0, r1, #0; rsb.w r0, r1, #3; "
    "rsb.w r0, r1, r2; mvns r0, r1; mvn.w r8, r1; mvn.w r0, #7; cmp.w r8, #3; cmp.w r1, r9; cmn.w r1, #3; movs.w r0, #1; adds.w r0, r1, #1",
    "LOGIC": "ands r0, r1; eors r0, r1; orrs r0, r1; bics r0, r1; adcs r0, r1; sbcs r0, r1; tst r0, r1; cmp r0, r1; cmp r0, #3; "
    "cmp r8, r9; cmn r0, r1; and.w r0, r1, r2; orr.w r0, r1, #1; orn r0, r1, r2; eor.w r0, r1, r8; bic.w r0, r1, #3; adc.w r0, r1, r2; "
    "sbc.w r0, r1, #5; teq r0, r1; teq r0, #1; tst.w r0, #1; movw r0, #4660; movt r0, #4660; eor.w r6, r7, #0x1b1b1b1b",
    "SHIFTED_REGISTER": "add.w r0, r1, r2, lsl #2; sub.w r0, r1, r2, asr #31; orr.w r0, r1, r2, lsr #8; and.w r0, r1, r2, ror #4; "
    "rsb r0, r1, r2, lsl #1; cmp.w r0, r1, lsl #3; mvn.w r0, r1, lsl #4; eor.w r0, r1, r2, ror #24; tst.w r0, r1, lsl #1; "
    "adc.w r0, r1, r2, lsl #1; add.w r0, r1, r2, rrx",
    "SHIFTED_CONSTANT": "add.w r0, r1, #0x1fc0; mov.w r0, #0x1fc0; and.w r0, r1, #0xff0; cmp.w r0, #0x400; orr.w r0, r1, #0x80000000; "
    "mvn.w r0, #0x3fc; bic.w r0, r1, #0x1fe0; sbc.w r0, r1, #0x1fe0",
    "SHIFT": "lsls r0, r1, #3; lsrs r0, r1, #3; asrs r0, r1, #3; lsls r0, r1; lsrs r0, r1; asrs r0, r1; rors r0, r1; lsl.w r0, r1, #3; "
    "asr.w r8, r1, #31; ror.w r0, r1, #8; rrx r0, r1; lsl.w r0, r1, r2; asr.w r0, r1, r2; lsr.w r0, r1, r8; ror.w r0, r1, r2; asrs.w r0, r1, #1",
    "BITS": "ubfx r0, r1, #3, #5; sbfx r0, r1, #0, #8; clz r0, r1; rbit r0, r1; rev r0, r1; rev.w r8, r1; rev16 r0, r1; revsh r0, r1",
    "INSERT": "bfi r0, r1, #3, #5; bfc r0, #4, #8",
    "EXTEND": "sxtb r0, r1; uxtb r0, r1; sxth r0, r1; uxth r0, r1; sxtb.w r0, r1, ror #8; sxtb16 r0, r1; sxtb16 r0, r1, ror #8; uxtb16 r0, r1",
    "EXTEND_ADD": "sxtab r0, r1, r2; uxtab16 r0, r1, r2; sxtah r0, r1, r2, ror #16",
    "PACKED": "pkhbt r0, r1, r2, lsl #16; pkhtb r0, r1, r2, asr #16; ssat r0, #8, r1; usat r0, #8, r1, asr #4; ssat16 r0, #8, r1; "
    "sadd16 r0, r1, r2; ssub16 r0, r1, r2; uadd8 r0, r1, r2; qadd r0, r1, r2; qdsub r0, r1, r2; qsub16 r0, r1, r2; shadd8 r0, r1, r2; "
    "sel r0, r1, r2; usad8 r0, r1, r2; usada8 r0, r1, r2, r3; uqsub8 r0, r1, r2",
    "SELECT": "csel r0, r1, r2, eq; csinc r0, r1, r2, ne; cset r0, lt; csetm r0, ge; csneg r0, r1, r2, mi; cinc r0, r1, eq",
    "LONG_SHIFT": "asrl r0, r1, #4; lsll r0, r1, r2; lsrl r2, r3, #9; sqrshr r0, r1; sqshl r0, #3; uqrshl r0, r1; sqrshrl r0, r1, #64, r4; "
    "urshr r0, #3; uqshll r0, r1, #5; srshr r9, #2; asrl r4, r5, r2",
    "MULTIPLY": "muls r0, r1, r0; mul r0, r1, r2; smulbb r0, r1, r2; smultt r0, r1, r2; smulwb r0, r1, r2; smuad r0, r1, r2; "
    "smusdx r0, r1, r2; smmul r0, r1, r2; smmulr r0, r1, r2",
    "MULTIPLY_ADD": "mla r0, r1, r2, r3; mls r0, r1, r2, r3; smlabb r0, r1, r2, r3; smlawt r0, r1, r2, r3; smlad r0, r1, r2, r3; "
    "smladx r0, r1, r2, r3; smlsd r0, r1, r2, r3; smmla r0, r1, r2, r3; smmlsr r0, r1, r2, r3",
    "MULTIPLY_LONG": "smull r0, r1, r2, r3; umull r0, r1, r2, r3",
    "MULTIPLY_ADD_LONG": "smlal r0, r1, r2, r3; umlal r0, r1, r2, r3; umaal r0, r1, r2, r3; smlald r0, r1, r2, r3; smlalbt r0, r1, r2, r3; smlsld r0, r1, r2, r3",
    "DIVIDE": "sdiv r0, r1, r2; udiv r0, r1, r2",
    "LOAD_WORD": "ldr r0, [r1]; ldr r0, [r1, #4]; ldr r0, [r1, r2]; ldr r0, [sp, #8]; ldr r0, [pc, #8]; ldr.w r8, [r1, #400]; "
    "ldr r0, [r1], #4; ldr r0, [r1, #-4]!; ldr r0, [r1, #-4]; ldr.w r0, [r1, r2, lsl #2]; ldr.w r8, [pc, #8]; ldrex r0, [r1]; pop.w {r8}",
    "LOAD_PART": "ldrb r0, [r1]; ldrh r0, [r1, #2]; ldrsb r0, [r1, r2]; ldrsh r0, [r1, r2]; ldrb r0, [r1, r2]; ldrsb.w r0, [r1]; "
    "ldrsh.w r0, [r1, #2]; ldrb r0, [r1], #1; ldrh.w r0, [r1, r2, lsl #1]; ldrsb r0, [r1, #-3]; ldrexb r0, [r1]; ldah r0, [r1]; ldrsb.w r0, [pc, #8]",
    "LOAD_PAIR": "ldrd r0, r1, [r2]; ldrd r0, r1, [r2, #8]; ldrd r0, r1, [r2], #8; ldrd r0, r1, [r2, #-8]!; ldrd r0, r8, [pc, #8]",
    "LOAD_MULTIPLE": "ldm r0, {r1, r2}; ldm r0!, {r1, r2, r3}; pop {r0, r1}; ldmdb r0, {r1, r2}; ldm.w r8!, {r1, r2, r9}; pop.w {r4, r8}",
    "STORE": "str r0, [r1]; strb r0, [r1, #1]; strh r0, [r1, r2]; str r0, [sp, #4]; str.w r8, [r1, #400]; strb r0, [r1], #1; "
    "strh.w r0, [r1, r2, lsl #1]; str r0, [r1, #-4]!; strex r0, r1, [r2]; strexb r0, r1, [r2]; stl r0, [r1]; push.w {r8}",
    "STORE_PAIR": "strd r0, r1, [r2]; strd r0, r1, [r2, #-16]; strd r0, r1, [r2], #8",
    "STORE_MULTIPLE": "stm r0!, {r1, r2}; push {r0, lr}; stmdb r0!, {r1, r2}; push.w {r4, r8, lr}; stm.w r8, {r1, r2}",
    "BRANCH": "b .; beq .; b.w .; bne.w .",
    "COMPARE_BRANCH": "cbz r0, .+40; cbnz r1, .+40",
    "CALL": "bl .",
    "BRANCH_REGISTER": "bx lr; blx r3; mov pc, lr; add pc, r0; bxns lr",
    "LOAD_BRANCH": "ldr pc, [r0]; ldr pc, [r0, r1, lsl #2]; ldr pc, [sp], #4",
    "POP_BRANCH": "pop {r4, pc}; pop.w {r4, r8, pc}; ldmdb r0, {r1, pc}",
    "TABLE_BRANCH": "tbb [pc, r0]; tbh [r1, r0, lsl #1]",
    "LOOP_START": "dls lr, r0; dlstp.8 lr, r2; dlstp.32 lr, r3; wls lr, r0, .+8; wlstp.16 lr, r1, .+8",
    "LOOP_END": "le lr, .-4; letp lr, .-4; le .-4",
    "SPECIAL": "mrs r0, primask; msr primask, r0; cpsid i; tt r0, r1",
    "BARRIER": "dsb; dmb; isb; clrex",
    "TRAP": "bkpt 0xab; svc 0; udf #0; udf.w #0",
}

FLOAT = {
    "FLOAT_MOVE": "vmov s0, s1; vmov.f32 s0, #1.0; vabs.f32 s0, s1; vneg.f32 s0, s1; vmov r0, s1; vmov s1, r0",
    "FLOAT_MOVE_PAIR": "vmov r0, r1, d0; vmov d0, r0, r1; vmov r0, r1, s2, s3; vmov s2, s3, r0, r1",
    "FLOAT_ADD": "vadd.f32 s0, s1, s2; vsub.f32 s0, s1, s2; vcvt.s32.f32 s0, s1; vcvt.f32.u32 s0, s1; vcvt.f32.s32 s0, s0, #4; vcvtb.f32.f16 s0, s1",
    "FLOAT_COMPARE": "vcmp.f32 s0, s1; vcmpe.f32 s0, #0.0",
    "FLOAT_MULTIPLY": "vmul.f32 s0, s1, s2; vnmul.f32 s0, s1, s2",
    "FLOAT_MULTIPLY_ADD": "vmla.f32 s0, s1, s2; vmls.f32 s0, s1, s2; vnmla.f32 s0, s1, s2",
    "FLOAT_FUSED": "vfma.f32 s0, s1, s2; vfnms.f32 s0, s1, s2",
    "FLOAT_DIVIDE": "vdiv.f32 s0, s1, s2; vsqrt.f32 s0, s1",
    "FLOAT_LOAD": "vldr s0, [r0]; vldr s1, [r0, #-8]; vldr d2, [r0, #8]; vldr s0, [pc, #8]",
    "FLOAT_STORE": "vstr s0, [r0]; vstr d1, [r0, #8]",
    "FLOAT_LOAD_MULTIPLE": "vldm r0, {s0-s3}; vldm r0!, {d0-d3}; vpop {d8-d9}",
    "FLOAT_STORE_MULTIPLE": "vstm r0, {s0-s3}; vpush {d8-d9}; vstmdb r0!, {s4-s5}",
    "FLOAT_STATUS": "vmrs r0, fpscr; vmrs APSR_nzcv, fpscr; vmsr fpscr, r0",
}

FLOAT_OF_M55 = {
    "FLOAT_ADD": "vmaxnm.f32 s0, s1, s2; vselge.f32 s0, s1, s2; vrintz.f32 s0, s1; vcvta.s32.f32 s0, s1; vrintn.f32 s0, s1; vadd.f16 s0, s1, s2; vcvt.f64.f32 d0, s1",
    "FLOAT_MULTIPLY": "vmul.f16 s0, s1, s2",
    "FLOAT_LOAD": "vldr.16 s0, [r0]",
    "FLOAT_STORE": "vstr.16 s0, [r0]",
    "FLOAT_STATUS": "vmsr p0, r0; vmrs r0, p0; vstr FPSCR, [r0]; vldr P0, [r0, #4]; vstr P0, [r0, #4]!",
    "DOUBLE_ADD": "vadd.f64 d0, d1, d2; vsub.f64 d0, d1, d2; vcmp.f64 d0, d1; vcvt.f64.s32 d0, s3; vcvt.s32.f64 s0, d1; vcvt.f32.f64 s0, d1",
    "DOUBLE_MULTIPLY": "vmul.f64 d0, d1, d2",
    "DOUBLE_MULTIPLY_ADD": "vmla.f64 d0, d1, d2; vfma.f64 d0, d1, d2",
    "DOUBLE_DIVIDE": "vdiv.f64 d0, d1, d2; vsqrt.f64 d0, d1",
}

VECTOR = {
    "VECTOR_LOAD": "vldrb.8 q0, [r0]; vldrb.8 q0, [r0], #16; vldrh.16 q1, [r0, #8]; vldrw.32 q2, [r8, #-16]!; vldrb.s16 q0, [r0]; "
    "vldrb.u32 q3, [r2], #4; vldrh.s32 q0, [r1, #4]!; vldrb.u16 q7, [r7, #-8]; vldrh.u32 q0, [r1]",
    "VECTOR_STORE": "vstrb.8 q0, [r0]; vstrb.8 q0, [r0], #16; vstrw.32 q7, [r8, #16]; vstrb.16 q0, [r0], #8; vstrb.32 q1, [r3]; vstrh.32 q2, [r1, #4]",
    "VECTOR_GATHER": "vldrb.8 q0, [r0, q1]; vldrb.u16 q0, [r0, q1]; vldrb.s32 q0, [r0, q1]; vldrw.32 q0, [r0, q1, uxtw #2]; "
    "vldrh.u16 q0, [r0, q1, uxtw #1]; vldrw.32 q0, [q1, #4]; vldrd.64 q0, [q1, #8]!; vldrd.64 q0, [r0, q1]",
    "VECTOR_SCATTER": "vstrb.8 q0, [r0, q1]; vstrb.32 q0, [r0, q1]; vstrw.32 q0, [q1, #4]!; vstrh.16 q0, [r0, q1, uxtw #1]; vstrd.64 q0, [q1]",
    "VECTOR_LOAD_INTERLEAVED": "vld20.8 {q0, q1}, [r0]; vld21.16 {q0, q1}, [r0]!; vld43.32 {q0, q1, q2, q3}, [r1]!",
    "VECTOR_STORE_INTERLEAVED": "vst20.8 {q0, q1}, [r0]; vst42.16 {q0, q1, q2, q3}, [r1]; vst43.8 {q4, q5, q6, q7}, [r1]!",
    "VECTOR_INTEGER": "vadd.i8 q0, q1, q2; vsub.i32 q0, q1, q2; vand q0, q1, q2; veor q0, q1, q2; vorr q0, q1, q2; vorn q0, q1, q2; vbic q0, q1, q2; "
    "vmov q0, q1; vmax.s8 q0, q1, q2; vmin.u16 q0, q1, q2; vabd.s8 q0, q1, q2; vhadd.s8 q0, q1, q2; vrhadd.u8 q0, q1, q2; vhsub.s16 q0, q1, q2; "
    "vqadd.s8 q0, q1, q2; vqsub.u8 q0, q1, q2; vshl.s32 q0, q1, q2; vshl.i32 q0, q1, #3; vshr.s32 q0, q1, #3; vshr.u8 q0, q1, #3; "
    "vsli.8 q0, q1, #3; vsri.16 q0, q1, #3; vdup.8 q0, r1; vdup.16 q0, r1; vdup.32 q7, r9; vmov.i32 q0, #0; vmov.i8 q0, #4; vmvn.i16 q0, #3; "
    "vorr.i32 q0, #3; vbic.i16 q0, #1; vmvn q0, q1; vrev16.8 q0, q1; vrev32.8 q0, q1; vrev64.16 q0, q1; vcls.s8 q0, q1; vclz.i16 q0, q1; "
    "vabs.s8 q0, q1; vneg.s8 q0, q1; vqabs.s8 q0, q1; vqneg.s16 q0, q1; vmovlb.s8 q0, q1; vmovlt.u16 q0, q1; vshllb.s8 q0, q1, #3; "
    "vshllt.u16 q0, q1, #4; vshllb.s8 q0, q1, #8; vshllt.u16 q0, q1, #16; vshlc q0, r1, #8; vidup.u8 q0, r2, #1; vddup.u16 q0, r2, #2; "
    "viwdup.u8 q0, r2, r3, #1; vdwdup.u32 q0, r2, r5, #4; vadd.i8 q0, q1, r2; vsub.i16 q0, q1, r2; vhadd.s8 q0, q1, r2; vqadd.u8 q0, q1, r2; "
    "vqsub.s16 q0, q1, r2; vhsub.u32 q0, q1, r2; vshl.s8 q0, r1; vshl.u32 q0, r1; vcadd.i8 q0, q1, q2, #90; vhcadd.s8 q0, q1, q2, #270; "
    "vpsel q0, q1, q2; vbrsr.8 q0, q1, r2; vmaxa.s8 q0, q1; vmina.s16 q0, q1",
    "VECTOR_INTEGER_LONG": "vrshl.s32 q0, q1, q2; vqshl.s8 q0, q1, q2; vqrshl.s32 q0, q1, q2; vrshr.s32 q0, q1, #3; vqshl.s8 q0, q1, #3; "
    "vqshlu.s8 q0, q1, #3; vqshl.s32 q0, r1; vrshl.s32 q0, r1; vqrshl.u16 q0, r1; vadc.i32 q0, q1, q2; vsbci.i32 q0, q1, q2; vmullb.p8 q0, q1, q2",
    "VECTOR_NARROW": "vmovnb.i16 q0, q1; vmovnt.i32 q0, q1; vqmovnb.s32 q0, q1; vqmovnt.u16 q0, q1; vqmovunb.s16 q0, q1; vshrnb.i16 q0, q1, #3; "
    "vrshrnt.i32 q0, q1, #3; vqshrnb.s16 q0, q1, #3; vqrshrnt.s32 q0, q1, #3; vqshrunb.s16 q0, q1, #3; vqrshrunt.s32 q0, q1, #3",
    "VECTOR_EXTREME": "vmaxv.s8 r0, q1; vminv.u16 r2, q1; vmaxav.s32 r0, q1; vminav.s8 r0, q1; vabav.s8 r0, q1, q2; vabav.u32 r1, q1, q2",
    "VECTOR_MULTIPLY": "vmul.i8 q0, q1, q2; vmul.i32 q0, q1, r2; vmulh.s8 q0, q1, q2; vrmulh.u16 q0, q1, q2; vqdmulh.s32 q0, q1, q2; "
    "vqrdmulh.s32 q0, q1, q2; vqrdmulh.s32 q0, q1, r2; vqdmulh.s16 q0, q1, r2; vmullb.s8 q0, q1, q2; vmullt.u16 q0, q1, q2; "
    "vmla.s8 q0, q1, r2; vmlas.s16 q0, q1, r2; vqdmlah.s32 q0, q1, r2; vqrdmlash.s32 q0, q1, r2; vqdmladh.s16 q0, q1, q2; vqrdmlsdhx.s32 q0, q1, q2; "
    "vqdmullb.s16 q0, q1, q2; vqdmullt.s32 q0, q1, q2; vqdmullb.s16 q0, q1, r2; vqdmullt.s32 q0, q1, r2",
    "VECTOR_MULTIPLY_ACROSS": "vmladav.s8 r0, q1, q2; vmladava.s8 r0, q1, q2; vmladava.s16 r2, q1, q2; vmladava.s32 r4, q1, q2; "
    "vmladavax.s8 r0, q1, q2; vmlsdava.s8 r0, q1, q2; vmlaldava.s16 r0, r1, q1, q2; vmlaldav.s32 r2, r3, q1, q2; vrmlaldavha.s32 r0, r1, q1, q2; "
    "vmladava.u8 r0, q1, q2; vmlsldava.s16 r0, r1, q2, q3; vmladava.u16 r12, q7, q6",
    "VECTOR_ADD_ACROSS": "vaddv.s8 r0, q1; vaddva.u16 r2, q1; vaddva.s32 r0, q1; vaddlv.s32 r0, r1, q1; vaddlva.u32 r0, r1, q2",
    "VECTOR_COMPARE": "vcmp.i8 eq, q0, q1; vcmp.s16 gt, q0, q1; vcmp.u32 cs, q0, q1; vcmp.i8 ne, q0, r1; vcmp.s32 le, q0, r1; vcmp.u8 hi, q0, zr; "
    "vcmp.f32 gt, q0, q1; vcmp.f16 eq, q0, r1; vcmp.f32 le, q0, r1; vcmp.f32 lt, q0, r1",
    "VECTOR_FLOAT_ADD": "vadd.f32 q0, q1, q2; vsub.f16 q0, q1, q2; vabd.f32 q0, q1, q2; vabs.f32 q0, q1; vneg.f16 q0, q1; vmaxnm.f32 q0, q1, q2; "
    "vminnm.f16 q0, q1, q2; vmaxnma.f32 q0, q1; vminnma.f16 q0, q1",
    "VECTOR_FLOAT": "vmul.f32 q0, q1, q2; vfma.f32 q0, q1, q2; vfms.f16 q0, q1, q2; vmul.f32 q0, q1, r2; vfma.f32 q0, q1, r2; vfmas.f16 q0, q1, r2; "
    "vadd.f32 q0, q1, r2; vsub.f16 q0, q1, r2; vcvt.s32.f32 q0, q1; vcvt.f16.u16 q0, q1; vcvt.f32.s32 q0, q1, #3; vcvta.s32.f32 q0, q1; "
    "vrintn.f32 q0, q1; vcvtb.f16.f32 q0, q1; vcvtt.f32.f16 q0, q1; vcmul.f32 q0, q1, q2, #90; vcmla.f32 q0, q1, q2, #0; vcadd.f16 q0, q1, q2, #90",
    "VECTOR_LANES_IN": "vmov q0[2], q0[0], r1, r2; vmov.8 q0[3], r1; vmov.16 q1[2], r1",
    "VECTOR_LANES_OUT": "vmov r1, r2, q0[2], q0[0]; vmov.s8 r0, q1[3]; vmov.u16 r0, q1[2]",
    "FLOAT_MOVE": "vmov.32 q0[1], r0; vmov.32 r0, q3[2]",
    "VECTOR_PREDICATE": "vpnot; vctp.8 r0; vctp.32 r1",
}


def instructions(text: str) -> list[str]:
    return [line.strip() for line in text.split(";")]


@pytest.mark.parametrize(
    ("table", "core"),
    [(INTEGER, "m55"), (FLOAT, "m4"), (FLOAT, "m55"), (FLOAT_OF_M55, "m55"), (VECTOR, "m55")],
    ids=["integer", "float on M4", "float on M55", "more float on M55", "vector"],
)
def test_kinds(table: dict[str, str], core: str) -> None:
    for kind, text in table.items():
        lines = instructions(text)
        found = [operation.kind for operation in classify(lines, core)]
        assert dict(zip(lines, found, strict=True)) == dict.fromkeys(lines, kind)


def test_every_kind_is_tested() -> None:
    tested = {kind for table in (INTEGER, FLOAT, FLOAT_OF_M55, VECTOR) for kind in table}
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
    empty = {name: "" for name in ("reads", "address", "shifted", "addend", "stored", "writes", "updated")}
    for (line, expected), operation in zip(OPERANDS, found, strict=True):
        wanted = {**empty, "light": False, "offset": None, "words": 0, **expected}
        assert {name: getattr(operation, name) for name in wanted} == wanted, line


def test_if_then_blocks() -> None:
    operations = classify(["itte ne", "addne r0, r1, #1", "cmpne r0, #3", "moveq r0, r1", "adds r0, r1, #1"])
    assert [each.reads for each in operations] == ["", "r1 flags", "r0 flags", "r1 flags", "r1"]
    assert [each.writes for each in operations] == ["", "r0", "flags", "r0", "r0 flags"]


def test_encodings_of_no_instruction_are_unknown() -> None:
    assert [each.kind for each in classify([".inst.w 0xffffffff"])] == ["UNKNOWN"]
