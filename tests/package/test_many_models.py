"""Many models on one device: two models, and two instances of one, run from two interrupt priorities that preempt each other.

The emulated Cortex-M4 runs alpha in PendSV's handler over and over, while SysTick, of higher priority, interrupts it and runs beta
and alpha in arenas of their own; the main program runs both in one arena, in turns, under both interrupts. Every output must stay
that of an undisturbed run.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from .conftest import Packager, call

_MAIN = """
#include <string.h>

#include "alpha.h"
#include "alpha_example.h"
#include "beta.h"
#include "beta_example.h"
#include "console.h"
#include "fault.h"
#include "tvm_tiny/runtime/compiler.h"

#define SHARED_SIZE (ALPHA_ARENA_SIZE > BETA_ARENA_SIZE ? ALPHA_ARENA_SIZE : BETA_ARENA_SIZE)
#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

typedef void (*vector)(void);
static vector vectors[16] TVM_TINY_ALIGNED(256);

static uint8_t arena_low[ALPHA_ARENA_SIZE] TVM_TINY_ALIGNED(16);
static uint8_t arena_high[ALPHA_ARENA_SIZE] TVM_TINY_ALIGNED(16);
static uint8_t arena_beta[BETA_ARENA_SIZE] TVM_TINY_ALIGNED(16);
static uint8_t arena_shared[SHARED_SIZE] TVM_TINY_ALIGNED(16);

static const int8_t x[8] = {-128, 127, 5, -77, 0, 31, 64, -3};
static int8_t alpha_expected[ALPHA_Y_SIZE], beta_expected[BETA_Y_SIZE];
static volatile uint32_t low, high, nested, in_low, wrong;

static void check_alpha(void *arena) {
  int8_t y[ALPHA_Y_SIZE];
  const struct alpha_inputs inputs = {x};
  const struct alpha_outputs outputs = {y};
  if (alpha_run(arena, &inputs, &outputs) != ALPHA_OK || memcmp(y, alpha_expected, sizeof y) != 0) ++wrong;
}

static void check_beta(void *arena) {
  int8_t y[BETA_Y_SIZE];
  const struct beta_inputs inputs = {x};
  const struct beta_outputs outputs = {y};
  if (beta_run(arena, &inputs, &outputs) != BETA_OK || memcmp(y, beta_expected, sizeof y) != 0) ++wrong;
}

static void pend_sv(void) {
  in_low = 1;
  for (uint32_t begin = high; high == begin;) check_alpha(arena_low); /* until it was interrupted */
  in_low = 0;
  ++low;
}

static void sys_tick(void) {
  nested += in_low;
  check_beta(arena_beta);
  check_alpha(arena_high);
  ++high;
  if (high % 2u == 0u) REGISTER(0xE000ED04) = 1u << 28; /* ICSR: PendSV again; in between, the main program's turn */
}

int main(void) {
  const struct alpha_inputs alpha_in = {x};
  const struct alpha_outputs alpha_out = {alpha_expected};
  const struct beta_inputs beta_in = {x};
  const struct beta_outputs beta_out = {beta_expected};
  if (alpha_example() != 0 || beta_example() != 0) console_text("FAIL: example\\n"), console_exit(1);
  (void)alpha_run(arena_shared, &alpha_in, &alpha_out);
  (void)beta_run(arena_shared, &beta_in, &beta_out);

  for (int i = 0; i < 16; ++i) vectors[i] = fault_handler;
  vectors[14] = pend_sv;
  vectors[15] = sys_tick;
  REGISTER(0xE000ED08) = (uint32_t)(uintptr_t)vectors; /* VTOR */
  REGISTER(0xE000ED20) = 0x40C00000u;                  /* SHPR3: SysTick before PendSV */
  REGISTER(0xE000E014) = 60000u;                       /* SysTick: every 60,000 ticks */
  REGISTER(0xE000E018) = 0u;
  REGISTER(0xE000E010) = 7u;

  while (high < 40) {
    check_alpha(arena_shared);
    check_beta(arena_shared);
  }
  REGISTER(0xE000E010) = 0u;
  if (wrong != 0 || low < 10 || nested < 10) {
    console_text("FAIL: wrong, low, high, nested = ");
    console_hex(wrong); console_text(" "); console_hex(low); console_text(" ");
    console_hex(high); console_text(" "); console_hex(nested); console_text("\\n");
    console_exit(1);
  }
  console_text("PASS\\n");
  console_exit(0);
}
"""


def test_models_and_instances_do_not_disturb_each_other(packaged: Packager, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(packaged("cmake", "cortex-m4"), project)
    (project / "main.c").write_text(_MAIN)
    call("cmake", "-S", project, "-B", "build", cwd=tmp_path)
    call("cmake", "--build", "build", cwd=tmp_path)

    call(
        "qemu-system-arm",
        "-machine",
        "mps2-an386",
        "-nographic",
        "-icount",
        "shift=6",
        "-semihosting",
        "-kernel",
        "build/firmware.elf",
        cwd=tmp_path,
    )
