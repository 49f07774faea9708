/* What to count, as the caller wrote it into a text file: a keyword and its values on each line.
 *
 *   output FILE        where the counts go
 *   blocks FILE        where the profile of blocks goes; optional
 *   core NAME          the core whose cycles are modelled; optional, and ignored where there is no model of it
 *   begin ADDRESS      the call instruction whose callee is measured
 *   end ADDRESS        where that call returns to
 *   run LOW HIGH       a range of addresses of <model>_run, HIGH excluded; any number of them
 *   entry ADDRESS      the first instruction of a layer's function; any number of them
 *
 * Addresses are hexadecimal with a leading 0x and without the Thumb bit. Lines that start with # are ignored. */
#ifndef TVM_TINY_EMULATOR_CONFIG_H_
#define TVM_TINY_EMULATOR_CONFIG_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONFIG_PATH = 1024, CONFIG_NAME = 64 };

struct range {
  uint32_t low;
  uint32_t high;
};

struct config {
  char output[CONFIG_PATH];
  char blocks[CONFIG_PATH];
  char core[CONFIG_NAME];
  uint32_t begin;
  uint32_t end;
  struct range *runs;
  size_t run_count;
  uint32_t *entries;
  size_t entry_count;
};

/* Reads the file at `path`; on failure returns false, with a sentence in `error`. */
bool config_read(const char *path, struct config *config, char *error, size_t error_size);

/* The roles (enum block_role) of a block of instructions that starts at `start` and whose last one is at `last`. */
unsigned config_role(const struct config *config, uint32_t start, uint32_t last);

#endif /* TVM_TINY_EMULATOR_CONFIG_H_ */
