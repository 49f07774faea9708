// Runs the model @name@ on its sample and prints PASS.
#include "@name@_example.h"

void setup() {
  Serial.begin(115200);
  while (!Serial) {
  }
  const unsigned long begin = micros();
  const long wrong = @name@_example();
  const unsigned long end = micros();
  Serial.print(wrong == 0 ? "PASS, " : "FAIL, ");
  Serial.print(end - begin);
  Serial.println(" microseconds");
}

void loop() {}
