/* A program to begin with: runs the model @name@ once, on what its memory happens to hold. Include path:
 * codegen/host/include and runtime/include of the archive; sources: codegen/host/src. A tensor whose pointer is NULL lies
 * in the memory that the model works in, at the offset that @name@.h gives. */
#include <stddef.h>
#include <stdint.h>

#include "@name@.h"
#include "tvm_tiny/runtime/compiler.h"

@memory@

int main(void) {
@lines@  return (@name@_run(@arguments@) == @upper@_OK) ? 0 : 1;
}
