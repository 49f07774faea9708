/* Runs the model @name@ on its sample. */
#include <stdio.h>

#include "@name@_example.h"

void app_main(void);

void app_main(void) {
  (void)printf("%s\n", (@name@_example() == 0) ? "PASS" : "FAIL");
}
