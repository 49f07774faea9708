/* The hook for a board's UART: one file of these five functions is all that the resident firmware needs to know.
 *
 * resident_board.h, which is generated from the [uart] table of the board's TOML file, gives UART_BASE, UART_IRQ,
 * UART_CLOCK (hertz, of the UART's own clock), UART_BAUD, and UART_<KEY> for each further integer of the table, such as
 * UART_TX_PIN. The resident runs as the core does after a reset: no PLL, no peripheral clock, no pin is set up; what
 * the UART needs of those, uart_open() does. 8 data bits, no parity, one stop bit, no flow control.
 *
 * uart_cmsdk.c is a short example. For an STM32: the clock of port and USART in RCC, the alternate function of both
 * pins in GPIOx_MODER and GPIOx_AFR, USART_BRR = UART_CLOCK / UART_BAUD, then TE, RE and UE in USART_CR1; status and
 * data are in USART_ISR, _RDR and _TDR (F7, L4) or USART_SR and _DR (F4). For an nRF5340 or nRF52: uart_nrf51.c is the
 * older UART, which the nRF52 still has; a UARTE receives into RAM, one byte at a time with RXD.MAXCNT = 1. */
#ifndef TVM_TINY_FIRMWARE_RESIDENT_UART_H_
#define TVM_TINY_FIRMWARE_RESIDENT_UART_H_

#include <stdbool.h>
#include <stdint.h>

void uart_open(void);

/* Takes a byte that has arrived, and its interrupt with it; false where there is none. Never waits. */
bool uart_receive(uint8_t *byte);

/* Waits for room. */
void uart_send(uint8_t byte);

/* Waits until the last bit is on the wire. */
void uart_flush(void);

/* Whether an arriving byte raises the UART's interrupt, number UART_IRQ. */
void uart_interrupt(bool on);

#endif /* TVM_TINY_FIRMWARE_RESIDENT_UART_H_ */
