/* An instruction as the cycle models see it: its kind, and which registers it needs and gives. */
#ifndef TVM_TINY_EMULATOR_OPERATION_H_
#define TVM_TINY_EMULATOR_OPERATION_H_

#include <stdbool.h>
#include <stdint.h>

/* A set of registers: bits 0 to 14 are r0 to r14, 16 the condition flags, 32 to 63 s0 to s31. d<n> is two of the latter
 * and q<n> four. */
typedef uint64_t registers;

#define REGISTER(number) ((registers)1 << (number))
#define REGISTER_FLAGS REGISTER(16)
#define REGISTER_SINGLE(number) ((registers)1 << (32 + (number)))
#define REGISTER_DOUBLE(number) ((registers)3 << (32 + 2 * (number)))
#define REGISTER_VECTOR(number) ((registers)15 << (32 + 4 * (number)))

enum { REGISTER_PC = 15, REGISTER_LR = 14, REGISTER_SP = 13, REGISTER_COUNT = 64 };

/* Instructions that every core times alike are one kind. */
enum kind {
  KIND_UNKNOWN,
  KIND_NOP, /* with hints and preloads */
  KIND_IT,
  KIND_MOVE,  /* MOV, MVN, ADD, SUB, RSB, ADR of registers and of constants that need no shift */
  KIND_LOGIC, /* the other data processing without a shift: AND, ORR, EOR, BIC, ADC, SBC, CMP, TST, MOVW, MOVT ... */
  KIND_SHIFTED_REGISTER, /* data processing whose second operand is a shifted register */
  KIND_SHIFTED_CONSTANT, /* ... or a byte at another place than the lowest, not repeated */
  KIND_SHIFT,            /* LSL, LSR, ASR, ROR, RRX */
  KIND_BITS,             /* UBFX, SBFX, CLZ, RBIT, REV ... */
  KIND_INSERT,           /* BFI, BFC */
  KIND_EXTEND,           /* SXTB, UXTH, SXTB16 ... */
  KIND_EXTEND_ADD,       /* SXTAB ... */
  KIND_PACKED,           /* parallel additions, saturation, PKHBT, SEL, USAD8 */
  KIND_SELECT,           /* CSEL, CSINC, CSINV, CSNEG */
  KIND_LONG_SHIFT,       /* ASRL, LSLL, SQRSHRL and the other scalar shifts of MVE */
  KIND_MULTIPLY,         /* MUL, SMULBB, SMUAD, SMMUL ... */
  KIND_MULTIPLY_ADD,     /* MLA, MLS, SMLABB, SMLAD, SMMLA ... */
  KIND_MULTIPLY_LONG,    /* SMULL, UMULL */
  KIND_MULTIPLY_ADD_LONG,
  KIND_DIVIDE,
  KIND_LOAD_WORD, /* with exclusive loads */
  KIND_LOAD_PART, /* a byte or a halfword */
  KIND_LOAD_PAIR,
  KIND_LOAD_MULTIPLE,
  KIND_STORE,
  KIND_STORE_PAIR,
  KIND_STORE_MULTIPLE,
  KIND_BRANCH,          /* B, conditional or not */
  KIND_COMPARE_BRANCH,  /* CBZ, CBNZ */
  KIND_CALL,            /* BL */
  KIND_BRANCH_REGISTER, /* BX, BLX, MOV PC, ADD PC */
  KIND_LOAD_BRANCH,     /* LDR PC */
  KIND_POP_BRANCH,      /* POP or LDM with PC */
  KIND_TABLE_BRANCH,
  KIND_LOOP_START, /* DLS, DLSTP, WLS, WLSTP */
  KIND_LOOP_END,   /* LE, LETP */
  KIND_SPECIAL,    /* MRS, MSR, CPS */
  KIND_BARRIER,
  KIND_TRAP, /* SVC, BKPT, UDF */
  KIND_FLOAT_MOVE,
  KIND_FLOAT_MOVE_PAIR,
  KIND_FLOAT_ADD, /* and SUB, conversions, VMAXNM, VSEL, VRINT */
  KIND_FLOAT_COMPARE,
  KIND_FLOAT_MULTIPLY,
  KIND_FLOAT_MULTIPLY_ADD, /* VMLA, VMLS, VNMLA, VNMLS: two roundings */
  KIND_FLOAT_FUSED,        /* VFMA, VFMS, VFNMA, VFNMS */
  KIND_FLOAT_DIVIDE,       /* and VSQRT */
  KIND_DOUBLE_ADD,
  KIND_DOUBLE_MULTIPLY,
  KIND_DOUBLE_MULTIPLY_ADD,
  KIND_DOUBLE_DIVIDE,
  KIND_FLOAT_LOAD,
  KIND_FLOAT_STORE,
  KIND_FLOAT_LOAD_MULTIPLE,
  KIND_FLOAT_STORE_MULTIPLE,
  KIND_FLOAT_STATUS, /* VMRS, VMSR */
  KIND_VECTOR_LOAD,
  KIND_VECTOR_STORE,
  KIND_VECTOR_GATHER,
  KIND_VECTOR_SCATTER,
  KIND_VECTOR_LOAD_INTERLEAVED,
  KIND_VECTOR_STORE_INTERLEAVED,
  KIND_VECTOR_INTEGER,         /* lane by lane: additions, logic, plain shifts, minima, VDUP, VMOVL */
  KIND_VECTOR_INTEGER_LONG,    /* rounding and saturating shifts, VADC, VSHLC, VMULLP */
  KIND_VECTOR_NARROW,          /* VMOVN, VQMOVN, VSHRN and relatives */
  KIND_VECTOR_EXTREME,         /* VMAXV, VMINV, VABAV: to a core register */
  KIND_VECTOR_MULTIPLY,        /* VMUL, VMULH, VQRDMULH, VMLA, VMULL ... */
  KIND_VECTOR_MULTIPLY_ACROSS, /* VMLADAV, VMLALDAV and relatives: to core registers */
  KIND_VECTOR_ADD_ACROSS,      /* VADDV, VADDLV: to core registers */
  KIND_VECTOR_COMPARE,         /* VCMP, VPT */
  KIND_VECTOR_FLOAT_ADD,       /* and VSUB, VABS, VNEG, VMAXNM */
  KIND_VECTOR_FLOAT,           /* VMUL, VFMA, VCVT, VCMLA ... */
  KIND_VECTOR_LANES_IN,        /* VMOV from core registers */
  KIND_VECTOR_LANES_OUT,       /* VMOV to core registers */
  KIND_VECTOR_PREDICATE,       /* VPST, VPNOT, VCTP */
  KIND_COUNT
};

struct operation {
  enum kind kind;
  bool narrow; /* 16 bits */
  bool sets_flags;
  bool light;     /* narrow, and a move, an addition of a constant or an extension: partner of a Cortex-M55 pair */
  bool displaced; /* accesses [base, #offset] with no write-back */
  uint8_t base;
  int16_t offset;
  uint8_t words; /* that a load or store of several registers moves */
  registers reads;
  registers address; /* that form an address */
  registers shifted; /* that pass the shifter first */
  registers addend;  /* to which products are added */
  registers stored;  /* that a store writes to memory */
  registers writes;
  registers updated; /* base registers that are written back */
};

#endif /* TVM_TINY_EMULATOR_OPERATION_H_ */
