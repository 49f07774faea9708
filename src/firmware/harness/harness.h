/* The files that pass between the harness and the machine which drives it; python/tvm_tiny/board/harness.py is the
 * other side. All words are little-endian, nothing is padded.
 *
 *   input.bin    struct harness_header, then for each sample the inputs' bytes in the model's order
 *   output.bin   for each sample struct harness_record, then the outputs' bytes
 *   trace.bin    for each layer of each sample struct harness_trace, then the bytes that it wrote; from a build that
 * checks the arena, struct harness_check for each layer, and one more for what follows the layers */
#ifndef TVM_TINY_FIRMWARE_HARNESS_H_
#define TVM_TINY_FIRMWARE_HARNESS_H_

#include <stdint.h>

#define HARNESS_INPUT_MAGIC 0x4E495454u  /* "TTIN" */
#define HARNESS_RECORD_MAGIC 0x54554F54u /* "TOUT" */
#define HARNESS_TRACE_MAGIC 0x43525454u  /* "TTRC" */
#define HARNESS_CHECK_MAGIC 0x4B435454u  /* "TTCK" */

enum harness_option { HARNESS_TICKS = 1 };

/* What the harness found after a run, or-ed; anything but 0 ends it. */
enum harness_damage {
  HARNESS_BELOW_ARENA = 1,   /* bytes in front of the arena were written */
  HARNESS_ABOVE_ARENA = 2,   /* bytes behind it */
  HARNESS_STACK_GUARD = 4,   /* the words below the stack */
  HARNESS_INPUT = 8,         /* an input outside the arena, which is const */
  HARNESS_AROUND_OUTPUT = 16 /* bytes beside an output outside the arena */
};

enum harness_exit { HARNESS_DONE = 0, HARNESS_IO_FAILED = 1, HARNESS_STOPPED = 2 };

struct harness_header {
  uint32_t magic, samples, options;
};

struct harness_record {
  uint32_t magic, sample, status, damage;
  uint32_t stack, tick_start, tick_end, tick_wraps;
};

struct harness_trace {
  uint32_t magic, sample, layer, size;
};

/* What a layer changed outside its outputs and its scratch memory: `count` bytes of one pool, from offset `first` to
 * `last`, which lie in front of the pool where negative; the first held `before` and holds `after`. `damage` is that of
 * tensors outside the arena. */
struct harness_check {
  uint32_t magic, sample, layer, damage, pool;
  int32_t first, last;
  uint32_t count, before, after;
};

/* A tensor of the model: its pool and its place in it, its bytes, and its place in the buffer outside the arena. */
#define HARNESS_NO_PLACE 0xFFFFFFFFu /* the offset of a tensor that cannot lie in the arena */

struct harness_tensor {
  uint32_t pool, offset, size, outside;
};

#endif /* TVM_TINY_FIRMWARE_HARNESS_H_ */
