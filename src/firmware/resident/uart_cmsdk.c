/* The UART of Arm's Cortex-M System Design Kit, which the FPGA images of MPS2 and MPS3 have ("Cortex-M System Design
 * Kit Technical Reference Manual", DDI 0479, section 4.3). */
#include "resident_board.h"
#include "uart.h"

struct cmsdk_uart {
  volatile uint32_t data, state, control, interrupt, divider;
};

enum { TX_FULL = 1, RX_FULL = 2 };                       /* state */
enum { TX_ENABLE = 1, RX_ENABLE = 2, RX_INTERRUPT = 8 }; /* control */
enum { INTERRUPT_OF_RX = 2, LEAST_DIVIDER = 16 };        /* interrupt: written 1 to clear; divider */

#define UART ((struct cmsdk_uart *)UART_BASE)

void uart_open(void) {
  const uint32_t divider = UART_CLOCK / UART_BAUD;
  UART->divider = divider < LEAST_DIVIDER ? LEAST_DIVIDER : divider;
  UART->control = TX_ENABLE | RX_ENABLE;
}

bool uart_receive(uint8_t *byte) {
  if ((UART->state & RX_FULL) == 0u)
    return false;
  UART->interrupt = INTERRUPT_OF_RX; /* first: the next byte may arrive with the reading of this one */
  *byte = (uint8_t)UART->data;
  return true;
}

void uart_send(uint8_t byte) {
  while ((UART->state & TX_FULL) != 0u) {
  }
  UART->data = byte;
}

void uart_flush(void) {
  while ((UART->state & TX_FULL) != 0u) {
  }
}

void uart_interrupt(bool on) {
  UART->control = TX_ENABLE | RX_ENABLE | (on ? RX_INTERRUPT : 0);
}
