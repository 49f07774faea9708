/* The UART of Nordic's nRF51, which nRF52 parts have too ("nRF51 Series Reference Manual", version 3.0, chapter 29). */
#include "resident_board.h"
#include "uart.h"

#define REGISTER(offset) (*(volatile uint32_t *)(UART_BASE + (offset)))

#define START_RX REGISTER(0x000u)
#define START_TX REGISTER(0x008u)
#define RX_READY REGISTER(0x108u)
#define TX_READY REGISTER(0x11Cu)
#define INTERRUPT_SET REGISTER(0x304u)
#define INTERRUPT_CLEAR REGISTER(0x308u)
#define ENABLE REGISTER(0x500u)
#define PIN_TX REGISTER(0x50Cu)
#define PIN_RX REGISTER(0x514u)
#define RX_DATA REGISTER(0x518u)
#define TX_DATA REGISTER(0x51Cu)
#define BAUD_RATE REGISTER(0x524u)

enum { ENABLED = 4, RX_READY_BIT = 1 << 2 };

static bool is_sending;

void uart_open(void) {
  PIN_TX = UART_TX_PIN;
  PIN_RX = UART_RX_PIN;
  /* In steps of 16 MHz / 2^32, rounded to multiples of 2^12 as the manual's table does. */
  BAUD_RATE = (uint32_t)((((uint64_t)UART_BAUD << 32) / 16000000u + 0x800u) & 0xFFFFF000u);
  ENABLE = ENABLED;
  START_RX = 1u;
  START_TX = 1u;
}

bool uart_receive(uint8_t *byte) {
  if (RX_READY == 0u)
    return false;
  RX_READY = 0u; /* first: the next byte may arrive with the reading of this one */
  *byte = (uint8_t)RX_DATA;
  return true;
}

void uart_flush(void) {
  while (is_sending && TX_READY == 0u) {
  }
  is_sending = false;
}

void uart_send(uint8_t byte) {
  uart_flush();
  TX_READY = 0u;
  TX_DATA = byte;
  is_sending = true;
}

void uart_interrupt(bool on) {
  if (on)
    INTERRUPT_SET = RX_READY_BIT;
  else
    INTERRUPT_CLEAR = RX_READY_BIT;
}
