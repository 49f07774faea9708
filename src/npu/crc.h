/* CRC-32 of IEEE 802.3, as zlib computes it. */
#ifndef TVM_TINY_NPU_CRC_H_
#define TVM_TINY_NPU_CRC_H_

#include <stddef.h>
#include <stdint.h>

/* The CRC of what has the CRC `before` (0 for nothing) and `bytes` bytes of `data` behind it. */
uint32_t etpu_crc32(uint32_t before, const uint8_t *data, size_t bytes);

#endif /* TVM_TINY_NPU_CRC_H_ */
