/* A program to begin with: runs the model @name@ once, on what its arena happens to hold. Include path:
 * codegen/host/include and runtime/include of the archive; sources: codegen/host/src. */
#include <stdint.h>

#include "@name@.h"
#include "tvm_tiny/runtime/compiler.h"

static uint8_t arena[@upper@_ARENA_SIZE] TVM_TINY_ALIGNED(@upper@_ARENA_ALIGNMENT);

int main(void) {
  /* Inputs and outputs lie in the arena, at the offsets that @name@.h gives. */
  return (@name@_run(arena, 0, 0) == @upper@_OK) ? 0 : 1;
}
