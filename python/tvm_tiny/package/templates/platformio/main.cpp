// Runs the model @name@ on its sample and prints PASS.
#include <Arduino.h>

#include "@name@_example.h"

void setup() {
  Serial.begin(115200);
  while (!Serial) {
  }
  Serial.println(@name@_example() == 0 ? "PASS" : "FAIL");
}

void loop() {}
