/* Scalar floating point (DDI 0553, C2.2.8, "Floating-point instructions"). */
#include "decode.h"
#include "pattern.h"

/* Bits 9:8 tell the size: 1 half, 2 single, 3 double. */
static bool is_double(uint32_t e) {
  return field(e, 9, 8) == 3;
}

static registers float_register(uint32_t e, unsigned low, unsigned extra, bool wide) {
  const uint32_t number = field(e, low + 3, low);
  return wide ? REGISTER_DOUBLE(number) : REGISTER_SINGLE(number << 1 | field(e, extra, extra));
}

static registers float_d(uint32_t e) {
  return float_register(e, 12, 22, is_double(e));
}

static registers float_n(uint32_t e) {
  return float_register(e, 16, 7, is_double(e));
}

static registers float_m(uint32_t e) {
  return float_register(e, 0, 5, is_double(e));
}

/* The kind of the same arithmetic in double precision. */
static void adjust(struct operation *op, uint32_t e) {
  if (!is_double(e))
    return;
  switch (op->kind) {
    case KIND_FLOAT_ADD:
    case KIND_FLOAT_COMPARE:
      op->kind = KIND_DOUBLE_ADD;
      break;
    case KIND_FLOAT_MULTIPLY:
      op->kind = KIND_DOUBLE_MULTIPLY;
      break;
    case KIND_FLOAT_MULTIPLY_ADD:
    case KIND_FLOAT_FUSED:
      op->kind = KIND_DOUBLE_MULTIPLY_ADD;
      break;
    case KIND_FLOAT_DIVIDE:
      op->kind = KIND_DOUBLE_DIVIDE;
      break;
    default:
      break;
  }
}

static void d_n_m(struct operation *op, uint32_t e) {
  adjust(op, e);
  op->reads = float_n(e) | float_m(e);
  op->writes = float_d(e);
}

static void d_n_m_add(struct operation *op, uint32_t e) {
  d_n_m(op, e);
  op->addend = op->writes;
}

static void d_m(struct operation *op, uint32_t e) {
  adjust(op, e);
  op->reads = float_m(e);
  op->writes = float_d(e);
}

/* Either side may be in a single register, as integers are, or in a double one: both are taken. */
static void convert(struct operation *op, uint32_t e) {
  adjust(op, e);
  op->reads = float_register(e, 0, 5, false) | float_register(e, 0, 5, true);
  op->writes = float_register(e, 12, 22, false) | float_register(e, 12, 22, true);
}

static void compare(struct operation *op, uint32_t e) {
  adjust(op, e);
  op->reads = float_d(e) | float_m(e);
  op->writes = 0; /* flags of its own, which VMRS fetches right behind */
}

static void d_constant(struct operation *op, uint32_t e) {
  op->writes = float_d(e);
}

static void to_core(struct operation *op, uint32_t e) {
  op->reads = float_register(e, 16, 7, field(e, 8, 8) != 0);
  op->writes = core_register(e, 12);
}

static void from_core(struct operation *op, uint32_t e) {
  op->reads = core_register(e, 12);
  op->writes = float_register(e, 16, 7, field(e, 8, 8) != 0);
}

/* Two core registers and a double or two neighbouring singles. */
static registers pair(uint32_t e) {
  const registers first = float_register(e, 0, 5, field(e, 8, 8) != 0);
  return field(e, 8, 8) != 0 ? first : first | first << 1;
}

static void pair_to_core(struct operation *op, uint32_t e) {
  op->reads = pair(e);
  op->writes = core_register(e, 12) | core_register(e, 16);
}

static void pair_from_core(struct operation *op, uint32_t e) {
  op->reads = core_register(e, 12) | core_register(e, 16);
  op->writes = pair(e);
}

static void status_to_core(struct operation *op, uint32_t e) {
  op->writes = field(e, 15, 12) == REGISTER_PC ? REGISTER_FLAGS : core_register(e, 12);
}

static void status_from_core(struct operation *op, uint32_t e) {
  op->reads = core_register(e, 12);
}

static void load(struct operation *op, uint32_t e) {
  op->address = core_register(e, 16);
  op->writes = float_d(e);
  op->words = is_double(e) ? 2 : 1;
}

static void store(struct operation *op, uint32_t e) {
  op->address = core_register(e, 16);
  op->stored = float_d(e);
  op->words = is_double(e) ? 2 : 1;
}

/* The registers of a list of imm8 words that begins with Vd. */
static registers list(uint32_t e) {
  const uint32_t first = is_double(e) ? 2 * field(e, 15, 12) : field(e, 15, 12) << 1 | field(e, 22, 22);
  const uint32_t count = field(e, 7, 0);
  registers all = 0;
  for (uint32_t i = first; i < first + count && i < 32; ++i)
    all |= REGISTER_SINGLE(i);
  return all;
}

static void load_multiple(struct operation *op, uint32_t e) {
  op->address = core_register(e, 16);
  op->updated = field(e, 21, 21) != 0 ? op->address : 0;
  op->writes = list(e);
  op->words = (uint8_t)field(e, 7, 0);
}

static void store_multiple(struct operation *op, uint32_t e) {
  op->address = core_register(e, 16);
  op->updated = field(e, 21, 21) != 0 ? op->address : 0;
  op->stored = list(e);
  op->words = (uint8_t)field(e, 7, 0);
}

static const struct pattern patterns[] = {
    {"11101100 0.01 .... .... 101. 00.1 ....", KIND_FLOAT_MOVE_PAIR, pair_to_core},
    {"11101100 0.00 .... .... 101. 00.1 ....", KIND_FLOAT_MOVE_PAIR, pair_from_core},
    {"11101101 ..01 .... .... 10.. ........", KIND_FLOAT_LOAD, load},
    {"11101101 ..00 .... .... 10.. ........", KIND_FLOAT_STORE, store},
    {"1110110. ...1 .... .... 101. ........", KIND_FLOAT_LOAD_MULTIPLE, load_multiple},
    {"1110110. ...0 .... .... 101. ........", KIND_FLOAT_STORE_MULTIPLE, store_multiple},
    {"1110110. .... .... ...0 11111 .......", KIND_FLOAT_STATUS, NULL}, /* VLDR and VSTR of a system register */
    {"11101110 0.00 .... .... 10.. ...0 ....", KIND_FLOAT_MULTIPLY_ADD, d_n_m_add},
    {"11101110 0.01 .... .... 10.. ...0 ....", KIND_FLOAT_MULTIPLY_ADD, d_n_m_add},
    {"11101110 0.10 .... .... 10.. ...0 ....", KIND_FLOAT_MULTIPLY, d_n_m},
    {"11101110 0.11 .... .... 10.. ...0 ....", KIND_FLOAT_ADD, d_n_m},
    {"11101110 1.00 .... .... 10.. ...0 ....", KIND_FLOAT_DIVIDE, d_n_m},
    {"11101110 1.01 .... .... 10.. ...0 ....", KIND_FLOAT_FUSED, d_n_m_add},
    {"11101110 1.10 .... .... 10.. ...0 ....", KIND_FLOAT_FUSED, d_n_m_add},
    {"11101110 1.11 .... .... 10.. .0.0 ....", KIND_FLOAT_MOVE, d_constant},
    {"11101110 1.11 0000 .... 10.. .1.0 ....", KIND_FLOAT_MOVE, d_m},   /* VMOV, VABS */
    {"11101110 1.11 0001 .... 10.. 01.0 ....", KIND_FLOAT_MOVE, d_m},   /* VNEG */
    {"11101110 1.11 0001 .... 10.. 11.0 ....", KIND_FLOAT_DIVIDE, d_m}, /* VSQRT */
    {"11101110 1.11 010. .... 10.. .1.0 ....", KIND_FLOAT_COMPARE, compare},
    {"11101110 1.11 .... .... 10.. .1.0 ....", KIND_FLOAT_ADD, convert}, /* VCVT, VRINT */
    {"11111110 1.11 .... .... 10.. .1.0 ....", KIND_FLOAT_ADD, convert}, /* VCVTA, VRINTA ... */
    {"11111110 .... .... .... 10.. ...0 ....", KIND_FLOAT_ADD, d_n_m},   /* VSEL, VMAXNM, VMINNM */
    {"11101110 1111 .... .... 1010 ...1 ....", KIND_FLOAT_STATUS, status_to_core},
    {"11101110 1110 .... .... 1010 ...1 ....", KIND_FLOAT_STATUS, status_from_core},
    {"11101110 0001 .... .... 10.. ...1 ....", KIND_FLOAT_MOVE, to_core},
    {"11101110 0000 .... .... 10.. ...1 ....", KIND_FLOAT_MOVE, from_core},
    {"11101110 00.1 .... .... 1011 .001 ....", KIND_FLOAT_MOVE, to_core}, /* a 32-bit lane */
    {"11101110 00.0 .... .... 1011 .001 ....", KIND_FLOAT_MOVE, from_core},
    {"11101110 ...1 .... .... 1011 ...1 ....", KIND_VECTOR_LANES_OUT, to_core},
    {"11101110 0..0 .... .... 1011 ...1 ....", KIND_VECTOR_LANES_IN, from_core},
};

void decode_float(uint32_t encoding, struct operation *operation) {
  pattern_apply(patterns, sizeof patterns / sizeof patterns[0], encoding, operation);
}
