/* A straight run of instructions as the emulator translated it: entered at its first instruction, left after its last.
 */
#ifndef TVM_TINY_EMULATOR_BLOCK_H_
#define TVM_TINY_EMULATOR_BLOCK_H_

#include <stddef.h>
#include <stdint.h>

struct instruction {
  uint32_t address;
  uint32_t encoding; /* a 16-bit instruction as it is; a 32-bit one with its first halfword in bits 31:16 */
  uint32_t size;     /* bytes, from the encoding */
};

struct block_timing;

struct block {
  struct block *next;          /* of all blocks, newest first */
  struct block_timing *timing; /* what cycles.c knows of it; NULL until it needs to */
  unsigned role;               /* enum block_role, or-ed */
  uint64_t executed;           /* times, while measuring */
  size_t count;
  struct instruction instructions[];
};

enum block_role {
  BLOCK_BEGINS = 1,  /* holds the call that is measured: counting starts after this block */
  BLOCK_ENDS = 2,    /* starts at the address to which that call returns: counting stops before this block */
  BLOCK_OF_RUN = 4,  /* belongs to <model>_run itself */
  BLOCK_OF_ENTRY = 8 /* is the first of a layer's function */
};

#endif /* TVM_TINY_EMULATOR_BLOCK_H_ */
