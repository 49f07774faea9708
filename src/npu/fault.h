/* Why a stream is refused. The driver sees the code, people the words. */
#ifndef TVM_TINY_NPU_FAULT_H_
#define TVM_TINY_NPU_FAULT_H_

#include <stdint.h>

/* Codes are part of the interface: new ones are added at the end. */
#define ETPU_FAULTS(F)                                                                           \
  F(ETPU_FAULT_NONE, 0, "none")                                                                  \
  F(ETPU_FAULT_MACHINE, 1, "the machine's numbers are out of range")                             \
  F(ETPU_FAULT_HEADER, 2, "the stream is shorter than its header and regions")                   \
  F(ETPU_FAULT_MAGIC, 3, "it is no command stream")                                              \
  F(ETPU_FAULT_VERSION, 4, "the format has another version")                                     \
  F(ETPU_FAULT_VARIANT, 5, "it is made for another variant of the NPU")                          \
  F(ETPU_FAULT_LENGTH, 6, "the header tells another number of bytes")                            \
  F(ETPU_FAULT_CRC, 7, "its checksum is wrong")                                                  \
  F(ETPU_FAULT_SRAM, 8, "it needs more SRAM than there is, or its cache lies outside of it")     \
  F(ETPU_FAULT_CACHE, 9, "a cache needs a token, a load stream a cache")                         \
  F(ETPU_FAULT_REGIONS, 10, "it wants another number of regions, or one is too small")           \
  F(ETPU_FAULT_COMMAND, 11, "unknown opcode, wrong size, or bytes after the last command")       \
  F(ETPU_FAULT_ENUM, 12, "a field that names one of several things names none of them")          \
  F(ETPU_FAULT_WAIT, 13, "it waits for a command that does not lie before it")                   \
  F(ETPU_FAULT_EMPTY, 14, "rows, width, channels, kernel, strides or dilation are 0")            \
  F(ETPU_FAULT_ADDRESS, 15, "it reads outside of the SRAM that the stream may use")              \
  F(ETPU_FAULT_WRITE, 16, "it writes outside of the SRAM that the stream may write")             \
  F(ETPU_FAULT_BUFFER, 17, "a rolling buffer holds fewer rows than it needs at once")            \
  F(ETPU_FAULT_ALIAS, 18, "pixels or rows of the output share bytes")                            \
  F(ETPU_FAULT_OVERLAP, 19, "input and output share bytes where they must not")                  \
  F(ETPU_FAULT_ACCUMULATORS, 20, "it has more pixels than the array has accumulators")           \
  F(ETPU_FAULT_SPLIT, 21, "split is no power of two up to the number of feeds")                  \
  F(ETPU_FAULT_DEPTH_STEP, 22, "depth_step is 0 or more than the array has rows")                \
  F(ETPU_FAULT_DEPTHWISE, 23, "a depthwise layer is split or has other channels than its input") \
  F(ETPU_FAULT_KERNEL, 24, "the kernel has more than 65536 elements")                            \
  F(ETPU_FAULT_WINDOW, 25, "a window to be pooled lies outside of the input")                    \
  F(ETPU_FAULT_CLAMP, 26, "the clamp's low is above its high, or it has a zero point")           \
  F(ETPU_FAULT_SCALE, 27, "a multiplier or shift is out of range")                               \
  F(ETPU_FAULT_CHANNELS, 28, "softmax takes at most 4095 channels")                              \
  F(ETPU_FAULT_REGION, 29, "it leaves its region")                                               \
  F(ETPU_FAULT_READ_ONLY, 30, "it writes a region that is only read")                            \
  F(ETPU_FAULT_TOKEN, 31, "the parameter cache does not hold what the stream was made for")      \
  F(ETPU_FAULT_SHIFT, 32, "a channel's parameters have a shift out of -31 to 30")                \
  F(ETPU_FAULT_SUM, 33, "the table of a softmax gives a sum that is not positive")

#define ETPU_FAULT_ENTRY(name, number, words) name = (number),
enum etpu_fault_code { ETPU_FAULTS(ETPU_FAULT_ENTRY) ETPU_FAULT_CODES };
#undef ETPU_FAULT_ENTRY

#define ETPU_NO_COMMAND UINT32_MAX

struct etpu_fault {
  uint32_t code;    /* enum etpu_fault_code */
  uint32_t command; /* its place in the stream, from 0; ETPU_NO_COMMAND for the stream as a whole */
};

#endif /* TVM_TINY_NPU_FAULT_H_ */
