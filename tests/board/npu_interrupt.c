/* A firmware that sleeps while the NPU works: the end of a stream is an interrupt of the emulated core's NVIC. The
 * device's line is the input of a UART (the emulator lets plugins raise no line of their own), whose bytes the handler
 * takes away. job.h comes from the test. */
#include <stdbool.h>
#include <stdint.h>

#include "console.h"
#include "cortex_m.h"
#include "job.h"
#include "semihosting.h"
#include "tvm_tiny/npu/etpu.h"
#include "tvm_tiny/npu/etpu_hal.h"
#include "tvm_tiny/npu/registers.h"

#define UART(offset) CORTEX_M_REGISTER(UART_BASE + (offset))

enum { DATA = 0x0, CONTROL = 0x8, INTERRUPT_STATUS = 0xc, BAUD = 0x10, EXCEPTIONS = 16, VECTORS = 64 };

typedef void (*vector)(void);
extern const vector tiny_vectors[EXCEPTIONS];

static vector vectors[VECTORS] __attribute__((aligned(256)));
static volatile uint32_t interrupts;
static uint8_t x[SIZE], y[SIZE];

static void on_device(void) {
  (void)UART(DATA);
  UART(INTERRUPT_STATUS) = 2u;
  ++interrupts;
  etpu_interrupt();
}

static void let_the_device_interrupt(void) {
  for (uint32_t i = 0; i < (uint32_t)EXCEPTIONS; ++i)
    vectors[i] = tiny_vectors[i];
  vectors[EXCEPTIONS + UART_IRQ] = on_device;
  SCB_VTOR = (uint32_t)(uintptr_t)vectors;
  UART(BAUD) = 16u;
  UART(CONTROL) = 1u << 1 | 1u << 3; /* receiver, and its interrupt */
  NVIC_ISER(UART_IRQ / 32u) = 1u << (UART_IRQ % 32u);
  etpu_hal_write(ETPU_INTERRUPT, 1);
}

int main(void) {
  const struct etpu_buffer buffers[] = {{constants, sizeof constants, false}, {x, SIZE, false}, {y, SIZE, true}};
  const struct etpu_job job = {16, run, sizeof run, load, sizeof load, TOKEN, buffers, 3};
  const int file = semihosting_open("out.bin", SEMIHOSTING_WRITE_BINARY);
  let_the_device_interrupt();
  for (uint32_t round = 0; round < 2u; ++round) {
    for (uint32_t i = 0; i < (uint32_t)SIZE; ++i)
      x[i] = (uint8_t)(3u * i + round);
    const enum etpu_status status = etpu_submit(&job);
    const uint32_t told[] = {(uint32_t)status, interrupts};
    (void)semihosting_write(file, told, sizeof told);
    (void)semihosting_write(file, y, sizeof y);
  }
  semihosting_close(file);
  console_exit(0);
}
