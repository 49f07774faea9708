"""What a layer must never do: bodies for the second layer of the model in modules.py."""

from __future__ import annotations

from .modules import NEGATE, twice

_RECURSION = """
static int32_t deeper(int32_t n) {
  volatile int32_t frame[64];
  frame[n & 63] = n;
  const int32_t below = deeper(n + frame[n & 63]);
  return below + frame[(n + 1) & 63];
}
"""

NULL_WRITE = twice(f"{NEGATE}\n  int8_t *volatile nowhere = NULL;\n  *(volatile int8_t *)nowhere = 1;")
NULL_READ = twice(f"{NEGATE}\n  int8_t *volatile nowhere = NULL;\n  out[0] = *(volatile int8_t *)nowhere;")
WILD_WRITE = twice(f"{NEGATE}\n  *(volatile int32_t *)(uintptr_t)0x70000000 = 1;")
UNDEFINED = twice(f'{NEGATE}\n  __asm volatile("udf #0");')
DIVISION = twice(f"{NEGATE}\n  volatile int32_t zero = 0;\n  out[0] = (int8_t)(in[0] / zero);")
LONG_DIVISION = twice(f"{NEGATE}\n  volatile int64_t zero = 0;\n  out[0] = (int8_t)(in[0] / zero);")
JUMP = twice(f"{NEGATE}\n  ((void (*)(void))(uintptr_t)0x20000100)();")
OVERFLOW = twice(f"{NEGATE}\n  out[0] = (int8_t)deeper(in[0] | 1);", _RECURSION)
HANG = twice(f'{NEGATE}\n  for (;;) {{\n    out[0] = 1;\n    __asm volatile("");\n  }}')
STACK_GUARD = twice(f"{NEGATE}\n  tiny_stack_guard[3] = 1u;", "extern uint32_t tiny_stack_guard[];\n")
BEHIND_ARENA = twice(f"{NEGATE}\n  ((int8_t *)(uintptr_t)in)[8] = 1;")
IN_FRONT_OF_ARENA = twice(f"{NEGATE}\n  ((int8_t *)(uintptr_t)in)[-9] = 1;")
BESIDE_OUTPUT = twice(f"{NEGATE}\n  out[8] = 1;")
UNWRITTEN_OUTPUT = twice("out[0] = clamp(-in[0]);")
