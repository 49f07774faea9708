/* The NPU of an emulated board: a QEMU plugin with the model of the device in it.
 *
 *   qemu-system-arm ... -object memory-backend-file,...,mem-path=MEMORY,share=on -plugin
 * libtvm_tiny_npu_emulator.so,config=FILE
 *
 * Device and core share MEMORY, registers included. The device works when the core enters the function in which it
 * waits (the driver's etpu_hal_wait), all at once: the core's instructions are its own, and its counts do not depend on
 * the device's. FILE has a keyword and its value on each line:
 *
 *   interrupt FILE      a byte goes there when the device's line rises; may be left out. As plugins can raise no line,
 *                       it is a pipe to a UART of the machine, whose interrupt the core takes
 *   output FILE         where the runs go: `load CYCLES`, `run CYCLES` or `fault REASON` for each stream
 *   npu NAME            the variant
 *   memory FILE         the shared memory
 *   origin ADDRESS      where the core sees it
 *   size BYTES          of it
 *   registers ADDRESS   where the core sees the device's registers, in that memory
 *   wait ADDRESS        the first instruction of etpu_hal_wait
 *
 * Numbers are hexadecimal with a leading 0x. */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../emulator/qemu_plugin_api.h"
#include "port.h"
#include "tvm_tiny/npu/registers.h"

enum { TEXT = 1024 };

int qemu_plugin_version = 1;

struct settings {
  char interrupt[TEXT], output[TEXT], npu[TEXT], memory[TEXT];
  uint32_t origin, size, registers, wait;
};

static struct settings settings;
static struct etpu_port port;
static uint8_t *memory;
static FILE *output;
static int wire = -1; /* the interrupt line */

static bool parse(char *line) {
  line[strcspn(line, "\r\n")] = '\0';
  char *value = strchr(line, ' ');
  if (value == NULL)
    return line[0] == '\0';
  *value++ = '\0';
  char *const texts[] = {settings.interrupt, settings.output, settings.npu, settings.memory};
  static const char *const text_names[] = {"interrupt", "output", "npu", "memory"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; ++i) {
    if (strcmp(line, text_names[i]) == 0)
      return (size_t)snprintf(texts[i], TEXT, "%s", value) < (size_t)TEXT;
  }
  uint32_t *const numbers[] = {&settings.origin, &settings.size, &settings.registers, &settings.wait};
  static const char *const number_names[] = {"origin", "size", "registers", "wait"};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; ++i) {
    if (strcmp(line, number_names[i]) == 0) {
      char *end = NULL;
      const unsigned long long number = strtoull(value, &end, 16);
      *numbers[i] = (uint32_t)number;
      return end != value && *end == '\0' && number <= UINT32_MAX;
    }
  }
  return false;
}

static bool read_settings(const char *path) {
  FILE *file = fopen(path, "r");
  if (file == NULL)
    return false;
  char line[TEXT + 32];
  bool good = true;
  while (good && fgets(line, sizeof line, file) != NULL)
    good = parse(line);
  fclose(file);
  const uint32_t last = settings.registers - settings.origin;
  return good && settings.wait != 0 && settings.registers >= settings.origin &&
         settings.size >= (uint32_t)ETPU_REGISTERS_SIZE && last <= settings.size - (uint32_t)ETPU_REGISTERS_SIZE;
}

static uint8_t *at_address(void *context, uint32_t address, uint32_t size) {
  (void)context;
  const uint32_t offset = address - settings.origin;
  if (address < settings.origin || offset > settings.size || size > settings.size - offset)
    return NULL;
  return memory + offset;
}

static bool share_memory(void) {
  const int file = open(settings.memory, O_RDWR);
  if (file < 0)
    return false;
  memory = mmap(NULL, settings.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  (void)close(file);
  return memory != MAP_FAILED;
}

static bool make_device(void) {
  port.device.machine = etpu_machine(settings.npu);
  if (port.device.machine == NULL)
    return false;
  port.device.sram = calloc(1, port.device.machine->sram);
  port.registers = (volatile uint32_t *)(void *)(memory + (settings.registers - settings.origin));
  port.memory = at_address;
  return port.device.sram != NULL;
}

/* A pipe that nobody reads yet is opened all the same. */
static bool open_line(void) {
  wire = settings.interrupt[0] == '\0' ? -1 : open(settings.interrupt, O_RDWR | O_NONBLOCK);
  return wire >= 0 || settings.interrupt[0] == '\0';
}

static void on_wait(unsigned int vcpu_index, void *userdata) {
  (void)vcpu_index;
  (void)userdata;
  if (port.registers[ETPU_ID / 4] != (uint32_t)ETPU_ID_VALUE || !etpu_port_serve(&port))
    return;
  if (port.fault.code == 0)
    fprintf(output, "%s %" PRIu64 "\n", port.loaded ? "load" : "run", port.counters.cycles);
  else if (port.fault.command == ETPU_NO_COMMAND)
    fprintf(output, "fault %s\n", etpu_reason((int)port.fault.code));
  else
    fprintf(output, "fault command %" PRIu32 ": %s\n", port.fault.command, etpu_reason((int)port.fault.code));
  fflush(output);
  if (wire >= 0 && etpu_port_interrupts(&port) && write(wire, "!", 1) != 1)
    fprintf(stderr, "tvm_tiny_npu_emulator: the interrupt is lost\n");
}

static void on_block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
  (void)id;
  if (qemu_plugin_tb_n_insns(tb) > 0 && qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0)) == settings.wait)
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_wait, QEMU_PLUGIN_CB_NO_REGS, NULL);
}

static void on_end(qemu_plugin_id_t id, void *userdata) {
  (void)id;
  (void)userdata;
  fclose(output);
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
  (void)info;
  static const char key[] = "config=";
  if (argc != 1 || strncmp(argv[0], key, sizeof key - 1) != 0 || !read_settings(argv[0] + sizeof key - 1)) {
    fprintf(stderr, "tvm_tiny_npu_emulator: expected one argument, config=FILE, and a file that can be understood\n");
    return -1;
  }
  output = fopen(settings.output, "w");
  if (output == NULL || !share_memory() || !make_device() || !open_line()) {
    fprintf(stderr, "tvm_tiny_npu_emulator: cannot open %s and %s, or there is no %s\n", settings.output,
            settings.memory, settings.npu);
    return -1;
  }
  etpu_port_reset(&port);
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_block_translated);
  qemu_plugin_register_atexit_cb(id, on_end, NULL);
  return 0;
}
