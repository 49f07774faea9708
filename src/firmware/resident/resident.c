/* The firmware that stays on a board: it takes images over a UART, lets them run, and passes their requests on.
 *
 * It lies in flash, its variables and its stack in the last 2 kB of RAM; the window for images is all RAM in front of
 * that. Nothing of an image's is there after a reset but the bytes in the window, and each run begins with one. */
#include <stddef.h>

#include "cortex_m.h"
#include "frames.h"
#include "mailbox.h"
#include "resident_board.h"
#include "stack.h"
#include "uart.h"

extern uint32_t tiny_bss_start[], tiny_bss_end[];

void reset_handler(void);
void resident_exception(void);
void resident_interrupt(void);
void resident_interrupted(const uint32_t *saved);
void resident_call(volatile struct mailbox *mailbox);
void resident_stopped(void);

/* The vectors of the image that runs, which forwarded exceptions go to; NULL where none does. */
const uint32_t *volatile resident_image;

static uint32_t session, last_sequence, stops, interrupts;
static uint8_t last_status;
static enum resident_state state;
static bool is_resumed;
static const uint32_t *to_start; /* the vectors of the image that is to run */

typedef void (*vector)(void);

enum { EXCEPTIONS = 16, INTERRUPTS = 240 };

__attribute__((section(".vectors"), used)) const vector tiny_vectors[EXCEPTIONS + INTERRUPTS] = {
    [0] = (vector)(uintptr_t)tiny_stack_top,
    [1] = reset_handler,
    [2 ... EXCEPTIONS - 1] = resident_exception,
    [EXCEPTIONS... EXCEPTIONS + INTERRUPTS - 1] = resident_interrupt,
};

/* An exception goes to the image's own handler, with the stack and LR as the core left them. Armv6-M has no other way:
 * there the vectors are always those in flash. Without an image the system is reset. */
__attribute__((naked)) void resident_exception(void) {
  __asm volatile(
      ".syntax unified\n\t"
      "ldr r1, =resident_image\n\t"
      "ldr r1, [r1]\n\t"
      "cmp r1, #0\n\t"
      "beq 1f\n\t"
      "mrs r0, ipsr\n\t"
      "lsls r0, r0, #2\n\t"
      "ldr r0, [r1, r0]\n\t"
      "bx r0\n"
      "1:\n\t"
      "ldr r0, =0xE000ED0C\n\t"
      "ldr r1, =0x05FA0004\n\t"
      "str r1, [r0]\n"
      "2:\n\t"
      "b 2b\n\t"
      ".ltorg");
}

__attribute__((naked)) void resident_interrupt(void) {
  __asm volatile(
      ".syntax unified\n\t"
      "mrs r0, msp\n\t"
      "push {r4, lr}\n\t"
      "bl resident_interrupted\n\t"
      "pop {r4, pc}");
}

/* On the resident's own stack: the image's may be full, and its use is measured. */
__attribute__((naked, used)) void resident_call(volatile struct mailbox *mailbox) {
  (void)mailbox;
  __asm volatile(
      ".syntax unified\n\t"
      "push {r4, lr}\n\t"
      "mov r4, sp\n\t"
      "ldr r1, =tiny_stack_top\n\t"
      "mov sp, r1\n\t"
      "bl resident_stopped\n\t"
      "mov sp, r4\n\t"
      "pop {r4, pc}\n\t"
      ".ltorg");
}

__attribute__((naked, noreturn)) static void start(const uint32_t *vectors) {
  (void)vectors;
  __asm volatile(
      ".syntax unified\n\t"
      "ldr r1, [r0, #4]\n\t"
      "ldr r0, [r0]\n\t"
      "msr msp, r0\n\t"
      "bx r1");
}

static void reset_system(void) {
  uart_flush();
  cortex_m_barrier();
  SCB_AIRCR = 0x05FA0004u; /* SYSRESETREQ */
  for (;;) {
  }
}

static void hear_while_running(bool on) {
  const uint32_t bit = 1u << (UART_IRQ % 32u);
  if (on) {
    NVIC_ISER(UART_IRQ / 32u) = bit;
    uart_interrupt(true);
    return;
  }
  uart_interrupt(false);
  NVIC_ICER(UART_IRQ / 32u) = bit;
  NVIC_ICPR(UART_IRQ / 32u) = bit;
}

static bool in_window(uint32_t address, uint32_t size) {
  return address >= RESIDENT_WINDOW_ORIGIN && size <= RESIDENT_WINDOW_SIZE &&
         address - RESIDENT_WINDOW_ORIGIN <= RESIDENT_WINDOW_SIZE - size;
}

static void reply(const struct frame *command, uint8_t status, const uint8_t *payload, uint32_t size) {
  const struct frame frame = {(uint8_t)(command->kind | KIND_REPLY), status, (uint16_t)size, command->sequence,
                              command->session};
  frame_send(&frame, payload);
}

static void say_hello(const struct frame *command) {
  static const struct hello constant = {PROTOCOL_VERSION,
                                        MAX_PAYLOAD,
                                        RESIDENT_CLOCK,
                                        RESIDENT_WINDOW_ORIGIN,
                                        RESIDENT_WINDOW_SIZE,
                                        0u,
                                        RESIDENT_EMULATED ? HELLO_EMULATED : 0,
                                        0u,
                                        RESIDENT_CORE,
                                        RESIDENT_BOARD};
  uint8_t hello[sizeof constant];
  for (size_t i = 0; i < sizeof hello; ++i)
    hello[i] = ((const uint8_t *)&constant)[i];
  put_word(&hello[offsetof(struct hello, call)], (uint32_t)(uintptr_t)resident_call);
  put_word(&hello[offsetof(struct hello, state)], (uint32_t)state);
  reply(command, STATUS_DONE, hello, sizeof hello);
}

/* Commands on memory may be carried out twice: the core stands still in between. */
static void access_memory(const struct frame *command, const uint8_t *payload) {
  if (command->size < (command->kind == KIND_WRITE ? 4u : 8u)) {
    reply(command, STATUS_WRONG_ARGUMENT, NULL, 0u);
    return;
  }
  const uint32_t address = word_at(payload);
  const uint32_t size = command->kind == KIND_WRITE ? command->size - 4u : word_at(payload + 4);
  uint8_t *const memory = (uint8_t *)(uintptr_t)address; /* which resident_stopped() knows has changed */
  if (!in_window(address, size) || (command->kind == KIND_READ && size > MAX_PAYLOAD)) {
    reply(command, STATUS_WRONG_ARGUMENT, NULL, 0u);
  } else if (command->kind == KIND_WRITE) {
    for (uint32_t i = 0; i < size; ++i)
      memory[i] = payload[4u + i];
    reply(command, STATUS_DONE, NULL, 0u);
  } else if (command->kind == KIND_READ) {
    reply(command, STATUS_DONE, memory, size);
  } else {
    uint8_t crc[CRC_SIZE];
    put_word(crc, crc32(0u, memory, size));
    reply(command, STATUS_DONE, crc, sizeof crc);
  }
}

static uint8_t go_on(const struct frame *command, const uint8_t *payload) {
  if (command->size != 4u)
    return STATUS_WRONG_ARGUMENT;
  const uint32_t word = word_at(payload);
  if (command->kind == KIND_RUN) {
    if (state != STATE_IDLE)
      return STATUS_WRONG_STATE;
    if (word % 4u != 0u || !in_window(word, EXCEPTIONS * 4u))
      return STATUS_WRONG_ARGUMENT;
    to_start = (const uint32_t *)(uintptr_t)word;
    return in_window(to_start[1] & ~1u, 2u) ? STATUS_DONE : STATUS_WRONG_ARGUMENT;
  }
  if (state != STATE_STOPPED || word != stops)
    return STATUS_WRONG_STATE;
  is_resumed = true;
  return STATUS_DONE;
}

/* `place` is where the image is that runs, 0 where it does not. */
static void obey(const struct frame *command, const uint8_t *payload, uint32_t place) {
  if (command->kind == KIND_RESET) {
    reply(command, STATUS_DONE, NULL, 0u);
    reset_system();
  }
  if (command->kind == KIND_WHERE && command->session == session) {
    uint8_t word[4];
    put_word(word, place);
    reply(command, STATUS_DONE, word, sizeof word);
    return;
  }
  const bool is_again = command->session == session && command->sequence == last_sequence;
  const bool moves = command->kind == KIND_RUN || command->kind == KIND_RESUME;
  if (is_again && moves)
    reply(command, last_status, NULL, 0u);
  if (state == STATE_RUNNING || (is_again && moves))
    return;
  if (command->kind == KIND_HELLO && command->session != 0u) {
    if (command->session != session)
      last_sequence = command->sequence;
    session = command->session;
    say_hello(command);
  } else if (session == 0u || command->session != session) {
    reply(command, STATUS_NO_SESSION, NULL, 0u);
  } else if (!is_again && command->sequence != last_sequence + 1u) {
    return; /* one that was on its way for long: the host has gone on */
  } else {
    last_sequence = command->sequence;
    if (moves) {
      last_status = go_on(command, payload);
      reply(command, last_status, NULL, 0u);
    } else if (command->kind == KIND_WRITE || command->kind == KIND_READ || command->kind == KIND_CRC) {
      access_memory(command, payload);
    } else {
      reply(command, STATUS_WRONG_ARGUMENT, NULL, 0u);
    }
  }
}

static void hear(uint32_t place) {
  struct frame command;
  const uint8_t *payload;
  uint8_t byte;
  while (uart_receive(&byte))
    if (frame_take(byte, &command, &payload))
      obey(&command, payload, place);
}

__attribute__((used)) void resident_interrupted(const uint32_t *saved) {
  ++interrupts;
  hear(saved[6]); /* the program counter */
}

static void announce(enum frame_kind kind) {
  const struct frame frame = {(uint8_t)kind, STATUS_DONE, 8u, 0u, session};
  uint8_t payload[8];
  put_word(payload, stops);
  put_word(payload + 4, interrupts);
  frame_send(&frame, payload);
}

/* Hears what comes; where nothing is done for long, `kind` is announced once more. */
static void wait_for_host(enum frame_kind kind, uint32_t *waited) {
  const uint32_t patience = RESIDENT_CLOCK / 32u; /* turns of some ten cycles and more: half a second */
  hear(0u);
  if (++*waited >= patience) {
    *waited = 0u;
    announce(kind);
  }
}

__attribute__((used)) void resident_stopped(void) {
  uint32_t waited = 0u;
  hear_while_running(false);
  state = STATE_STOPPED;
  ++stops;
  is_resumed = false;
  announce(KIND_STOPPED);
  while (!is_resumed)
    wait_for_host(KIND_STOPPED, &waited);
  interrupts = 0u;
  state = STATE_RUNNING;
  hear_while_running(true);
  cortex_m_barrier();
}

void reset_handler(void) {
  /* All variables are zero at first: none lies in .data. */
  for (volatile uint32_t *to = tiny_bss_start; to != tiny_bss_end; ++to)
    *to = 0u;
#if CORTEX_M_MAINLINE
  SCB_VTOR = (uint32_t)(uintptr_t)tiny_vectors; /* a boot loader may have moved it */
#endif
  uart_open();
  uint32_t waited = 0u;
  while (to_start == NULL || last_status != STATUS_DONE) {
    if (session == 0u)
      wait_for_host(KIND_STARTED, &waited);
    else
      hear(0u);
  }
  resident_image = to_start;
  state = STATE_RUNNING;
  hear_while_running(true);
  cortex_m_barrier();
  start(to_start);
}
