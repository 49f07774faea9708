/* The emulator's eye on an inference: a QEMU plugin that counts the instructions which <model>_run executes, and the
 * cycles that they would take on the core.
 *
 *   qemu-system-arm ... -plugin libtvm_tiny_emulator.so,config=FILE        (the file: config.h)
 *
 * QEMU translates code in blocks and tells us at the start of each one that it runs. A block has one way in, and leaves
 * early only by a fault, which ends the run: so adding a block's length when it starts is exact. Instructions that an
 * IT block skips are counted as executed, as they take an issue slot on the cores too.
 *
 * One processor is assumed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <signal.h>
#include <sys/prctl.h>
#endif

#include "block.h"
#include "config.h"
#include "counter.h"
#include "qemu_plugin_api.h"
#include "thumb.h"

int qemu_plugin_version = 1;

static struct config config;
static struct counter counter;
static struct block *blocks;
static FILE *output;

static void on_block_run(unsigned int vcpu_index, void *userdata) {
  (void)vcpu_index;
  counter_run(&counter, userdata, output);
}

/* QEMU 7.2 gives a wrong size for the instruction before one that crosses a page; its first bytes are right. */
static struct instruction decode(const struct qemu_plugin_insn *insn) {
  uint16_t half[2] = {0, 0};
  const size_t given = qemu_plugin_insn_size(insn);
  memcpy(half, qemu_plugin_insn_data(insn), given < sizeof half ? given : sizeof half);
  struct instruction decoded = {(uint32_t)qemu_plugin_insn_vaddr(insn), half[0], thumb_size(half[0])};
  if (decoded.size == 4)
    decoded.encoding = (uint32_t)half[0] << 16 | half[1];
  return decoded;
}

static void on_block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
  (void)id;
  const size_t count = qemu_plugin_tb_n_insns(tb);
  if (count == 0)
    return;
  struct block *block = calloc(1, sizeof *block + count * sizeof block->instructions[0]);
  if (block == NULL)
    abort();
  block->count = count;
  for (size_t i = 0; i < count; ++i)
    block->instructions[i] = decode(qemu_plugin_tb_get_insn(tb, i));
  block->role = config_role(&config, block->instructions[0].address, block->instructions[count - 1].address);
  block->next = blocks;
  blocks = block;
  qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block_run, QEMU_PLUGIN_CB_NO_REGS, block);
}

/* A line for each block that ran while measuring: its address, how often it ran, and the encodings of its instructions.
 * A block that was translated twice has two lines. */
static void write_blocks(const char *path) {
  FILE *file = fopen(path, "w");
  if (file == NULL)
    return;
  for (const struct block *block = blocks; block != NULL; block = block->next) {
    if (block->executed == 0)
      continue;
    fprintf(file, "0x%08" PRIx32 " %" PRIu64, block->instructions[0].address, block->executed);
    for (size_t i = 0; i < block->count; ++i)
      fprintf(file, " %0*" PRIx32, 2 * (int)block->instructions[i].size, block->instructions[i].encoding);
    fputc('\n', file);
  }
  fclose(file);
}

static void on_exit(qemu_plugin_id_t id, void *userdata) {
  (void)id;
  (void)userdata;
  counter_last(&counter, output);
  fclose(output);
  if (config.blocks[0] != '\0')
    write_blocks(config.blocks);
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
  (void)info;
  static const char key[] = "config=";
  if (argc != 1 || strncmp(argv[0], key, sizeof key - 1) != 0) {
    fprintf(stderr, "tvm_tiny_emulator: expected one argument, config=FILE\n");
    return -1;
  }
  char error[CONFIG_PATH + 128];
  if (!config_read(argv[0] + sizeof key - 1, &config, error, sizeof error)) {
    fprintf(stderr, "tvm_tiny_emulator: %s\n", error);
    return -1;
  }
  output = fopen(config.output, "w");
  if (output == NULL) {
    fprintf(stderr, "tvm_tiny_emulator: cannot write %s\n", config.output);
    return -1;
  }
#ifdef __linux__
  // Who started the emulator reads the counts. If that one is killed, a firmware that hangs would run on for ever.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  counter_model(&counter, core_find(config.core), output);
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_block_translated);
  qemu_plugin_register_atexit_cb(id, on_exit, NULL);
  return 0;
}
