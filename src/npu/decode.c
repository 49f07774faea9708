#include "decode.h"

#include <string.h>

enum type { u8, u16, u32, i8, i16, i32 };

struct field {
  enum type type;
  size_t member; /* where it lies in its struct: 32 bits, whatever its type in the stream */
};

#define HEADER(type, member) {type, offsetof(struct etpu_header, member)},
#define REGION(type, member) {type, offsetof(struct etpu_region_entry, member)},
#define COMMAND(type, member) {type, offsetof(struct etpu_command, member)},
#define CONVOLUTION(type, member) {type, offsetof(struct etpu_command, as.convolution.member)},
#define ELEMENTWISE(type, member) {type, offsetof(struct etpu_command, as.elementwise.member)},
#define POOL(type, member) {type, offsetof(struct etpu_command, as.pool.member)},
#define LOOKUP(type, member) {type, offsetof(struct etpu_command, as.lookup.member)},
#define SOFTMAX(type, member) {type, offsetof(struct etpu_command, as.softmax.member)},
#define RESIZE(type, member) {type, offsetof(struct etpu_command, as.resize.member)},
#define TRANSFER(type, member) {type, offsetof(struct etpu_command, as.transfer.member)},

static const struct field HEADERS[] = {ETPU_HEADER_FIELDS(HEADER)};
static const struct field REGIONS[] = {ETPU_REGION_FIELDS(REGION)};
static const struct field COMMANDS[] = {ETPU_COMMAND_FIELDS(COMMAND)};
static const struct field CONVOLUTIONS[] = {ETPU_CONVOLUTION_FIELDS(CONVOLUTION)};
static const struct field ELEMENTWISES[] = {ETPU_ELEMENTWISE_FIELDS(ELEMENTWISE)};
static const struct field POOLS[] = {ETPU_POOL_FIELDS(POOL)};
static const struct field LOOKUPS[] = {ETPU_LOOKUP_FIELDS(LOOKUP)};
static const struct field SOFTMAXES[] = {ETPU_SOFTMAX_FIELDS(SOFTMAX)};
static const struct field RESIZES[] = {ETPU_RESIZE_FIELDS(RESIZE)};
static const struct field TRANSFERS[] = {ETPU_TRANSFER_FIELDS(TRANSFER)};

struct table {
  const struct field *fields;
  size_t count;
};

#define TABLE(fields) \
  { fields, sizeof(fields) / sizeof((fields)[0]) }

static const struct table HEADER_TABLE = TABLE(HEADERS);
static const struct table REGION_TABLE = TABLE(REGIONS);
static const struct table COMMAND_TABLE = TABLE(COMMANDS);
/* By opcode; 0 is none. */
static const struct table BODIES[] = {{NULL, 0},      TABLE(CONVOLUTIONS), TABLE(ELEMENTWISES), TABLE(POOLS),
                                      TABLE(LOOKUPS), TABLE(SOFTMAXES),    TABLE(RESIZES),      TABLE(TRANSFERS)};

static uint32_t width_of(enum type type) {
  switch (type) {
    case u8:
    case i8:
      return 1;
    case u16:
    case i16:
      return 2;
    default:
      return 4;
  }
}

/* Numbers of less than 32 bits are extended as their type says. */
static uint32_t read_value(const uint8_t *bytes, enum type type) {
  const uint32_t width = width_of(type);
  uint32_t value = 0;
  uint32_t i;
  for (i = 0; i < width; i++) {
    value |= (uint32_t)bytes[i] << (8u * i);
  }
  if (((type == i8) || (type == i16)) && (((value >> ((8u * width) - 1u)) & 1u) != 0u)) {
    value |= UINT32_MAX << (8u * width);
  }
  return value;
}

static uint32_t bytes_of(const struct table *table) {
  uint32_t total = 0;
  size_t i;
  for (i = 0; i < table->count; i++) {
    total += width_of(table->fields[i].type);
  }
  return total;
}

/* Fills the struct `target`; returns what lies behind the fields. */
static const uint8_t *decode(const struct table *table, const uint8_t *bytes, void *target) {
  size_t i;
  for (i = 0; i < table->count; i++) {
    const struct field *field = &table->fields[i];
    const uint32_t value = read_value(bytes, field->type);
    memcpy((uint8_t *)target + field->member, &value, sizeof(value));
    bytes += width_of(field->type);
  }
  return bytes;
}

void etpu_decode_header(const uint8_t *bytes, struct etpu_header *header) {
  (void)decode(&HEADER_TABLE, bytes, header);
}

void etpu_decode_region(const uint8_t *bytes, struct etpu_region_entry *region) {
  (void)decode(&REGION_TABLE, bytes, region);
}

uint32_t etpu_command_bytes(uint32_t opcode) {
  if ((opcode == 0u) || (opcode >= sizeof(BODIES) / sizeof(BODIES[0]))) {
    return 0;
  }
  return (ETPU_COMMAND_BYTES + bytes_of(&BODIES[opcode]) + 3u) & ~3u;
}

uint32_t etpu_decode_command(const uint8_t *bytes, size_t available, struct etpu_command *command) {
  const uint8_t *body;
  const uint8_t *end;
  uint32_t size;
  memset(command, 0, sizeof(*command));
  if (available < ETPU_COMMAND_BYTES) {
    return 0;
  }
  body = decode(&COMMAND_TABLE, bytes, command);
  size = etpu_command_bytes(command->opcode);
  if ((size == 0u) || (size > available) || (command->words * 4u != size)) {
    return 0;
  }
  end = decode(&BODIES[command->opcode], body, command);
  for (; end < bytes + size; end++) {
    if (*end != 0u) {
      return 0;
    }
  }
  return size;
}
