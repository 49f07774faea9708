#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "block.h"

static bool parse_address(const char *text, uint32_t *address) {
  char *end = NULL;
  errno = 0;
  const unsigned long long value = strtoull(text, &end, 16);
  if (end == text || *end != '\0' || errno != 0 || value > UINT32_MAX)
    return false;
  *address = (uint32_t)value;
  return true;
}

/* `*items` with room for one item more; NULL when there is no memory. */
static void *grown(void *items, size_t count, size_t item_size) {
  return realloc(items, (count + 1) * item_size);
}

static bool add_range(struct config *config, const char *low, const char *high) {
  struct range *runs = grown(config->runs, config->run_count, sizeof *runs);
  if (runs == NULL)
    return false;
  config->runs = runs;
  struct range *added = &runs[config->run_count];
  if (!parse_address(low, &added->low) || !parse_address(high, &added->high))
    return false;
  ++config->run_count;
  return true;
}

static bool add_entry(struct config *config, const char *address) {
  uint32_t *entries = grown(config->entries, config->entry_count, sizeof *entries);
  if (entries == NULL)
    return false;
  config->entries = entries;
  if (!parse_address(address, &entries[config->entry_count]))
    return false;
  ++config->entry_count;
  return true;
}

static bool copy_text(char *to, const char *from, size_t room) {
  const size_t length = strlen(from);
  if (length == 0 || length >= room)
    return false;
  memcpy(to, from, length + 1);
  return true;
}

static bool parse_line(struct config *config, char *line) {
  line[strcspn(line, "\r\n")] = '\0';
  if (line[0] == '\0' || line[0] == '#')
    return true;
  char *values = strchr(line, ' ');
  if (values == NULL)
    return false;
  *values++ = '\0';
  if (strcmp(line, "output") == 0)
    return copy_text(config->output, values, sizeof config->output);
  if (strcmp(line, "blocks") == 0)
    return copy_text(config->blocks, values, sizeof config->blocks);
  if (strcmp(line, "core") == 0)
    return copy_text(config->core, values, sizeof config->core);
  if (strcmp(line, "begin") == 0)
    return parse_address(values, &config->begin);
  if (strcmp(line, "end") == 0)
    return parse_address(values, &config->end);
  if (strcmp(line, "entry") == 0)
    return add_entry(config, values);
  if (strcmp(line, "run") == 0) {
    char *high = strchr(values, ' ');
    if (high == NULL)
      return false;
    *high++ = '\0';
    return add_range(config, values, high);
  }
  return false;
}

bool config_read(const char *path, struct config *config, char *error, size_t error_size) {
  memset(config, 0, sizeof *config);
  FILE *file = fopen(path, "r");
  if (file == NULL) {
    snprintf(error, error_size, "cannot read the configuration %s: %s", path, strerror(errno));
    return false;
  }
  char line[CONFIG_PATH + 32];
  unsigned number = 0;
  bool good = true;
  while (good && fgets(line, sizeof line, file) != NULL) {
    ++number;
    good = parse_line(config, line);
  }
  fclose(file);
  if (!good) {
    snprintf(error, error_size, "line %u of the configuration %s is not understood", number, path);
    return false;
  }
  if (config->output[0] == '\0' || config->begin == 0 || config->end == 0 || config->run_count == 0) {
    snprintf(error, error_size, "the configuration %s must give output, begin, end and run", path);
    return false;
  }
  return true;
}

unsigned config_role(const struct config *config, uint32_t start, uint32_t last) {
  unsigned role = 0;
  if (start <= config->begin && config->begin <= last)
    role |= BLOCK_BEGINS;
  if (start == config->end)
    role |= BLOCK_ENDS;
  for (size_t i = 0; i < config->run_count; ++i)
    if (config->runs[i].low <= start && start < config->runs[i].high)
      role |= BLOCK_OF_RUN;
  for (size_t i = 0; i < config->entry_count; ++i)
    if (config->entries[i] == start)
      role |= BLOCK_OF_ENTRY;
  return role;
}
