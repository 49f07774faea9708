/* Runs each model on its sample: prints PASS, or what went wrong. */
#include "console.h"

@includes@

static int check(const char *model, long wrong) {
  if (wrong == 0) {
    return 0;
  }
  console_text(model);
  console_text(": the output is not as expected, elements wrong + 1 = 0x");
  console_hex((uint32_t)wrong);
  console_text("\n");
  return 1;
}

int main(void) {
  int wrong = 0;

@checks@
  console_text((wrong == 0) ? "PASS\n" : "FAIL\n");
  console_exit(wrong);
}
