/* What an instruction is: a classifier of Thumb, Thumb-2, floating-point and MVE encodings.
 *
 * Encodings are those of the Armv8-M Architecture Reference Manual, DDI 0553, chapter C2, of which Armv6-M and Armv7-M
 * are subsets. Bits that tell apart what all cores time alike are not looked at. */
#ifndef TVM_TINY_EMULATOR_DECODE_H_
#define TVM_TINY_EMULATOR_DECODE_H_

#include <stddef.h>

#include "block.h"
#include "operation.h"

/* Classifies the `count` instructions of a block, with the IT blocks that begin in it. */
void decode_block(const struct instruction *instructions, size_t count, struct operation *operations);

/* The parts of it. Each fills in an operation that is all zero. */
void decode_narrow(uint32_t encoding, struct operation *operation);
void decode_wide(uint32_t encoding, struct operation *operation);
void decode_float(uint32_t encoding, struct operation *operation);
void decode_vector(uint32_t encoding, struct operation *operation);

#endif /* TVM_TINY_EMULATOR_DECODE_H_ */
