/* The binary format of a command stream, version 1: what lies where. python/tvm_tiny/npu/stream.py has the same tables;
 * a test holds both together. All numbers are little-endian; fields follow each other without gaps.
 *
 *   header    ETPU_HEADER_FIELDS
 *   regions   ETPU_REGION_FIELDS, header.regions times
 *   commands  ETPU_COMMAND_FIELDS and the fields of its opcode, filled up with zeros to `words` words of 4 bytes
 *
 * The CRC is that of IEEE 802.3 (as zlib's) over all bytes of the stream but its own four. */
#ifndef TVM_TINY_NPU_FORMAT_H_
#define TVM_TINY_NPU_FORMAT_H_

#define ETPU_MAGIC 0x55505445u /* "ETPU" */
#define ETPU_VERSION 1u

#define ETPU_HEADER_BYTES 36u
#define ETPU_REGION_BYTES 8u
#define ETPU_COMMAND_BYTES 10u

enum etpu_opcode {
  ETPU_CONVOLUTION = 1,
  ETPU_ELEMENTWISE = 2,
  ETPU_POOL = 3,
  ETPU_LOOKUP = 4,
  ETPU_SOFTMAX = 5,
  ETPU_RESIZE = 6,
  ETPU_TRANSFER = 7
};

enum etpu_unit { ETPU_DMA = 0, ETPU_ARRAY = 1, ETPU_VECTOR = 2, ETPU_UNITS = 3 };
enum etpu_requantization { ETPU_DOUBLE = 0, ETPU_SINGLE = 1 };
enum etpu_elementwise_kind { ETPU_ADD = 0, ETPU_SUB = 1, ETPU_MUL = 2 };
enum etpu_pool_kind { ETPU_MAX = 0, ETPU_AVERAGE = 1 };

/* Each table is a list of F(type, member). */
#define ETPU_HEADER_FIELDS(F) \
  F(u32, magic)               \
  F(u16, version)             \
  F(u16, variant)             \
  F(u32, bytes)               \
  F(u32, sram)                \
  F(u32, cache)               \
  F(u32, token)               \
  F(u32, commands)            \
  F(u16, regions)             \
  F(u16, load)                \
  F(u32, crc)

#define ETPU_REGION_FIELDS(F) \
  F(u32, size)                \
  F(u32, written)

#define ETPU_COMMAND_FIELDS(F) \
  F(u8, opcode)                \
  F(u8, words)                 \
  F(u16, layer)                \
  F(u16, waits[0])             \
  F(u16, waits[1])             \
  F(u16, waits[2])

#define ETPU_MAP_FIELDS(F, map) \
  F(u32, map.address)           \
  F(u32, map.row_bytes)         \
  F(u16, map.pixel_bytes)       \
  F(u16, map.buffer_rows)

#define ETPU_SHAPE_FIELDS(F) \
  F(u16, input_shape[0])     \
  F(u16, input_shape[1])     \
  F(u16, input_shape[2])

#define ETPU_WINDOW_FIELDS(F) \
  F(u16, window.kernel[0])    \
  F(u16, window.kernel[1])    \
  F(u8, window.strides[0])    \
  F(u8, window.strides[1])    \
  F(u8, window.dilation[0])   \
  F(u8, window.dilation[1])   \
  F(i16, window.top)          \
  F(i16, window.left)         \
  F(i8, window.pad_value)

#define ETPU_CLAMP_FIELDS(F) \
  F(i8, clamp.zero_point)    \
  F(i8, clamp.low)           \
  F(i8, clamp.high)

#define ETPU_CONVOLUTION_FIELDS(F) \
  ETPU_MAP_FIELDS(F, input)        \
  ETPU_SHAPE_FIELDS(F)             \
  ETPU_MAP_FIELDS(F, output)       \
  F(u16, output_width)             \
  F(u16, channels)                 \
  F(u16, first_row)                \
  F(u16, rows)                     \
  ETPU_WINDOW_FIELDS(F)            \
  F(u32, weights)                  \
  F(u32, parameters)               \
  F(u8, depth_step)                \
  ETPU_CLAMP_FIELDS(F)             \
  F(u8, requantization)            \
  F(u8, split)                     \
  F(u8, depthwise)

#define ETPU_ELEMENTWISE_FIELDS(F) \
  F(u8, kind)                      \
  ETPU_MAP_FIELDS(F, inputs[0])    \
  ETPU_MAP_FIELDS(F, inputs[1])    \
  ETPU_MAP_FIELDS(F, output)       \
  F(u16, width)                    \
  F(u16, channels)                 \
  F(u16, first_row)                \
  F(u16, rows)                     \
  F(i8, zero_points[0])            \
  F(i8, zero_points[1])            \
  F(i32, multipliers[0])           \
  F(i32, multipliers[1])           \
  F(i8, shifts[0])                 \
  F(i8, shifts[1])                 \
  F(i32, multiplier)               \
  F(i8, shift)                     \
  ETPU_CLAMP_FIELDS(F)

#define ETPU_POOL_FIELDS(F)  \
  F(u8, kind)                \
  ETPU_MAP_FIELDS(F, input)  \
  ETPU_SHAPE_FIELDS(F)       \
  ETPU_MAP_FIELDS(F, output) \
  F(u16, output_width)       \
  F(u16, first_row)          \
  F(u16, rows)               \
  ETPU_WINDOW_FIELDS(F)      \
  ETPU_CLAMP_FIELDS(F)       \
  F(u8, file_offset)

#define ETPU_LOOKUP_FIELDS(F) \
  ETPU_MAP_FIELDS(F, input)   \
  ETPU_MAP_FIELDS(F, output)  \
  F(u16, width)               \
  F(u16, channels)            \
  F(u16, first_row)           \
  F(u16, rows)                \
  F(u32, table)

#define ETPU_SOFTMAX_FIELDS(F) \
  ETPU_MAP_FIELDS(F, input)    \
  ETPU_MAP_FIELDS(F, output)   \
  F(u16, width)                \
  F(u16, channels)             \
  F(u16, first_row)            \
  F(u16, rows)                 \
  F(u32, table)                \
  ETPU_CLAMP_FIELDS(F)

#define ETPU_RESIZE_FIELDS(F) \
  ETPU_MAP_FIELDS(F, input)   \
  ETPU_SHAPE_FIELDS(F)        \
  ETPU_MAP_FIELDS(F, output)  \
  F(u16, output_width)        \
  F(u16, first_row)           \
  F(u16, rows)                \
  F(u32, scales[0])           \
  F(u32, scales[1])           \
  F(i16, top)                 \
  F(i16, left)                \
  F(i8, pad_value)

#define ETPU_TRANSFER_FIELDS(F) \
  F(u8, to_sram)                \
  F(u8, region)                 \
  F(u32, offset)                \
  F(u32, region_stride)         \
  ETPU_MAP_FIELDS(F, map)       \
  F(u16, first_row)             \
  F(u16, rows)                  \
  F(u32, row_length)

#endif /* TVM_TINY_NPU_FORMAT_H_ */
