/* The HAL of a test: every access goes to a function that the test brings. */
#include "tvm_tiny/npu/etpu_hal.h"

struct hal {
  uint32_t (*read)(uint32_t offset);
  void (*write)(uint32_t offset, uint32_t value);
  bool (*wait)(uint32_t turn);
  void (*clean)(const void *memory, uint32_t size);
  void (*invalidate)(const void *memory, uint32_t size);
};

struct hal hal;

uint32_t etpu_hal_read(uint32_t offset) {
  return hal.read(offset);
}

void etpu_hal_write(uint32_t offset, uint32_t value) {
  hal.write(offset, value);
}

uint32_t etpu_hal_address(const void *memory) {
  return (uint32_t)(uintptr_t)memory;
}

bool etpu_hal_wait(uint32_t turn) {
  return hal.wait(turn);
}

void etpu_hal_clean(const void *memory, uint32_t size) {
  hal.clean(memory, size);
}

void etpu_hal_invalidate(const void *memory, uint32_t size) {
  hal.invalidate(memory, size);
}
