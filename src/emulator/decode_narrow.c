/* 16-bit instructions (DDI 0553, C2.2.1 to C2.2.2). */
#include "decode.h"
#include "pattern.h"

static void d_m(struct operation *op, uint32_t e) {
  op->reads = low_register(e, 3);
  op->writes = low_register(e, 0) | REGISTER_FLAGS;
}

/* Rd, Rm without flags. */
static void plain_d_m(struct operation *op, uint32_t e) {
  op->reads = low_register(e, 3);
  op->writes = low_register(e, 0);
}

static void light_d_m(struct operation *op, uint32_t e) {
  plain_d_m(op, e);
  op->light = true;
}

static void d_n_m(struct operation *op, uint32_t e) {
  d_m(op, e);
  op->reads |= low_register(e, 6);
}

static void d_n_constant(struct operation *op, uint32_t e) {
  d_m(op, e);
  op->light = true;
}

static void move_constant(struct operation *op, uint32_t e) {
  op->writes = low_register(e, 8) | REGISTER_FLAGS;
  op->light = true;
}

static void compare_constant(struct operation *op, uint32_t e) {
  op->reads = low_register(e, 8);
  op->writes = REGISTER_FLAGS;
}

static void add_constant(struct operation *op, uint32_t e) {
  move_constant(op, e);
  op->reads = low_register(e, 8);
}

static void dn_m(struct operation *op, uint32_t e) {
  d_m(op, e);
  op->reads |= low_register(e, 0);
}

static void dn_m_carry(struct operation *op, uint32_t e) {
  dn_m(op, e);
  op->reads |= REGISTER_FLAGS;
}

static void compare(struct operation *op, uint32_t e) {
  op->reads = low_register(e, 0) | low_register(e, 3);
  op->writes = REGISTER_FLAGS;
}

/* The register in bits 7 and 2:0 of the instructions that reach all registers. */
static registers any_register(uint32_t e) {
  return core_register(field(e, 7, 7) << 3 | field(e, 2, 0), 0);
}

static void add_any(struct operation *op, uint32_t e) {
  op->reads = any_register(e) | core_register(e, 3);
  op->writes = any_register(e);
}

static void compare_any(struct operation *op, uint32_t e) {
  op->reads = any_register(e) | core_register(e, 3);
  op->writes = REGISTER_FLAGS;
}

static void move_any(struct operation *op, uint32_t e) {
  op->reads = core_register(e, 3);
  op->writes = any_register(e);
  op->light = true;
}

static void jump(struct operation *op, uint32_t e) {
  op->reads = core_register(e, 3);
}

static void jump_and_link(struct operation *op, uint32_t e) {
  jump(op, e);
  op->writes = REGISTER(REGISTER_LR);
}

static void load_literal(struct operation *op, uint32_t e) {
  op->writes = low_register(e, 8);
}

static void load_indexed(struct operation *op, uint32_t e) {
  op->address = low_register(e, 3) | low_register(e, 6);
  op->writes = low_register(e, 0);
}

static void store_indexed(struct operation *op, uint32_t e) {
  op->address = low_register(e, 3) | low_register(e, 6);
  op->stored = low_register(e, 0);
}

static void displace(struct operation *op, uint32_t base, uint32_t offset) {
  op->address = REGISTER(base);
  op->displaced = true;
  op->base = (uint8_t)base;
  op->offset = (int16_t)offset;
}

/* The offset is a multiple of the size, which bits 15:12 tell. */
static void displace_low(struct operation *op, uint32_t e) {
  static const uint8_t shifts[] = {[6] = 2, [7] = 0, [8] = 1};
  displace(op, field(e, 5, 3), field(e, 10, 6) << shifts[field(e, 15, 12)]);
}

static void load_displaced(struct operation *op, uint32_t e) {
  displace_low(op, e);
  op->writes = low_register(e, 0);
}

static void store_displaced(struct operation *op, uint32_t e) {
  displace_low(op, e);
  op->stored = low_register(e, 0);
}

static void load_stack(struct operation *op, uint32_t e) {
  displace(op, REGISTER_SP, field(e, 7, 0) << 2);
  op->writes = low_register(e, 8);
}

static void store_stack(struct operation *op, uint32_t e) {
  displace(op, REGISTER_SP, field(e, 7, 0) << 2);
  op->stored = low_register(e, 8);
}

static void form_address(struct operation *op, uint32_t e) {
  op->reads = (e & 0x0800u) != 0 ? REGISTER(REGISTER_SP) : 0;
  op->writes = low_register(e, 8);
}

static void move_stack(struct operation *op, uint32_t e) {
  (void)e;
  op->reads = op->writes = REGISTER(REGISTER_SP);
}

static void compare_branch(struct operation *op, uint32_t e) {
  op->reads = low_register(e, 0);
}

static uint8_t count_ones(uint32_t list) {
  uint8_t count = 0;
  for (; list != 0; list &= list - 1)
    ++count;
  return count;
}

static void push(struct operation *op, uint32_t e) {
  op->address = op->updated = REGISTER(REGISTER_SP);
  op->stored = (registers)(e & 0xffu) | ((e & 0x100u) != 0 ? REGISTER(REGISTER_LR) : 0);
  op->words = count_ones(e & 0x1ffu);
}

static void pop(struct operation *op, uint32_t e) {
  op->address = op->updated = REGISTER(REGISTER_SP);
  op->writes = e & 0xffu;
  op->words = count_ones(e & 0x1ffu);
}

static void store_multiple(struct operation *op, uint32_t e) {
  op->address = op->updated = low_register(e, 8);
  op->stored = e & 0xffu;
  op->words = count_ones(e & 0xffu);
}

static void load_multiple(struct operation *op, uint32_t e) {
  op->address = low_register(e, 8);
  op->writes = e & 0xffu;
  op->updated = op->address & ~op->writes;
  op->words = count_ones(e & 0xffu);
}

static void conditional(struct operation *op, uint32_t e) {
  (void)e;
  op->reads = REGISTER_FLAGS;
}

static const struct pattern patterns[] = {
    {"00000 00000 ... ...", KIND_MOVE, d_m}, /* MOVS: LSLS #0 */
    {"00000 ..... ... ...", KIND_SHIFT, d_m},
    {"00001 ..... ... ...", KIND_SHIFT, d_m},
    {"00010 ..... ... ...", KIND_SHIFT, d_m},
    {"0001100 ... ... ...", KIND_MOVE, d_n_m},
    {"0001101 ... ... ...", KIND_MOVE, d_n_m},
    {"0001110 ... ... ...", KIND_MOVE, d_n_constant},
    {"0001111 ... ... ...", KIND_MOVE, d_n_constant},
    {"00100 ... ........", KIND_MOVE, move_constant},
    {"00101 ... ........", KIND_LOGIC, compare_constant},
    {"00110 ... ........", KIND_MOVE, add_constant},
    {"00111 ... ........", KIND_MOVE, add_constant},
    {"0100000000 ... ...", KIND_LOGIC, dn_m},       /* ANDS */
    {"0100000001 ... ...", KIND_LOGIC, dn_m},       /* EORS */
    {"0100000010 ... ...", KIND_SHIFT, dn_m},       /* LSLS */
    {"0100000011 ... ...", KIND_SHIFT, dn_m},       /* LSRS */
    {"0100000100 ... ...", KIND_SHIFT, dn_m},       /* ASRS */
    {"0100000101 ... ...", KIND_LOGIC, dn_m_carry}, /* ADCS */
    {"0100000110 ... ...", KIND_LOGIC, dn_m_carry}, /* SBCS */
    {"0100000111 ... ...", KIND_SHIFT, dn_m},       /* RORS */
    {"0100001000 ... ...", KIND_LOGIC, compare},    /* TST */
    {"0100001001 ... ...", KIND_MOVE, d_m},         /* RSBS #0 */
    {"010000101. ... ...", KIND_LOGIC, compare},    /* CMP, CMN */
    {"0100001100 ... ...", KIND_LOGIC, dn_m},       /* ORRS */
    {"0100001101 ... ...", KIND_MULTIPLY, dn_m},
    {"0100001110 ... ...", KIND_LOGIC, dn_m}, /* BICS */
    {"0100001111 ... ...", KIND_MOVE, d_m},   /* MVNS */
    {"01000100 1 .... 111", KIND_BRANCH_REGISTER, jump},
    {"01000100 . .... ...", KIND_MOVE, add_any},
    {"01000101 . .... ...", KIND_LOGIC, compare_any},
    {"01000110 1 .... 111", KIND_BRANCH_REGISTER, jump},
    {"01000110 . .... ...", KIND_MOVE, move_any},
    {"01000111 0 .... ...", KIND_BRANCH_REGISTER, jump},
    {"01000111 1 .... ...", KIND_BRANCH_REGISTER, jump_and_link},
    {"01001 ... ........", KIND_LOAD_WORD, load_literal},
    {"0101000 ... ... ...", KIND_STORE, store_indexed},
    {"0101001 ... ... ...", KIND_STORE, store_indexed},
    {"0101010 ... ... ...", KIND_STORE, store_indexed},
    {"0101100 ... ... ...", KIND_LOAD_WORD, load_indexed},
    {"0101... ... ... ...", KIND_LOAD_PART, load_indexed},
    {"01100 ..... ... ...", KIND_STORE, store_displaced},
    {"01101 ..... ... ...", KIND_LOAD_WORD, load_displaced},
    {"01110 ..... ... ...", KIND_STORE, store_displaced},
    {"01111 ..... ... ...", KIND_LOAD_PART, load_displaced},
    {"10000 ..... ... ...", KIND_STORE, store_displaced},
    {"10001 ..... ... ...", KIND_LOAD_PART, load_displaced},
    {"10010 ... ........", KIND_STORE, store_stack},
    {"10011 ... ........", KIND_LOAD_WORD, load_stack},
    {"1010. ... ........", KIND_MOVE, form_address},
    {"10110000 ........", KIND_MOVE, move_stack},
    {"1011.0.1 ..... ...", KIND_COMPARE_BRANCH, compare_branch},
    {"10110010 .. ... ...", KIND_EXTEND, light_d_m},
    {"1011010 . ........", KIND_STORE_MULTIPLE, push},
    {"10110110 ........", KIND_SPECIAL, NULL}, /* CPS, SETPAN */
    {"10111010 10 ......", KIND_TRAP, NULL},   /* HLT */
    {"10111010 .. ... ...", KIND_BITS, plain_d_m},
    {"10111100 ........", KIND_LOAD_MULTIPLE, pop},
    {"10111101 ........", KIND_POP_BRANCH, pop},
    {"10111110 ........", KIND_TRAP, NULL}, /* BKPT */
    {"10111111 .... 0000", KIND_NOP, NULL},
    {"10111111 ........", KIND_IT, NULL},
    {"11000 ... ........", KIND_STORE_MULTIPLE, store_multiple},
    {"11001 ... ........", KIND_LOAD_MULTIPLE, load_multiple},
    {"1101111. ........", KIND_TRAP, NULL}, /* UDF, SVC */
    {"1101.... ........", KIND_BRANCH, conditional},
    {"11100 ...........", KIND_BRANCH, NULL},
};

void decode_narrow(uint32_t encoding, struct operation *operation) {
  pattern_apply(patterns, sizeof patterns / sizeof patterns[0], encoding, operation);
}
