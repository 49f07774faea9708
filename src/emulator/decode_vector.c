/* Vector instructions: MVE (DDI 0553, C2.2.8 and C2.4). */
#include "decode.h"
#include "pattern.h"

static registers vector(uint32_t e, unsigned low, unsigned extra) {
  return REGISTER_VECTOR(field(e, low + 2, low)) * (field(e, extra, extra) == 0);
}

static registers vector_d(uint32_t e) {
  return vector(e, 13, 22);
}

static registers vector_n(uint32_t e) {
  return vector(e, 17, 7);
}

static registers vector_m(uint32_t e) {
  return vector(e, 1, 5);
}

static void d_n_m(struct operation *op, uint32_t e) {
  op->reads = vector_n(e) | vector_m(e);
  op->writes = vector_d(e);
}

static void d_n_m_add(struct operation *op, uint32_t e) {
  d_n_m(op, e);
  op->addend = vector_d(e);
}

static void d_m(struct operation *op, uint32_t e) {
  op->reads = vector_m(e);
  op->writes = vector_d(e);
}

/* Half of Qd stays. */
static void d_m_half(struct operation *op, uint32_t e) {
  d_m(op, e);
  op->reads |= vector_d(e);
}

static void d_n_core(struct operation *op, uint32_t e) {
  op->reads = vector_n(e) | core_register(e, 0);
  op->writes = vector_d(e);
}

static void d_n_core_add(struct operation *op, uint32_t e) {
  d_n_core(op, e);
  op->addend = vector_d(e);
}

/* Shifts by a core register, in place. */
static void d_core(struct operation *op, uint32_t e) {
  op->reads = vector_d(e) | core_register(e, 0);
  op->writes = vector_d(e);
}

static void d_constant(struct operation *op, uint32_t e) {
  op->writes = vector_d(e);
}

static void shift_carry(struct operation *op, uint32_t e) {
  d_core(op, e);
  op->writes |= core_register(e, 0);
}

/* VIDUP, VDDUP, VIWDUP, VDWDUP: Rn is an even register. */
static void count_up(struct operation *op, uint32_t e) {
  op->reads = core_register(e & 0xe0000u, 16);
  op->writes = vector_d(e) | op->reads;
}

static void duplicate(struct operation *op, uint32_t e) {
  op->reads = core_register(e, 12);
  op->writes = vector_n(e);
}

static void compare(struct operation *op, uint32_t e) {
  op->reads = REGISTER_VECTOR(field(e, 19, 17)) | vector_m(e);
}

static void compare_core(struct operation *op, uint32_t e) {
  op->reads = REGISTER_VECTOR(field(e, 19, 17)) | core_register(e, 0);
}

/* Bit 5 tells whether the sum goes on from what the core registers hold. RdaLo is even, RdaHi odd; bits 22:20 are all
 * set where there is no RdaHi. */
static void across(struct operation *op, uint32_t e) {
  const registers low = core_register(e & 0xe000u, 12);
  const registers high = field(e, 22, 20) == 7 ? 0 : REGISTER(2 * field(e, 22, 20) + 1);
  op->reads = vector_n(e) | REGISTER_VECTOR(field(e, 3, 1));
  op->writes = low | high;
  op->addend = field(e, 5, 5) != 0 ? op->writes : 0;
}

static void add_across(struct operation *op, uint32_t e) {
  across(op, e);
  op->reads = REGISTER_VECTOR(field(e, 3, 1));
}

static void extreme(struct operation *op, uint32_t e) {
  op->reads = vector_m(e) | core_register(e, 12);
  op->writes = core_register(e, 12);
}

static void difference_across(struct operation *op, uint32_t e) {
  extreme(op, e);
  op->reads |= vector_n(e);
}

static registers written_back(uint32_t e, registers base) {
  return field(e, 21, 21) != 0 ? base : 0;
}

static void load(struct operation *op, uint32_t e) {
  op->address = core_register(e, 16);
  op->updated = written_back(e, op->address);
  op->writes = vector_d(e);
}

static void store(struct operation *op, uint32_t e) {
  op->address = core_register(e, 16);
  op->updated = written_back(e, op->address);
  op->stored = vector_d(e);
}

/* Widening loads and narrowing stores have r0 to r7 as base. */
static void load_widening(struct operation *op, uint32_t e) {
  load(op, e & ~0x80000u);
}

static void store_narrowing(struct operation *op, uint32_t e) {
  store(op, e & ~0x80000u);
}

static void gather(struct operation *op, uint32_t e) {
  op->address = core_register(e, 16) | vector_m(e);
  op->writes = vector_d(e);
}

static void scatter(struct operation *op, uint32_t e) {
  op->address = core_register(e, 16) | vector_m(e);
  op->stored = vector_d(e);
}

/* The addresses are a vector, in the place of Qn. */
static void gather_vector(struct operation *op, uint32_t e) {
  op->address = vector_n(e);
  op->updated = written_back(e, op->address);
  op->writes = vector_d(e);
}

static void scatter_vector(struct operation *op, uint32_t e) {
  op->address = vector_n(e);
  op->updated = written_back(e, op->address);
  op->stored = vector_d(e);
}

/* VLD2 and VLD4 write parts of two and four registers, VST2 and VST4 read them. */
static registers group(uint32_t e) {
  const registers first = vector_d(e);
  return field(e, 0, 0) == 0 ? first | first << 4 : first | first << 4 | first << 8 | first << 12;
}

static void load_interleaved(struct operation *op, uint32_t e) {
  op->address = core_register(e, 16);
  op->updated = written_back(e, op->address);
  op->writes = group(e);
}

static void store_interleaved(struct operation *op, uint32_t e) {
  op->address = core_register(e, 16);
  op->updated = written_back(e, op->address);
  op->stored = group(e);
}

static void lanes_in(struct operation *op, uint32_t e) {
  op->reads = core_register(e, 0) | core_register(e, 16) | vector_d(e);
  op->writes = vector_d(e);
}

static void lanes_out(struct operation *op, uint32_t e) {
  op->reads = vector_d(e);
  op->writes = core_register(e, 0) | core_register(e, 16);
}

static const struct pattern patterns[] = {
    /* Loads, stores, lanes. */
    {"1110 1100 0.01 .... ...0 1111 000 . ....", KIND_VECTOR_LANES_IN, lanes_in},
    {"1110 1100 0.00 .... ...0 1111 000 . ....", KIND_VECTOR_LANES_OUT, lanes_out},
    {"111. 1100 1.01 .... ...0 111. .... ....", KIND_VECTOR_GATHER, gather},
    {"111. 1100 1.00 .... ...0 111. .... ....", KIND_VECTOR_SCATTER, scatter},
    {"1111 1101 ...1 .... ...1 111. .... ....", KIND_VECTOR_GATHER, gather_vector},
    {"1111 1101 ...0 .... ...1 111. .... ....", KIND_VECTOR_SCATTER, scatter_vector},
    {"1111 1100 1..1 .... ...1 111. ...0 000.", KIND_VECTOR_LOAD_INTERLEAVED, load_interleaved},
    {"1111 1100 1..0 .... ...1 111. ...0 000.", KIND_VECTOR_STORE_INTERLEAVED, store_interleaved},
    {"1110 110. ...1 .... ...1 111. .... ....", KIND_VECTOR_LOAD, load},
    {"1110 110. ...0 .... ...1 111. .... ....", KIND_VECTOR_STORE, store},
    {"111. 110. .0.1 .... ...0 1110 1... ....", KIND_VECTOR_LOAD, load_widening},
    {"111. 110. .0.1 .... ...0 1111 0... ....", KIND_VECTOR_LOAD, load_widening},
    {"111. 110. .0.0 .... ...0 1110 1... ....", KIND_VECTOR_STORE, store_narrowing},
    {"111. 110. .0.0 .... ...0 1111 0... ....", KIND_VECTOR_STORE, store_narrowing},
    {"1111 110. .... .... ...0 1000 .1.0 ....", KIND_VECTOR_FLOAT, d_n_m_add}, /* VCADD, VCMLA */
    /* Three registers of the same form. */
    {"111. 1111 0... ...0 ...0 0000 .1.. ...0", KIND_VECTOR_INTEGER, d_n_m},      /* VHADD, VQADD */
    {"111. 1111 0... ...0 ...0 0001 .1.. ...0", KIND_VECTOR_INTEGER, d_n_m},      /* VRHADD, VAND ... VEOR */
    {"111. 1111 0... ...0 ...0 0010 .1.. ...0", KIND_VECTOR_INTEGER, d_n_m},      /* VHSUB, VQSUB */
    {"111. 1111 0... ...0 ...0 0100 .1.0 ...0", KIND_VECTOR_INTEGER, d_n_m},      /* VSHL */
    {"111. 1111 0... ...0 ...0 010. .1.. ...0", KIND_VECTOR_INTEGER_LONG, d_n_m}, /* VQSHL, VRSHL, VQRSHL */
    {"111. 1111 0... ...0 ...0 0110 .1.. ...0", KIND_VECTOR_INTEGER, d_n_m},      /* VMAX, VMIN */
    {"111. 1111 0... ...0 ...0 0111 .1.0 ...0", KIND_VECTOR_INTEGER, d_n_m},      /* VABD */
    {"111. 1111 0... ...0 ...0 1000 .1.0 ...0", KIND_VECTOR_INTEGER, d_n_m},      /* VADD, VSUB */
    {"111. 1111 0... ...0 ...0 1001 .1.1 ...0", KIND_VECTOR_MULTIPLY, d_n_m},
    {"111. 1111 0... ...0 ...0 1011 .1.0 ...0", KIND_VECTOR_MULTIPLY, d_n_m},  /* VQDMULH, VQRDMULH */
    {"111. 1111 0... ...0 ...0 1101 .1.0 ...0", KIND_VECTOR_FLOAT_ADD, d_n_m}, /* VADD, VSUB, VABD */
    {"111. 1111 0... ...0 ...0 1111 .1.1 ...0", KIND_VECTOR_FLOAT_ADD, d_n_m}, /* VMAXNM, VMINNM */
    {"111. 1111 0... ...0 ...0 1101 .1.1 ...0", KIND_VECTOR_FLOAT, d_n_m},     /* VMUL */
    {"111. 1111 0... ...0 ...0 1100 .1.1 ...0", KIND_VECTOR_FLOAT, d_n_m_add}, /* VFMA, VFMS */
    /* Constants, shifts by constants, one operand. */
    {"111. 1111 1.00 0... ...0 .... 01.1 ....", KIND_VECTOR_INTEGER, d_constant}, /* VMOV, VORR, VBIC */
    {"111. 1111 1... .... ...0 0010 01.1 ...0", KIND_VECTOR_INTEGER_LONG, d_m},   /* VRSHR */
    {"111. 1111 1... .... ...0 011. 01.1 ...0", KIND_VECTOR_INTEGER_LONG, d_m},   /* VQSHL, VQSHLU */
    {"111. 1111 1... .... ...0 010. 01.1 ...0", KIND_VECTOR_INTEGER, d_m_half},   /* VSRI, VSLI, VSHL */
    {"111. 1111 1... .... ...0 0000 01.1 ...0", KIND_VECTOR_INTEGER, d_m},        /* VSHR */
    {"111. 1111 1... .... ...0 11.. 01.1 ...0", KIND_VECTOR_FLOAT, d_m},          /* VCVT of fixed point */
    {"1111 1111 1.11 ..01 ...0 0111 .1.0 ...0", KIND_VECTOR_FLOAT_ADD, d_m},      /* VABS, VNEG */
    {"1111 1111 1.11 ..1. ...0 .... .1.0 ...0", KIND_VECTOR_FLOAT, d_m},          /* VRINT, VCVT */
    {"1111 1111 1.11 ..0. ...0 .... .1.0 ...0", KIND_VECTOR_INTEGER, d_m},        /* VREV, VCLZ, VMVN, VABS ... */
    /* Across the vector, to core registers. */
    {"1110 1110 1.10 ...0 .... 1011 .0.1 0000", KIND_VECTOR_INTEGER, duplicate},
    {"111. 1110 1110 ...0 .... 1111 .0.0 ...0", KIND_VECTOR_EXTREME, extreme},
    {"111. 1110 10.. ...0 .... 1111 .0.0 ...1", KIND_VECTOR_EXTREME, difference_across}, /* VABAV */
    {"111. 1110 1111 ..01 ...0 1111 00.0 ...0", KIND_VECTOR_ADD_ACROSS, add_across},
    {"111. 1110 1... 1001 ...0 1111 00.0 ...0", KIND_VECTOR_ADD_ACROSS, add_across},
    {"111. 1110 1... .... .... 111. .0.0 ....", KIND_VECTOR_MULTIPLY_ACROSS, across},
    /* Widening, narrowing. */
    {"1110 1110 1.1. .... ...0 1111 1100 ....", KIND_VECTOR_INTEGER, shift_carry},
    {"111. 1110 1.1. .... .... 1111 01.0 ...0", KIND_VECTOR_INTEGER, d_m},        /* VMOVL, VSHLL */
    {"111. 1110 1.0. .... .... 1111 .1.0 ....", KIND_VECTOR_NARROW, d_m_half},    /* VSHRN, VQRSHRUN ... */
    {"111. 1110 0.11 1111 .... 1110 00.0 ...1", KIND_VECTOR_FLOAT, d_m_half},     /* VCVTB, VCVTT */
    {"111. 1110 0.11 1111 .... 1110 10.0 ...1", KIND_VECTOR_FLOAT_ADD, d_m_half}, /* VMAXNMA, VMINNMA */
    {"111. 1110 0.11 ..01 .... 1110 00.0 ...1", KIND_VECTOR_INTEGER, d_m},        /* VSHLL by the size */
    {"111. 1110 0.11 ..01 .... 1110 10.0 ...1", KIND_VECTOR_NARROW, d_m_half},    /* VMOVN, VQMOVUN */
    {"111. 1110 0.11 ..11 .... 1110 00.0 ...1", KIND_VECTOR_NARROW, d_m_half},    /* VQMOVN */
    {"111. 1110 0.11 ..11 .... 1110 10.0 ...1", KIND_VECTOR_INTEGER, d_m_half},   /* VMAXA, VMINA */
    /* Predicates and comparisons. */
    {"1111 1110 0.11 0001 ...0 1111 0100 1101", KIND_VECTOR_PREDICATE, NULL}, /* VPST, VPNOT */
    {"1111 1110 0.11 ...1 ...0 1111 .0.0 ...1", KIND_VECTOR_INTEGER, d_n_m},  /* VPSEL */
    {"111. 1110 0... ...1 .... 1111 .0.0 ....", KIND_VECTOR_COMPARE, compare},
    {"111. 1110 0.11 ...1 .... 1111 .1.. ....", KIND_VECTOR_COMPARE, compare_core},
    {"1111 1110 0... ...1 .... 1111 .1.. ....", KIND_VECTOR_COMPARE, compare_core},
    /* Two registers and a core register. */
    {"1110 1110 0... ...1 .... 1111 .110 ....", KIND_VECTOR_INTEGER, count_up},
    {"1110 1110 0... ...1 .... 1111 .100 ....", KIND_VECTOR_INTEGER, d_n_core},      /* VADD, VSUB */
    {"111. 1110 0.11 ...0 .... 1111 .100 ....", KIND_VECTOR_FLOAT, d_n_core},        /* VADD, VSUB */
    {"111. 1110 0.11 ...0 .... 1111 .110 ....", KIND_VECTOR_MULTIPLY, d_n_core},     /* VQDMULL */
    {"111. 1110 0... ...0 .... 1111 .1.0 ....", KIND_VECTOR_INTEGER, d_n_core},      /* VHADD, VQADD, VHSUB, VQSUB */
    {"111. 1110 0.11 ..01 ...1 1110 0110 ....", KIND_VECTOR_INTEGER, d_core},        /* VSHL */
    {"111. 1110 0.11 ...1 ...1 1110 .110 ....", KIND_VECTOR_INTEGER_LONG, d_core},   /* VQSHL, VRSHL, VQRSHL */
    {"111. 1110 0.11 ...1 ...0 1110 .110 ....", KIND_VECTOR_FLOAT, d_n_core},        /* VMUL */
    {"111. 1110 0.11 ...1 .... 1110 .100 ....", KIND_VECTOR_FLOAT, d_n_core_add},    /* VFMA, VFMAS */
    {"1111 1110 0... ...1 ...1 1110 .110 ....", KIND_VECTOR_INTEGER, d_n_core},      /* VBRSR */
    {"111. 1110 0... ...1 .... 1110 .110 ....", KIND_VECTOR_MULTIPLY, d_n_core},     /* VMUL, VQDMULH, VQRDMULH */
    {"111. 1110 0... .... .... 1110 .1.0 ....", KIND_VECTOR_MULTIPLY, d_n_core_add}, /* VMLA, VQDMLAH ... */
    /* Three registers of other forms. */
    {"111. 1110 0.11 ...0 .... 1111 .0.0 ...0", KIND_VECTOR_INTEGER_LONG, d_n_m}, /* VADC, VSBC */
    {"111. 1110 0... ...0 .... 1111 .0.0 ...0", KIND_VECTOR_INTEGER, d_n_m},      /* VCADD, VHCADD */
    {"111. 1110 0.11 ...0 .... 1111 .0.0 ...1", KIND_VECTOR_MULTIPLY, d_n_m},     /* VQDMULL */
    {"111. 1110 0.11 ...0 .... 1110 .0.0 ....", KIND_VECTOR_FLOAT, d_n_m},        /* VCMUL */
    {"111. 1110 0... ...0 .... 1110 .0.0 ....", KIND_VECTOR_MULTIPLY, d_n_m_add}, /* VQDMLADH ... */
    {"111. 1110 0.11 ...1 .... 1110 .0.0 ...0", KIND_VECTOR_INTEGER_LONG, d_n_m}, /* VMULL.P */
    {"111. 1110 0... ...1 .... 1110 .0.0 ....", KIND_VECTOR_MULTIPLY, d_n_m},     /* VMULL, VMULH, VRMULH */
};

void decode_vector(uint32_t encoding, struct operation *operation) {
  pattern_apply(patterns, sizeof patterns / sizeof patterns[0], encoding, operation);
}
