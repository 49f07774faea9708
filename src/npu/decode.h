/* From the bytes of a stream to C values. Nothing is judged here but what decoding needs; validate.c judges. */
#ifndef TVM_TINY_NPU_DECODE_H_
#define TVM_TINY_NPU_DECODE_H_

#include <stddef.h>
#include <stdint.h>

#include "command.h"

/* `bytes` are at least ETPU_HEADER_BYTES, ETPU_REGION_BYTES. */
void etpu_decode_header(const uint8_t *bytes, struct etpu_header *header);
void etpu_decode_region(const uint8_t *bytes, struct etpu_region_entry *region);

/* Bytes that a command of this opcode takes, filled up to words; 0 for one that is unknown. */
uint32_t etpu_command_bytes(uint32_t opcode);

/* Decodes the command at `bytes`, of which `available` are there. Returns the number of bytes that it takes; 0 if they
 * are too few, if the opcode is unknown, if it tells another size, or if what fills it up is not 0. command->opcode is
 * then what stands there, or 0. */
uint32_t etpu_decode_command(const uint8_t *bytes, size_t available, struct etpu_command *command);

#endif /* TVM_TINY_NPU_DECODE_H_ */
