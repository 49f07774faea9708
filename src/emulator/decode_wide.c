/* 32-bit instructions on core registers (DDI 0553, C2.2.3). */
#include "decode.h"
#include "pattern.h"

static uint8_t count_ones(uint32_t list) {
  uint8_t count = 0;
  for (; list != 0; list &= list - 1)
    ++count;
  return count;
}

/* The list of LDM and STM without PC, and without the bit of SP, which is always 0. */
static registers listed(uint32_t e) {
  return e & 0x5fffu;
}

static registers written_back(uint32_t e) {
  return field(e, 21, 21) != 0 ? core_register(e, 16) : 0;
}

static void load_multiple(struct operation *op, uint32_t e) {
  op->address = core_register(e, 16);
  op->updated = written_back(e);
  op->writes = listed(e);
  op->words = count_ones(e & 0xffffu);
}

static void store_multiple(struct operation *op, uint32_t e) {
  op->address = core_register(e, 16);
  op->updated = written_back(e);
  op->stored = listed(e);
  op->words = count_ones(e & 0xffffu);
}

static void load_pair(struct operation *op, uint32_t e) {
  op->address = core_register(e, 16);
  op->updated = written_back(e);
  op->writes = core_register(e, 12) | core_register(e, 8);
  op->words = 2;
}

static void store_pair(struct operation *op, uint32_t e) {
  op->address = core_register(e, 16);
  op->updated = written_back(e);
  op->stored = core_register(e, 12) | core_register(e, 8);
  op->words = 2;
}

static void load_exclusive(struct operation *op, uint32_t e) {
  op->address = core_register(e, 16);
  op->writes = core_register(e, 12);
}

static void store_release(struct operation *op, uint32_t e) {
  op->address = core_register(e, 16);
  op->stored = core_register(e, 12);
}

static void store_exclusive(struct operation *op, uint32_t e) {
  store_release(op, e);
  op->writes = core_register(e, 8);
}

/* The forms for bytes and halfwords have their result elsewhere. */
static void store_exclusive_part(struct operation *op, uint32_t e) {
  store_release(op, e);
  op->writes = core_register(e, 0);
}

static void table_branch(struct operation *op, uint32_t e) {
  op->address = core_register(e, 16) | core_register(e, 0);
}

static registers flags_if_set(uint32_t e) {
  return field(e, 20, 20) != 0 ? REGISTER_FLAGS : 0;
}

static void d_n(struct operation *op, uint32_t e) {
  op->reads = core_register(e, 16);
  op->writes = core_register(e, 8);
}

static void d_n_m(struct operation *op, uint32_t e) {
  d_n(op, e);
  op->reads |= core_register(e, 0);
}

static void d_m(struct operation *op, uint32_t e) {
  op->reads = core_register(e, 0);
  op->writes = core_register(e, 8);
}

static void d_n_m_s(struct operation *op, uint32_t e) {
  d_n_m(op, e);
  op->writes |= flags_if_set(e);
}

static void d_n_m_carry(struct operation *op, uint32_t e) {
  d_n_m_s(op, e);
  op->reads |= REGISTER_FLAGS;
}

static void d_n_shifted(struct operation *op, uint32_t e) {
  d_n(op, e);
  op->writes |= flags_if_set(e);
  op->shifted = core_register(e, 0);
}

static void d_n_shifted_carry(struct operation *op, uint32_t e) {
  d_n_shifted(op, e);
  op->reads |= REGISTER_FLAGS;
}

static void d_n_constant(struct operation *op, uint32_t e) {
  d_n(op, e);
  op->writes |= flags_if_set(e);
}

static void d_n_constant_carry(struct operation *op, uint32_t e) {
  d_n_constant(op, e);
  op->reads |= REGISTER_FLAGS;
}

/* A shift by a constant: Rm is in the lowest bits, Rn is none. */
static void d_m_s(struct operation *op, uint32_t e) {
  d_m(op, e);
  op->writes |= flags_if_set(e);
}

static void select(struct operation *op, uint32_t e) {
  d_n_m(op, e);
  op->reads |= REGISTER_FLAGS;
}

/* RdaLo and RdaHi of the long forms; the short ones have Rda in the place of the former and no second register. */
static void long_shift(struct operation *op, uint32_t e) {
  const registers pair = core_register(e & 0xe0000u, 16) | core_register(e | 0x100u, 8);
  op->shifted = field(e, 11, 8) == 15 ? core_register(e, 16) : pair;
  op->reads = field(e, 3, 0) == 13 ? core_register(e, 12) : 0;
  op->writes = op->shifted;
}

static void d_constant(struct operation *op, uint32_t e) {
  op->writes = core_register(e, 8);
}

static void move_top(struct operation *op, uint32_t e) {
  op->reads = op->writes = core_register(e, 8);
}

static void d_shifted_n(struct operation *op, uint32_t e) {
  op->shifted = core_register(e, 16);
  op->writes = core_register(e, 8);
}

static void insert(struct operation *op, uint32_t e) {
  d_shifted_n(op, e);
  op->reads = core_register(e, 8);
}

static void d_shifted_m(struct operation *op, uint32_t e) {
  op->shifted = core_register(e, 0);
  op->writes = core_register(e, 8);
}

static void extend_add(struct operation *op, uint32_t e) {
  d_shifted_m(op, e);
  op->addend = core_register(e, 16);
}

static void pack(struct operation *op, uint32_t e) {
  d_shifted_m(op, e);
  op->reads = core_register(e, 16);
}

static void multiply_add(struct operation *op, uint32_t e) {
  d_n_m(op, e);
  op->addend = core_register(e, 12);
}

static void multiply_long(struct operation *op, uint32_t e) {
  op->reads = core_register(e, 16) | core_register(e, 0);
  op->writes = core_register(e, 12) | core_register(e, 8);
}

static void multiply_add_long(struct operation *op, uint32_t e) {
  multiply_long(op, e);
  op->addend = op->writes;
}

static void conditional(struct operation *op, uint32_t e) {
  (void)e;
  op->reads = REGISTER_FLAGS;
}

static void call(struct operation *op, uint32_t e) {
  (void)e;
  op->writes = REGISTER(REGISTER_LR);
}

static void loop_start(struct operation *op, uint32_t e) {
  op->reads = core_register(e, 16);
  op->writes = REGISTER(REGISTER_LR);
}

static void loop_end(struct operation *op, uint32_t e) {
  (void)e;
  op->reads = op->writes = REGISTER(REGISTER_LR);
}

static void reads_n(struct operation *op, uint32_t e) {
  op->reads = core_register(e, 16);
}

/* The three ways to address of single loads and stores: a 12-bit offset, an 8-bit one with or without write-back, an
 * index. A literal's base is PC. */
static void address(struct operation *op, uint32_t e) {
  op->address = core_register(e, 16);
  const bool literal = field(e, 19, 16) == REGISTER_PC;
  const bool long_offset = field(e, 23, 23) != 0;
  const bool short_offset = !long_offset && field(e, 11, 11) != 0;
  if (literal)
    return;
  if (!long_offset && !short_offset)
    op->address |= core_register(e, 0);
  if (short_offset && field(e, 8, 8) != 0)
    op->updated = core_register(e, 16);
  if (long_offset || (short_offset && field(e, 8, 8) == 0)) {
    op->displaced = true;
    op->base = (uint8_t)field(e, 19, 16);
    const int16_t offset = (int16_t)(long_offset ? field(e, 11, 0) : field(e, 7, 0));
    op->offset = (int16_t)(short_offset && field(e, 9, 9) == 0 ? -offset : offset);
  }
}

static void load(struct operation *op, uint32_t e) {
  address(op, e);
  op->writes = core_register(e, 12);
}

static void store(struct operation *op, uint32_t e) {
  address(op, e);
  op->stored = core_register(e, 12);
}

static const struct pattern patterns[] = {
    /* Several registers, pairs, exclusive accesses, table branches. */
    {"1110100 01 001 1111 ................", KIND_SPECIAL, NULL}, /* CLRM */
    {"1110100 01 0.1 .... 1...............", KIND_POP_BRANCH, load_multiple},
    {"1110100 10 0.1 .... 1...............", KIND_POP_BRANCH, load_multiple},
    {"1110100 01 0.1 .... 0...............", KIND_LOAD_MULTIPLE, load_multiple},
    {"1110100 10 0.1 .... 0...............", KIND_LOAD_MULTIPLE, load_multiple},
    {"1110100 .. 0.0 .... ................", KIND_STORE_MULTIPLE, store_multiple},
    {"1110100 01 101 .... .... .... 000. ....", KIND_TABLE_BRANCH, table_branch},
    {"1110100 10 111 1111 1110 1001 0111 1111", KIND_NOP, NULL},              /* SG */
    {"1110100 00 100 .... 1111 .... ..00 0000", KIND_SPECIAL, d_n},           /* TT */
    {"1110100 00 100 .... .... .... .... ....", KIND_STORE, store_exclusive}, /* STREX */
    {"1110100 00 101 .... .... .... .... ....", KIND_LOAD_WORD, load_exclusive},
    {"1110100 01 100 .... .... 1111 10.. 1111", KIND_STORE, store_release},        /* STL, STLB, STLH */
    {"1110100 01 100 .... .... .... .... ....", KIND_STORE, store_exclusive_part}, /* STREXB, STREXH, STLEX */
    {"1110100 01 101 .... .... .... .... ....", KIND_LOAD_PART, load_exclusive},
    {"1110100 .. 1.0 .... .... .... .... ....", KIND_STORE_PAIR, store_pair},
    {"1110100 .. 1.1 .... .... .... .... ....", KIND_LOAD_PAIR, load_pair},
    /* Data processing with a register that may be shifted. */
    {"1110101 0010 . 1111 0 000 .... 00 00 ....", KIND_MOVE, d_m_s}, /* MOV */
    {"1110101 0010 1 .... .... .... .... 1101", KIND_LONG_SHIFT, long_shift},
    {"1110101 0010 1 .... 0... .... .... 1111", KIND_LONG_SHIFT, long_shift},
    {"1110101 0010 1 .... 10.. .... .... ....", KIND_SELECT, select},
    {"1110101 0010 . 1111 0 ... .... .. .. ....", KIND_SHIFT, d_m_s},
    {"1110101 0011 . 1111 0 000 .... 00 00 ....", KIND_MOVE, d_n_m_s}, /* MVN */
    {"1110101 0110 . .... 0 ... .... .. .. ....", KIND_PACKED, pack},  /* PKHBT, PKHTB */
    {"1110101 1000 . .... 0 000 .... 00 00 ....", KIND_MOVE, d_n_m_s}, /* ADD; CMN with Rd = 15 */
    {"1110101 1101 . .... 0 000 .... 00 00 ....", KIND_MOVE, d_n_m_s}, /* SUB; CMP with Rd = 15 */
    {"1110101 1110 . .... 0 000 .... 00 00 ....", KIND_MOVE, d_n_m_s}, /* RSB */
    {"1110101 101. . .... 0 000 .... 00 00 ....", KIND_LOGIC, d_n_m_carry},
    {"1110101 .... . .... 0 000 .... 00 00 ....", KIND_LOGIC, d_n_m_s},
    {"1110101 101. . .... 0 ... .... .. .. ....", KIND_SHIFTED_REGISTER, d_n_shifted_carry},
    {"1110101 .... . .... 0 ... .... .. .. ....", KIND_SHIFTED_REGISTER, d_n_shifted},
    /* ... with a constant: a byte in the lowest place or repeated where bits 26 and 14 are 0. */
    {"11110 0 0 0010 . 1111 0 0.. .... ........", KIND_MOVE, d_n_constant}, /* MOV */
    {"11110 0 0 0011 . 1111 0 0.. .... ........", KIND_MOVE, d_n_constant}, /* MVN */
    {"11110 0 0 1000 . .... 0 0.. .... ........", KIND_MOVE, d_n_constant}, /* ADD, CMN */
    {"11110 0 0 1101 . .... 0 0.. .... ........", KIND_MOVE, d_n_constant}, /* SUB, CMP */
    {"11110 0 0 1110 . .... 0 0.. .... ........", KIND_MOVE, d_n_constant}, /* RSB */
    {"11110 0 0 101. . .... 0 0.. .... ........", KIND_LOGIC, d_n_constant_carry},
    {"11110 0 0 .... . .... 0 0.. .... ........", KIND_LOGIC, d_n_constant},
    {"11110 . 0 101. . .... 0 ... .... ........", KIND_SHIFTED_CONSTANT, d_n_constant_carry},
    {"11110 . 0 .... . .... 0 ... .... ........", KIND_SHIFTED_CONSTANT, d_n_constant},
    {"11110 . 1 00000 .... 0 ... .... ........", KIND_MOVE, d_n},           /* ADDW, ADR */
    {"11110 . 1 01010 .... 0 ... .... ........", KIND_MOVE, d_n},           /* SUBW, ADR */
    {"11110 . 1 00100 .... 0 ... .... ........", KIND_LOGIC, d_constant},   /* MOVW */
    {"11110 . 1 01100 .... 0 ... .... ........", KIND_LOGIC, move_top},     /* MOVT */
    {"11110 . 1 1.0.0 .... 0 ... .... ........", KIND_PACKED, d_shifted_n}, /* SSAT, USAT, SSAT16, USAT16 */
    {"11110 . 1 1.100 .... 0 ... .... ........", KIND_BITS, d_shifted_n},   /* SBFX, UBFX */
    {"11110 . 1 10110 .... 0 ... .... ........", KIND_INSERT, insert},
    /* Branches, loops, the system. */
    {"11110 0 1110 10 .... 10.0 .... ........", KIND_NOP, NULL},
    {"11110 0 1110 11 .... 10.0 .... ........", KIND_BARRIER, NULL},
    {"11110 0 111. .. .... 10.0 .... ........", KIND_SPECIAL, NULL}, /* MSR, MRS */
    {"11110 1 111. .. .... 1.10 .... ........", KIND_TRAP, NULL},
    {"11110 . .... .. .... 10.0 .... ........", KIND_BRANCH, conditional},
    {"11110 . .... .. .... 10.1 .... ........", KIND_BRANCH, NULL},
    {"11110 . .... .. .... 11.1 .... ........", KIND_CALL, call},
    {"11110000 00.. .... 1110 1000 0000 0001", KIND_VECTOR_PREDICATE, reads_n}, /* VCTP */
    {"11110000 0000 1111 1110 0000 0000 0001", KIND_NOP, NULL},                 /* LCTP */
    {"11110000 0... .... 1110 0000 0000 0001", KIND_LOOP_START, loop_start},    /* DLS, DLSTP */
    {"11110000 00.. 1111 1100 ............", KIND_LOOP_END, loop_end},
    {"11110000 0... .... 1100 ............", KIND_LOOP_START, loop_start}, /* WLS, WLSTP */
    /* Single loads and stores. */
    {"11111000 . 10 1 .... 1111 ............", KIND_LOAD_BRANCH, load},
    {"1111100. . 0. 1 .... 1111 ............", KIND_NOP, NULL}, /* PLD, PLI */
    {"11111000 . 10 1 .... .... ............", KIND_LOAD_WORD, load},
    {"1111100. . 0. 1 .... .... ............", KIND_LOAD_PART, load},
    {"11111000 . .. 0 .... .... ............", KIND_STORE, store},
    /* Data processing with registers. */
    {"11111010 0 ... .... 1111 .... 0000 ....", KIND_SHIFT, d_n_m_s},
    {"11111010 0 ... 1111 1111 .... 1... ....", KIND_EXTEND, d_m},
    {"11111010 0 ... .... 1111 .... 1... ....", KIND_EXTEND_ADD, extend_add},
    {"11111010 1 001 .... 1111 .... 10.. ....", KIND_BITS, d_shifted_m}, /* REV, REV16, RBIT, REVSH */
    {"11111010 1 011 .... 1111 .... 1000 ....", KIND_BITS, d_m},         /* CLZ */
    {"11111010 1 ... .... 1111 .... .... ....", KIND_PACKED, d_n_m},
    {"11111011 0 111 .... 1111 .... 0000 ....", KIND_PACKED, d_n_m}, /* USAD8 */
    {"11111011 0 111 .... .... .... 0000 ....", KIND_PACKED, multiply_add},
    {"11111011 0 ... .... 1111 .... .... ....", KIND_MULTIPLY, d_n_m},
    {"11111011 0 ... .... .... .... .... ....", KIND_MULTIPLY_ADD, multiply_add},
    {"11111011 1 0.1 .... 1111 .... 1111 ....", KIND_DIVIDE, d_n_m},
    {"11111011 1 0.0 .... .... .... 0000 ....", KIND_MULTIPLY_LONG, multiply_long},
    {"11111011 1 1.. .... .... .... .... ....", KIND_MULTIPLY_ADD_LONG, multiply_add_long},
};

void decode_wide(uint32_t encoding, struct operation *operation) {
  pattern_apply(patterns, sizeof patterns / sizeof patterns[0], encoding, operation);
}
