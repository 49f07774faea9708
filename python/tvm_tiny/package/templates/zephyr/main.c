/* Runs the model @name@ on its sample. */
#include <zephyr/sys/printk.h>

#include "@name@_example.h"

int main(void) {
  const long wrong = @name@_example();

  printk((wrong == 0) ? "PASS\n" : "FAIL\n");
  return 0;
}
